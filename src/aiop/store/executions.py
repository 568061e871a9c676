"""Executions as rows, and the end of an execution that nobody ever claimed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import ExecutionChange, NewExecution
from aiop.model.ids import ExecutionId, VersionId, WorkflowId
from aiop.model.records import EventType, ExecutionSummary, StepRecord
from aiop.model.state import ExecutionStatus, Reason
from aiop.store import tables
from aiop.store.codec import AnyRow, clean, dump, dump_optional, load, load_optional, micros, moment
from aiop.store.steps import reason, waiting

__all__ = [
    "ENDED",
    "OPEN",
    "SHOWN",
    "cancel_unclaimed",
    "change_row",
    "erase_ended",
    "new_row",
    "summary",
    "write_changes",
]

OPEN = tuple(status.value for status in ExecutionStatus if not status.ended)
ENDED = tuple(status.value for status in ExecutionStatus if status.ended)
SHOWN = [column for column in tables.executions.c if column.name not in ("options", "sealed")]
"""The columns of a summary."""

_STATE = (
    "status",
    "started_at",
    "completed_at",
    "outputs",
    "reason",
    "error",
    "waiting_code",
    "waiting_detail",
)


def new_row(new: NewExecution, created_at: int) -> dict[str, Any]:
    """Encode a new execution."""
    return {
        "id": new.id,
        "workflow_id": new.workflow_id,
        "version_id": new.version_id,
        "status": ExecutionStatus.PENDING.value,
        "created_at": created_at,
        "options": dump(new.options),
        "inputs": dump(new.inputs),
        "sealed": new.sealed,
    }


def change_row(execution: ExecutionId, change: ExecutionChange) -> dict[str, Any]:
    """Encode a change as parameters of ``write_changes``."""
    return {
        "execution": execution,
        "status": change.status.value,
        "started_at": micros(change.started_at),
        "completed_at": micros(change.completed_at),
        "outputs": dump_optional(change.outputs),
        "reason": change.reason.value if change.reason else None,
        "error": clean(change.error),
        "waiting_code": change.waiting.code.value if change.waiting else None,
        "waiting_detail": clean(change.waiting.detail) if change.waiting else None,
    }


def summary(row: AnyRow, steps: Sequence[StepRecord]) -> ExecutionSummary:
    """Decode a row."""
    return ExecutionSummary(
        id=ExecutionId(row.id),
        workflow_id=WorkflowId(row.workflow_id),
        version_id=VersionId(row.version_id),
        status=ExecutionStatus(row.status),
        inputs=load(row.inputs),
        created_at=moment(row.created_at),
        outputs=load_optional(row.outputs),
        started_at=moment(row.started_at),
        completed_at=moment(row.completed_at),
        reason=reason(row),
        error=row.error,
        waiting=waiting(row),
        cancel_requested_at=moment(row.cancel_requested_at),
        steps=steps,
    )


async def write_changes(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Write new states, with the status of each workflow whose newest execution is among them."""
    state: dict[str, Any] = {name: bindparam(name) for name in _STATE}
    await tx.execute(
        update(tables.executions).where(tables.executions.c.id == bindparam("execution")).values(state), rows
    )
    await tx.execute(
        update(tables.workflows)
        .where(tables.workflows.c.newest_execution == bindparam("execution"))
        .values(status=bindparam("status")),
        [{"execution": row["execution"], "status": row["status"]} for row in rows],
    )
    ended = [row["execution"] for row in rows if row["status"] in ENDED]
    if ended:
        await erase_ended(tx, ended)


async def erase_ended(tx: AsyncConnection, ended: Sequence[str]) -> None:
    """Erase what was sealed, and the leases."""
    executions, steps, leases = tables.executions, tables.steps, tables.leases
    await tx.execute(
        update(executions).where(executions.c.id.in_(ended), executions.c.sealed.is_not(None)).values(sealed=None)
    )
    await tx.execute(
        update(steps).where(steps.c.execution_id.in_(ended), steps.c.sealed.is_not(None)).values(sealed=None)
    )
    await tx.execute(delete(leases).where(leases.c.execution_id.in_(ended)))


async def cancel_unclaimed(tx: AsyncConnection, cancelled: Sequence[str], now: int) -> None:
    """End executions that have no owner who could. Their events follow ``ExecutionSubmitted``, the only one yet."""
    if not cancelled:
        return
    state: dict[str, Any] = dict.fromkeys(_STATE)
    state |= {"status": ExecutionStatus.CANCELLED.value, "completed_at": now, "reason": Reason.CANCELLED.value}
    await tx.execute(
        update(tables.executions).where(tables.executions.c.id.in_(cancelled)).values(cancel_requested_at=now)
    )
    await write_changes(tx, [{"execution": execution, **state} for execution in cancelled])
    finished = dump({"status": ExecutionStatus.CANCELLED.value, "reason": Reason.CANCELLED.value})
    await tx.execute(
        insert(tables.events),
        [
            {"execution_id": execution, "seq": seq, "type": kind.value, "at": now, "data": data}
            for execution in cancelled
            for seq, kind, data in (
                (2, EventType.EXECUTION_CANCEL_REQUESTED, "{}"),
                (3, EventType.EXECUTION_FINISHED, finished),
            )
        ],
    )

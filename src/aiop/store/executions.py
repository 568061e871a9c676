"""Executions as rows, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import ExecutionChange, NewExecution
from aiop.model.ids import ExecutionId, PipelineId, VersionId, WorkflowId
from aiop.model.records import Event, EventType, ExecutionSummary, StepRecord
from aiop.model.state import ExecutionStatus, Reason
from aiop.store import tables
from aiop.store.bulk import batched
from aiop.store.codec import AnyRow, clean, dump, dump_optional, load, load_optional, micros, moment
from aiop.store.database import Database
from aiop.store.events import event_row
from aiop.store.ledger import counted_as
from aiop.store.steps import reason, waiting
from aiop.store.tallies import EndedExecution
from aiop.store.versions import drop_versions

__all__ = [
    "ENDED",
    "OPEN",
    "SHOWN",
    "ExecutionTable",
    "change_row",
    "new_row",
    "summary",
]

OPEN = tuple(status.value for status in ExecutionStatus if not status.ended)
ENDED = tuple(status.value for status in ExecutionStatus if status.ended)
SHOWN = [column for column in tables.executions.c if column.name not in ("options", "sealed", "source")]
"""The columns of a summary."""
_AT_ONCE = 1000
"""Executions for one statement: a database bounds its parameters."""
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

_NEW = (
    "id",
    "workflow_id",
    "pipeline_id",
    "version_id",
    "status",
    "source",
    "created_at",
    "options",
    "requires",
    "inputs",
    "sealed",
)


def new_row(new: NewExecution, created_at: int) -> dict[str, Any]:
    """Encode a new execution."""
    return {
        "id": new.id,
        "workflow_id": new.workflow_id,
        "pipeline_id": new.pipeline_id,
        "source": new.source,
        "version_id": new.version_id,
        "status": ExecutionStatus.PENDING.value,
        "created_at": created_at,
        "options": dump(new.options),
        "requires": " ".join(new.requires),
        "inputs": dump(new.inputs),
        "sealed": new.sealed,
    }


def change_row(execution: ExecutionId, change: ExecutionChange) -> dict[str, Any]:
    """Encode a change as parameters of ``ExecutionTable.change``."""
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
        workflow_id=None if row.workflow_id is None else WorkflowId(row.workflow_id),
        pipeline_id=None if row.pipeline_id is None else PipelineId(row.pipeline_id),
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
        requires=tuple(row.requires.split()),
        steps=tuple(steps),
    )


class ExecutionTable:
    """The only one who writes the table, so that the counts are true."""

    def __init__(self, db: Database) -> None:
        table = tables.executions.c
        self._insert = db.bulk(insert(tables.executions), _NEW)
        self._update = db.bulk(
            update(tables.executions)
            .where(table.id == bindparam("execution"))
            .values({name: bindparam(name) for name in _STATE})
        )
        self._insert_events = db.bulk(insert(tables.events))
        self._ledger = db.ledger
        self._make_due = db.upsert(tables.traces_due)
        self._traced = db.traced

    async def add(self, tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
        """Insert new executions with their first event; the last of each workflow becomes its newest."""
        await self._insert.execute(tx, rows)
        await self._insert_events.execute(tx, [_submitted(row) for row in rows])
        for row in rows:
            if row["workflow_id"] is not None:
                self._ledger.submitted(row["workflow_id"], row["id"], row["status"])
            self._ledger.count(counted_as(row["workflow_id"], row["pipeline_id"]), row["status"], 1)

    async def change(self, tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
        """Write new states (see ``change_row``), with the status of each workflow whose newest is among them."""
        found = await tx.execute(_STATUS, {"executions": [row["execution"] for row in rows]})
        before = {row.id: row for row in found}
        await self._update.execute(tx, rows)
        moved = [row for row in rows if row["status"] != before[row["execution"]].status]
        for row in moved:
            old = before[row["execution"]]
            if old.workflow_id is not None:
                self._ledger.moved(old.workflow_id, row["execution"], row["status"])
            parent = counted_as(old.workflow_id, old.pipeline_id)
            self._ledger.count(parent, old.status, -1)
            self._ledger.count(parent, row["status"], 1)
        ended = [row for row in moved if row["status"] in ENDED]
        if ended:
            await _erase(tx, [row["execution"] for row in ended])
            if self._traced:
                await self._make_due.execute(
                    tx, [{"execution_id": row["execution"], "ended_at": row["completed_at"]} for row in ended]
                )
            for row in ended:
                old = before[row["execution"]]
                self._ledger.ended(
                    EndedExecution(
                        old.workflow_id or old.pipeline_id,
                        row["status"],
                        row["reason"],
                        row["started_at"],
                        row["completed_at"],
                    )
                )

    async def cancel_unclaimed(self, tx: AsyncConnection, cancelled: Sequence[str], now: int) -> None:
        """End executions without an owner who could. Their events follow ``ExecutionSubmitted``, the only one yet."""
        for some in batched(cancelled, _AT_ONCE):
            await self._cancel(tx, some, now)

    async def _cancel(self, tx: AsyncConnection, cancelled: Sequence[str], now: int) -> None:
        state: dict[str, Any] = dict.fromkeys(_STATE)
        state |= {"status": ExecutionStatus.CANCELLED.value, "completed_at": now, "reason": Reason.CANCELLED.value}
        await tx.execute(
            update(tables.executions).where(tables.executions.c.id.in_(cancelled)).values(cancel_requested_at=now)
        )
        await self.change(tx, [{"execution": execution, **state} for execution in cancelled])
        finished = {"status": ExecutionStatus.CANCELLED, "reason": Reason.CANCELLED, "error": None}
        await self._insert_events.execute(
            tx,
            [
                event_row(ExecutionId(execution), Event(seq, kind, moment(now), data))
                for execution in cancelled
                for seq, kind, data in (
                    (2, EventType.EXECUTION_CANCEL_REQUESTED, {}),
                    (3, EventType.EXECUTION_FINISHED, finished),
                )
            ],
        )

    async def delete(self, tx: AsyncConnection, executions: Sequence[str]) -> None:
        """Delete the rows of executions, and the versions of pipelines that were kept for them."""
        table = tables.executions.c
        gone = await tx.execute(
            delete(tables.executions)
            .where(table.id.in_(executions))
            .returning(table.workflow_id, table.pipeline_id, table.version_id, table.status)
        )
        rows: Sequence[AnyRow] = gone.all()
        for row in rows:
            self._ledger.count(counted_as(row.workflow_id, row.pipeline_id), row.status, -1)
        versions = {row.version_id for row in rows if row.pipeline_id is not None}
        if versions:
            await drop_versions(tx, versions)


_STATUS = (
    select(
        tables.executions.c.id,
        tables.executions.c.workflow_id,
        tables.executions.c.pipeline_id,
        tables.executions.c.status,
    )
    .where(tables.executions.c.id.in_(bindparam("executions", expanding=True)))
    .order_by(tables.executions.c.id)
    .with_for_update()
)


def _submitted(row: dict[str, Any]) -> dict[str, Any]:
    parent = "workflow_id" if row["workflow_id"] is not None else "pipeline_id"
    data = {parent: row[parent], "version_id": row["version_id"]}
    return event_row(row["id"], Event(1, EventType.EXECUTION_SUBMITTED, moment(row["created_at"]), data))


async def _erase(tx: AsyncConnection, ended: Sequence[str]) -> None:
    """Erase what was sealed, and the leases."""
    executions, steps, leases = tables.executions, tables.steps, tables.leases
    await tx.execute(
        update(executions).where(executions.c.id.in_(ended), executions.c.sealed.is_not(None)).values(sealed=None)
    )
    await tx.execute(
        update(steps).where(steps.c.execution_id.in_(ended), steps.c.sealed.is_not(None)).values(sealed=None)
    )
    await tx.execute(delete(leases).where(leases.c.execution_id.in_(ended)))

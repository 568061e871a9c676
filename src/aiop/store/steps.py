"""Steps and attempts as rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, null

from aiop.model.ids import ExecutionId, StepId
from aiop.model.records import AttemptRecord, StepRecord
from aiop.model.state import Reason, StepStatus, WaitCode, Waiting
from aiop.store import tables
from aiop.store.codec import AnyRow, clean, dump_optional, load_optional, micros, moment

__all__ = ["attempt", "attempt_row", "reason", "shown_columns", "small_columns", "step", "step_row", "waiting"]

_VALUES = frozenset({"inputs", "outputs", "sealed"})


def small_columns() -> list[ColumnElement[Any]]:
    """Return the columns for lists, without the values."""
    return _columns_without(_VALUES)


def shown_columns() -> list[ColumnElement[Any]]:
    """Return the columns for answers, without what is sealed."""
    return _columns_without(frozenset({"sealed"}))


def _columns_without(names: frozenset[str]) -> list[ColumnElement[Any]]:
    return [null().label(column.name) if column.name in names else column for column in tables.steps.c]


def step_row(execution: ExecutionId, record: StepRecord) -> dict[str, Any]:
    """Encode a step."""
    return {
        "execution_id": execution,
        "step": record.step,
        "fan_index": record.index,
        "status": record.status.value,
        "attempt": record.attempt,
        "started_at": micros(record.started_at),
        "completed_at": micros(record.completed_at),
        "exit_code": record.exit_code,
        "reason": record.reason.value if record.reason else None,
        "waiting_code": record.waiting.code.value if record.waiting else None,
        "outputs_truncated": record.outputs_truncated,
        "cached": record.cached,
        "waiting_detail": clean(record.waiting.detail) if record.waiting else None,
        "error": clean(record.error),
        "inputs": dump_optional(record.inputs),
        "outputs": dump_optional(record.outputs),
        "sealed": record.sealed,
    }


def step(row: AnyRow) -> StepRecord:
    """Decode a row."""
    return StepRecord(
        step=StepId(row.step),
        index=row.fan_index,
        status=StepStatus(row.status),
        attempt=row.attempt,
        started_at=moment(row.started_at),
        completed_at=moment(row.completed_at),
        exit_code=row.exit_code,
        reason=reason(row),
        error=row.error,
        waiting=waiting(row),
        inputs=load_optional(row.inputs),
        outputs=load_optional(row.outputs),
        outputs_truncated=row.outputs_truncated,
        cached=row.cached,
        sealed=row.sealed,
    )


def attempt_row(execution: ExecutionId, record: AttemptRecord) -> dict[str, Any]:
    """Encode an attempt."""
    return {
        "execution_id": execution,
        "step": record.step,
        "fan_index": record.index,
        "attempt": record.attempt,
        "status": record.status.value,
        "started_at": micros(record.started_at),
        "completed_at": micros(record.completed_at),
        "exit_code": record.exit_code,
        "reason": record.reason.value if record.reason else None,
        "infrastructure": record.infrastructure,
        "image_digest": record.image_digest,
        "log_stdout": record.log_stdout,
        "log_stderr": record.log_stderr,
        "log_bytes": record.log_bytes,
        "retry_at": micros(record.retry_at),
        "ready_at": micros(record.ready_at),
        "error": clean(record.error),
    }


def attempt(row: AnyRow) -> AttemptRecord:
    """Decode a row."""
    return AttemptRecord(
        step=StepId(row.step),
        index=row.fan_index,
        attempt=row.attempt,
        status=StepStatus(row.status),
        started_at=moment(row.started_at),
        completed_at=moment(row.completed_at),
        exit_code=row.exit_code,
        reason=reason(row),
        error=row.error,
        infrastructure=row.infrastructure,
        image_digest=row.image_digest,
        log_stdout=row.log_stdout,
        log_stderr=row.log_stderr,
        log_bytes=row.log_bytes,
        retry_at=moment(row.retry_at),
        ready_at=moment(row.ready_at),
    )


def reason(row: AnyRow) -> Reason | None:
    """Decode the reason of any row that has one."""
    return None if row.reason is None else Reason(row.reason)


def waiting(row: AnyRow) -> Waiting | None:
    """Decode what any row waits for."""
    return None if row.waiting_code is None else Waiting(WaitCode(row.waiting_code), row.waiting_detail)

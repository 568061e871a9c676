"""The store, for telling of ended executions as traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from aiop.model.ids import ExecutionId, PipelineId, StepId, WorkflowId
from aiop.model.records import AttemptRecord, StepRecord
from aiop.model.state import ExecutionStatus, Reason

__all__ = ["DueTrace", "TraceStore", "TracedExecution", "TracedStep"]


@dataclass(frozen=True, slots=True)
class DueTrace:
    """An execution that has ended and whose trace was not exported yet."""

    execution: ExecutionId
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class TracedExecution:
    """An ended execution without its steps; ``options`` are those of ``ExecutionRecord``.

    ``name`` is that of its workflow or pipeline, ``None`` once that is deleted.
    """

    id: ExecutionId
    workflow_id: WorkflowId | None
    pipeline_id: PipelineId | None
    name: str | None
    status: ExecutionStatus
    reason: Reason | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TracedStep:
    """A step without its values, and all of its attempts in order."""

    record: StepRecord
    attempts: Sequence[AttemptRecord]


class TraceStore(Protocol):
    """For the exporter of traces; all raise ``StorageUnavailable``.

    A trace becomes due in the transaction that ends its execution, if the store was opened so. It stays due until it
    is settled, also over a restart; the trace of an execution that is deleted is due no more.
    """

    async def due_traces(self, *, after: ExecutionId | None, limit: int) -> Sequence[DueTrace]:
        """List what is due in the order of the ids, behind ``after``."""

    async def traced_execution(self, execution: ExecutionId) -> TracedExecution:
        """Read an ended execution; raises ``NotFound``."""

    async def traced_steps(
        self, execution: ExecutionId, *, after: tuple[StepId, int] | None, limit: int
    ) -> Sequence[TracedStep]:
        """Read steps in the order of id and index, behind ``after``."""

    async def settle_traces(self, executions: Sequence[ExecutionId]) -> None:
        """Strike these off; they are due no more."""

"""The store, for answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from aiop.model.ids import ExecutionId, PipelineId, StepId, VersionId, WorkflowId
from aiop.model.records import (
    AttemptRecord,
    Event,
    ExecutionSummary,
    LogBatch,
    VersionRecord,
    VersionSummary,
    WorkflowRecord,
    WorkflowSummary,
)
from aiop.model.state import ExecutionStatus

__all__ = ["ExecutionQuery", "Page", "PageQuery", "ReadStore", "WorkflowQuery"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which part of a list; ``sort`` is a field's name, ``None`` for newest first; ties break by id, likewise."""

    limit: int = 20
    offset: int = 0
    sort: str | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowQuery(PageQuery):
    """Sorts by ``id name status created_at updated_at``; ``name`` is a substring, case ignored."""

    status: ExecutionStatus | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionQuery(PageQuery):
    """Sorts by ``id status created_at started_at completed_at``."""

    workflow: WorkflowId | None = None
    status: ExecutionStatus | None = None
    pipeline: PipelineId | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page, and the count of all that the filter lets through."""

    items: Sequence[T]
    total: int


class ReadStore(Protocol):
    """For answers. Never waits for writers; all raise ``StorageUnavailable``."""

    async def ping(self) -> None:
        """Read something; for readiness."""

    async def workflow(self, workflow: WorkflowId) -> WorkflowRecord:
        """Read one; raises ``NotFound``."""

    async def workflows(self, query: WorkflowQuery) -> Page[WorkflowSummary]:
        """Read a page."""

    async def versions(self, workflow: WorkflowId, query: PageQuery) -> Page[VersionSummary]:
        """Read a page of the versions of a definition; sorts by ``number``."""

    async def version(self, workflow: WorkflowId, number: int) -> VersionRecord:
        """Read a version of a definition by its number; raises ``NotFound``."""

    async def document(self, version: VersionId) -> str:
        """Read a definition's JSON text; immutable, so it may be cached. Raises ``NotFound``."""

    async def execution(self, execution: ExecutionId, *, values: bool = True) -> ExecutionSummary:
        """Read one with its steps, without their ``inputs`` and ``outputs`` if no ``values`` are asked for.

        Raises ``NotFound``.
        """

    async def executions(self, query: ExecutionQuery) -> Page[ExecutionSummary]:
        """Read a page, each with its steps (without ``inputs`` and ``outputs`` of steps)."""

    async def attempts(self, execution: ExecutionId, step: StepId) -> Sequence[AttemptRecord]:
        """Read the attempts of a step by index and attempt."""

    async def events(self, execution: ExecutionId, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """Read events with ``seq`` above ``after``, in order."""

    async def last_event(self, execution: ExecutionId) -> int:
        """Read the ``seq`` of the newest event, 0 if there is none."""

    async def logs(
        self, execution: ExecutionId, *, after: int = 0, step: StepId | None = None, limit: int = 100
    ) -> Sequence[LogBatch]:
        """Read batches with ``seq`` above ``after``, in order."""

    async def log_tail(self, execution: ExecutionId, *, size: int) -> Sequence[LogBatch]:
        """Read the newest batches, in order, that together hold at least ``size`` bytes of text, or all."""

    async def counts(self) -> Mapping[ExecutionStatus, int]:
        """Count executions by status."""

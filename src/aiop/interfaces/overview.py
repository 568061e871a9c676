"""The store, for pictures of the whole: many executions at a glance, and how it went lately."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from aiop.interfaces.reading import ExecutionQuery, Page
from aiop.model.ids import PipelineId, WorkflowId
from aiop.model.records import ExecutionSummary
from aiop.model.state import ExecutionStatus, StepStatus

__all__ = ["Ended", "Glance", "OverviewStore"]


@dataclass(frozen=True, slots=True)
class Glance:
    """An execution without its steps; ``counts`` says how many of them are in which state, of those that have one."""

    execution: ExecutionSummary
    counts: Mapping[StepStatus, int]


@dataclass(frozen=True, slots=True)
class Ended:
    """Executions that ended within one stretch of time, the ``bucket``-th from 0, in one state.

    ``mean`` and ``longest`` are of those that had begun, ``None`` if none had.
    """

    bucket: int
    status: ExecutionStatus
    count: int
    mean: timedelta | None
    longest: timedelta | None


class OverviewStore(Protocol):
    """For the overview; all raise ``StorageUnavailable``."""

    async def glances(self, query: ExecutionQuery) -> Page[Glance]:
        """Read a page; costs what it holds, however many steps the executions have."""

    async def names(self, workflows: Iterable[WorkflowId], pipelines: Iterable[PipelineId]) -> Mapping[str, str]:
        """Read the names of workflows and pipelines by id, also of those that are being deleted."""

    async def ended(self, since: datetime, *, width: timedelta) -> Sequence[Ended]:
        """Count what ended from ``since`` on, in stretches of ``width``; none of what has no executions."""

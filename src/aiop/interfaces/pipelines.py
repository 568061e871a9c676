"""The store, for pipelines: what users do with them, and what their executions leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiop.interfaces.reading import Page, PageQuery
from aiop.model.artifacts import Garbage
from aiop.model.ids import ExecutionId, PipelineId, StepId
from aiop.model.pipelines import CacheEntry, OutputRecord, PipelineRecord, WorkspaceRecord
from aiop.model.records import LogLine

__all__ = ["CacheStore", "CachedResult", "NewPipeline", "PipelineQuery", "PipelineStore", "PreviousRun"]


@dataclass(frozen=True, slots=True)
class NewPipeline:
    """A pipeline to store; see ``PipelineRecord``."""

    id: PipelineId
    name: str
    source_directory: str
    definition: str
    description: str | None = None
    caching_enabled: bool = True
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PipelineQuery(PageQuery):
    """Sorts by ``id name created_at updated_at``; ``name`` is a substring, case ignored."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class PreviousRun:
    """What an earlier execution of the same pipeline did at the same step."""

    execution: ExecutionId
    workspace: WorkspaceRecord
    completed: bool


@dataclass(frozen=True, slots=True)
class CachedResult:
    """An entry with its log."""

    entry: CacheEntry
    log: Sequence[LogLine]


class PipelineStore(Protocol):
    """For what users do, and for answers. All raise ``StorageUnavailable``."""

    async def create_pipeline(self, new: NewPipeline) -> PipelineRecord:
        """Store a pipeline."""

    async def update_pipeline(self, pipeline: PipelineId, changes: Mapping[str, Any]) -> PipelineRecord:
        """Set the fields of ``NewPipeline`` that ``changes`` names; raises ``NotFound``."""

    async def request_delete_pipeline(self, pipeline: PipelineId) -> Sequence[ExecutionId]:
        """Hide the pipeline at once, as ``OperationsStore.request_delete`` does a workflow; raises ``NotFound``."""

    async def pipeline(self, pipeline: PipelineId) -> PipelineRecord:
        """Read one; raises ``NotFound``."""

    async def pipelines(self, query: PipelineQuery) -> Page[PipelineRecord]:
        """Read a page."""

    async def outputs(self, execution: ExecutionId) -> Sequence[OutputRecord]:
        """Read the named outputs of an execution, by name."""

    async def workspace(self, execution: ExecutionId, step: StepId) -> WorkspaceRecord | None:
        """Read what a step saw and changed; ``None`` if it was not begun, or belongs to no pipeline."""

    async def previous_run(self, pipeline: PipelineId, execution: ExecutionId, step: StepId) -> PreviousRun | None:
        """Read what the newest older execution did at this step, of those in which its key was known."""


class CacheStore(Protocol):
    """For who runs steps, and for the sweep. Entries are written by ``RunnerStore.commit``."""

    async def cached(self, key: str) -> CachedResult | None:
        """Read an entry; ``Changes.uses`` notes that it has served. Raises ``StorageUnavailable``."""

    async def forget(self, key: str) -> None:
        """Delete an entry whose layer is lost; idempotent. Raises ``StorageUnavailable``."""

    async def evict(self, limit: int) -> int:
        """Delete the entries used least recently until the rest holds at most ``limit`` bytes; returns how many."""

    async def needless(self, held: Garbage) -> Garbage:
        """Of these, what no open execution, cache entry, pipeline or kept execution refers to."""

"""Workflows and pipelines, and what becomes of them when they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aiop.client.results.result import Json, Result
from aiop.errors import Fault
from aiop.model.state import ExecutionStatus

__all__ = ["Pipeline", "PipelineSubmission", "Source", "Submission", "Validation", "Version", "Workflow"]


@dataclass(frozen=True, kw_only=True)
class Workflow(Result):
    """A workflow. ``steps`` are as they were written; rows of a list come without them."""

    id: str
    name: str
    status: ExecutionStatus
    created_at: datetime
    updated_at: datetime | None = None
    description: str | None = None
    steps: tuple[Json, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Version(Result):
    """A version of a workflow's definition; ``number`` counts from 1. Rows of a list come without ``definition``."""

    number: int
    created_at: datetime
    definition: Json = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What is wrong with a document; nothing if ``faults`` is empty."""

    faults: Sequence[Fault] = ()

    @property
    def valid(self) -> bool:
        """Whether the service would take the document."""
        return not self.faults


@dataclass(frozen=True, kw_only=True)
class Pipeline(Result):
    """A pipeline. ``pipeline_definition`` is the name of a file in the source, or the document itself."""

    id: str
    name: str
    source_directory: str
    pipeline_definition: str | Json
    description: str | None = None
    caching_enabled: bool = True
    timeout_seconds: float | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Source(Result):
    """An uploaded source; ``source_directory`` is how pipelines name it."""

    id: str
    source_directory: str
    files: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Submission(Result):
    """An execution that the service has durably accepted."""

    execution_id: str
    status: ExecutionStatus
    workflow_id: str


@dataclass(frozen=True, kw_only=True)
class PipelineSubmission(Result):
    """An execution of a pipeline that the service has durably accepted."""

    execution_id: str
    status: ExecutionStatus
    pipeline_id: str

"""Executions, their steps, and what they say and leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiop.client.results.result import Json, Result
from aiop.model.artifacts import OutputKind
from aiop.model.records import Stream
from aiop.model.state import ExecutionStatus, StepStatus

__all__ = ["Artifact", "CacheState", "Event", "Execution", "LogLine", "StepState", "Waiting"]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What a pending step or execution waits for: a stable code, and a sentence."""

    code: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class StepState(Result):
    """State of one step; ``attempt`` is the newest one, and ``exit_code`` is its."""

    id: str
    name: str
    status: StepStatus
    started_at: datetime | None = None
    completed_at: datetime | None = None
    inputs: Json | None = None
    outputs: Json | None = None
    attempt: int | None = None
    exit_code: int | None = None
    cached: bool = False
    reason: str | None = None
    error: str | None = None
    waiting: Waiting | None = None


@dataclass(frozen=True, kw_only=True)
class Artifact(Result):
    """A named output of a pipeline: a file, or a directory, which is handed out as ``.tar.gz``."""

    name: str
    step: str
    path: str
    kind: OutputKind
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """What a download of it is called."""
        return self.name if self.kind is OutputKind.FILE else f"{self.name}.tar.gz"


@dataclass(frozen=True, kw_only=True)
class Execution(Result):
    """An execution of a workflow or of a pipeline; ``steps`` by id. ``logs`` and ``artifacts`` come with a single one
    only.
    """

    id: str
    status: ExecutionStatus
    workflow_id: str | None = None
    pipeline_id: str | None = None
    steps: Mapping[str, StepState] = field(default_factory=dict)
    inputs: Json = field(default_factory=dict)
    outputs: Json | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    reason: str | None = None
    error: str | None = None
    waiting: Waiting | None = None
    artifacts: tuple[Artifact, ...] = ()
    logs: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it ended as ``completed``."""
        return self.status is ExecutionStatus.COMPLETED


@dataclass(frozen=True, kw_only=True)
class CacheState(Result):
    """What the cache was for a step (``hit``, ``miss`` or ``off``), and why.

    ``changed`` names the parts of its key that differ from those in the execution ``compared_with``.
    """

    execution_id: str
    step: str
    cache: str
    detail: str
    reason: str | None = None
    key: str | None = None
    from_execution: str | None = None
    compared_with: str | None = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LogLine(Result):
    """One line of output; following on from ``id`` goes on after it."""

    id: str
    step: str
    attempt: int
    stream: Stream
    at: datetime
    text: str


@dataclass(frozen=True, kw_only=True)
class Event(Result):
    """A state change. ``type`` is one of ``aiop.model.records.EventType``, or a newer one; ``data`` depends on it."""

    seq: int
    type: str
    at: datetime | None = None
    data: Json = field(default_factory=dict)

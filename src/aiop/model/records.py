"""Stored facts, as the store takes and gives them. All times are aware and in UTC.

Values in ``inputs``, ``outputs`` and ``error`` are already masked; what must not be readable at rest is in
``sealed`` as ciphertext.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiop.model.ids import ExecutionId, PipelineId, SnapshotId, StepId, TokenId, VersionId, WorkflowId
from aiop.model.pipelines import WorkspaceRecord
from aiop.model.state import ExecutionStatus, Reason, StepStatus, Waiting

__all__ = [
    "AttemptRecord",
    "Event",
    "EventType",
    "ExecutionRecord",
    "ExecutionSummary",
    "LogBatch",
    "LogLine",
    "Role",
    "StepRecord",
    "Stream",
    "TokenRecord",
    "UserRecord",
    "VersionRecord",
    "VersionSummary",
    "WorkflowRecord",
    "WorkflowSummary",
]


class Stream(enum.StrEnum):
    """Where a line came from; ``SYSTEM`` lines are the service's own (a cut, a lost container)."""

    STDOUT = "stdout"
    STDERR = "stderr"
    SYSTEM = "system"


class Role(enum.StrEnum):
    """What a user may do: ``admin`` all, ``editor`` workflows and executions, ``viewer`` read."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Higher may all that lower may."""
        return (Role.VIEWER, Role.EDITOR, Role.ADMIN).index(self)


class EventType(enum.StrEnum):
    """What has happened; noun and past participle."""

    EXECUTION_SUBMITTED = "ExecutionSubmitted"
    EXECUTION_STARTED = "ExecutionStarted"
    EXECUTION_DISPLACED = "ExecutionDisplaced"
    EXECUTION_RESUMED = "ExecutionResumed"
    EXECUTION_CANCEL_REQUESTED = "ExecutionCancelRequested"
    EXECUTION_FINISHED = "ExecutionFinished"
    STEP_STARTED = "StepStarted"
    STEP_WAITED = "StepWaited"
    STEP_RETRIED = "StepRetried"
    STEP_SKIPPED = "StepSkipped"
    STEP_FINISHED = "StepFinished"


@dataclass(frozen=True, slots=True)
class WorkflowSummary:
    """A workflow in a list."""

    id: WorkflowId
    name: str
    description: str | None
    status: ExecutionStatus
    created_at: datetime
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """A version of a workflow's definition in a list; ``number`` counts from 1."""

    number: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VersionRecord(VersionSummary):
    """A version with its ``document``, the JSON text of the definition."""

    document: str


@dataclass(frozen=True, slots=True)
class WorkflowRecord:
    """A workflow with its newest definition; ``document`` is the JSON text of the definition as it was sent."""

    id: WorkflowId
    version: int
    version_id: VersionId
    document: str
    status: ExecutionStatus
    created_at: datetime
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """State of one step (of one ``index`` of a fan-out). A step without a record is ``pending``.

    ``attempt`` is the newest attempt, 0 before the first. ``exit_code`` is that of the newest attempt.
    ``sealed`` holds the true outputs where masking changed them. ``cached``: the result was taken from the cache.
    """

    step: StepId
    status: StepStatus
    index: int = 0
    attempt: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None
    exit_code: int | None = None
    reason: Reason | None = None
    error: str | None = None
    waiting: Waiting | None = None
    inputs: Mapping[str, Any] | None = None
    outputs: Mapping[str, Any] | None = None
    outputs_truncated: bool = False
    cached: bool = False
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt. ``infrastructure``: it ended by a fault of the world and does not count against ``retry``.

    ``log_stdout`` and ``log_stderr``: how many bytes of each stream, counted from the start of the attempt, the
    stored log lines account for. They are exact at each commit, so output can be read again from the engine and
    taken up where the store left off.

    ``ready_at`` is when nothing but a place to run was missing, ``started_at`` when the container ran.
    """

    step: StepId
    index: int
    attempt: int
    status: StepStatus
    started_at: datetime | None = None
    completed_at: datetime | None = None
    exit_code: int | None = None
    reason: Reason | None = None
    error: str | None = None
    infrastructure: bool = False
    image_digest: str | None = None
    log_stdout: int = 0
    log_stderr: int = 0
    log_bytes: int = 0
    retry_at: datetime | None = None
    ready_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line without its end of line; ``text`` is masked. ``at`` is when it was read."""

    at: datetime
    stream: Stream
    text: str


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Lines of one attempt, in order. ``seq`` counts the batches of an execution from 1 without gaps."""

    seq: int
    step: StepId
    index: int
    attempt: int
    lines: Sequence[LogLine]


@dataclass(frozen=True, slots=True)
class Event:
    """A state change of an execution. ``seq`` counts within the execution from 1 without gaps."""

    seq: int
    type: EventType
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """An execution as lists and answers show it, of a workflow or of a pipeline; ``steps`` holds only the steps with a
    record.
    """

    id: ExecutionId
    workflow_id: WorkflowId | None
    version_id: VersionId
    status: ExecutionStatus
    inputs: Mapping[str, Any]
    created_at: datetime
    outputs: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    reason: Reason | None = None
    error: str | None = None
    waiting: Waiting | None = None
    cancel_requested_at: datetime | None = None
    requires: tuple[str, ...] = ()
    pipeline_id: PipelineId | None = None
    steps: Sequence[StepRecord] = ()


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """Everything that an owner needs to go on with an execution.

    ``document`` is the pinned definition's JSON text, ``options`` what ``execute`` was given besides inputs
    (container_registry, default_timeout), ``sealed`` the ciphertext of the true sensitive inputs and the credentials.
    ``last_event`` and ``last_batch`` are the newest ``seq`` stored, 0 before the first. ``source`` and ``workspaces``
    are there for executions of pipelines only.
    """

    summary: ExecutionSummary
    document: str
    options: Mapping[str, Any]
    sealed: bytes | None
    attempts: Sequence[AttemptRecord]
    last_event: int
    last_batch: int
    source: SnapshotId | None = None
    workspaces: Sequence[WorkspaceRecord] = ()


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A person who signs in; ``password_hash`` is argon2id's encoded form."""

    username: str
    role: Role
    password_hash: str
    created_at: datetime
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A long-lived API token, or a refresh token (``refresh``); only ``digest``, its SHA-256, is stored."""

    id: TokenId
    username: str
    role: Role
    digest: str
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    refresh: bool = False

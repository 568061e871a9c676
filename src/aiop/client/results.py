"""What the client's calls return: frozen, typed, and patient with fields of newer services.

``raw`` is the JSON object as it was sent. Codes that may grow (``reason``, ``waiting.code``) are plain strings; those
of today are ``aiop.model.state.Reason`` and ``WaitCode``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from aiop.errors import Fault
from aiop.model.agent import AgentStatus
from aiop.model.artifacts import OutputKind
from aiop.model.records import Role, Stream
from aiop.model.state import ExecutionStatus, StepStatus

__all__ = [
    "Agent",
    "ApiToken",
    "Artifact",
    "AuditEntry",
    "CacheState",
    "EngineOfAgent",
    "EngineState",
    "Event",
    "Execution",
    "Image",
    "ImagesImported",
    "ImagesPruned",
    "LogLine",
    "NewApiToken",
    "Page",
    "Pipeline",
    "PipelineSubmission",
    "Secret",
    "ServiceStatus",
    "Source",
    "StepState",
    "Submission",
    "User",
    "Validation",
    "Version",
    "Waiting",
    "Workflow",
]

T = TypeVar("T")
Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Result:
    """An answer; ``raw`` holds it whole."""

    raw: Json = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Page(Result, Generic[T]):
    """One page of a list; ``total`` counts all that the filters let through."""

    items: Sequence[T]
    total: int
    limit: int
    offset: int


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
class EngineState(Result):
    """One engine of the service; ``status`` is ``idle``, ``busy``, ``offline`` or ``error``.

    ``sessions`` and ``executions`` are what the service has open at a Dagger Engine.
    """

    agent: str
    type: str
    status: str
    version: str | None = None
    sessions: int | None = None
    executions: int | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServiceStatus(Result):
    """How the service is: ``healthy``, ``degraded`` or ``unhealthy``."""

    status: str
    version: str
    active_workflows: int
    active_steps: int
    memory_usage_mb: float
    cpu_usage_percent: float
    engines: tuple[EngineState, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Submission(Result):
    """An execution that the service has durably accepted."""

    execution_id: str
    status: ExecutionStatus
    workflow_id: str


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
class PipelineSubmission(Result):
    """An execution of a pipeline that the service has durably accepted."""

    execution_id: str
    status: ExecutionStatus
    pipeline_id: str


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
class Validation:
    """What is wrong with a document; nothing if ``faults`` is empty."""

    faults: Sequence[Fault] = ()

    @property
    def valid(self) -> bool:
        """Whether the service would take the document."""
        return not self.faults


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


@dataclass(frozen=True, kw_only=True)
class EngineOfAgent(Result):
    """The engine behind an agent; ``endpoint`` is ``None`` where it is found by default."""

    type: str
    endpoint: str | None = None
    version: str | None = None
    tls: bool = False
    pods: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Agent(Result):
    """A place where containers run; ``engine`` and ``last_seen_at`` come with a single one only."""

    id: str
    name: str
    status: AgentStatus
    current_load: int
    max_load: int
    capabilities: tuple[str, ...] = ()
    description: str | None = None
    container_registry: str | None = None
    workflow_directory: str | None = None
    timeout_seconds: float | None = None
    engine: EngineOfAgent | None = None
    error: str | None = None
    last_seen_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class User(Result):
    """Who signs in, and what they may do."""

    username: str
    role: Role
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ApiToken(Result):
    """A long-lived token, without its secret."""

    id: str
    name: str
    role: Role
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NewApiToken(ApiToken):
    """A token just made; ``token`` is the secret, which is never shown again."""

    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Secret(Result):
    """A named secret, without its value. ``updated_at`` is when the value was replaced last."""

    name: str
    created_at: datetime
    created_by: str
    description: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Image(Result):
    """An image of the embedded engine. ``imported``: it came from no registry; ``holders``: attempts that use it."""

    id: str
    digest: str
    names: tuple[str, ...]
    size: int
    layers: int
    used_at: datetime
    imported: bool
    holders: int


@dataclass(frozen=True, kw_only=True)
class ImagesImported(Result):
    """What an archive held."""

    images: tuple[Image, ...]


@dataclass(frozen=True, kw_only=True)
class ImagesPruned(Result):
    """How many images a clean-up took away, and how many bytes are free now."""

    images: int
    size: int


@dataclass(frozen=True, kw_only=True)
class AuditEntry(Result):
    """One thing that was done. ``action`` is one of ``aiop.model.audit.AuditAction``, or a newer one.

    ``actor`` is ``None`` for the service itself, and for a sign-in that failed; ``token`` is ``None`` for a session.
    """

    id: str
    at: datetime
    action: str
    target_type: str
    target: str | None = None
    actor: str | None = None
    token: str | None = None
    token_id: str | None = None
    request_id: str | None = None
    address: str | None = None
    detail: Json = field(default_factory=dict)

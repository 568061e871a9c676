"""Every seam of the service. Adapters implement these, ``runtime`` chooses among them, the contract suites in
``tests/contract`` hold each implementation to what is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from aiop.model.ids import ExecutionId, StepId, StepKey, TokenId, VersionId, WorkflowId
from aiop.model.records import (
    AttemptRecord,
    Event,
    ExecutionRecord,
    ExecutionSummary,
    LogBatch,
    StepRecord,
    Stream,
    TokenRecord,
    UserRecord,
    WorkflowRecord,
    WorkflowSummary,
)
from aiop.model.run import ContainerRun, Outcome
from aiop.model.state import ExecutionStatus, Reason, Waiting

__all__ = [
    "WORK",
    "AuthStore",
    "Bus",
    "Capabilities",
    "Changes",
    "Clock",
    "Engine",
    "EngineInfo",
    "ExecutionChange",
    "ExecutionQuery",
    "Idempotency",
    "Lease",
    "Listener",
    "NewExecution",
    "NewWorkflow",
    "OperationsStore",
    "OutputSink",
    "Page",
    "PageQuery",
    "ReadStore",
    "RunnerStore",
    "Store",
    "SupervisorStore",
    "Vault",
    "WorkflowQuery",
    "execution_topic",
]

T = TypeVar("T")

WORK = "work"
"""Topic: an execution was submitted, released or asked to cancel; supervisors listen."""


def execution_topic(execution: ExecutionId) -> str:
    """Topic: something of this execution (state, event, log) was committed."""
    return f"execution:{execution}"


# --- time and waking -------------------------------------------------------------------------------------------


class Clock(Protocol):
    """The only source of time for code that decides or waits; tests give one that they move by hand."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""

    async def sleep(self, delay: timedelta) -> None:
        """Return once ``delay`` has passed; at once if it is not positive."""


class Listener(Protocol):
    """One waiter on one topic."""

    async def wait(self, timeout: timedelta | None = None) -> bool:
        """Return ``True`` once the topic was published since the last return, ``False`` after ``timeout``.

        Wakes are merged: many publications may give one return. One that came before the call counts.
        """


class Bus(Protocol):
    """Carries wakes and no facts. A wake may get lost: whoever waits also looks now and then by itself."""

    def publish(self, topic: str) -> None:
        """Wake all listeners of ``topic`` on every replica; never blocks and never fails."""

    def listen(self, topic: str) -> AbstractContextManager[Listener]:
        """Open a listener; wakes from the moment of entering count."""


class Vault(Protocol):
    """Encrypts what must not be readable at rest, bound to the installation's key."""

    def seal(self, plain: bytes) -> bytes:
        """Return the ciphertext, authenticated; two calls give two ciphertexts."""

    def open(self, sealed: bytes) -> bytes:
        """Return the plaintext; raises ``ValueError`` if the text was changed or the key is another."""

    def digest(self, plain: bytes) -> str:
        """Return a keyed digest: equal for equal text, and no help in guessing it without the key."""


# --- engine ----------------------------------------------------------------------------------------------------

OutputSink = Callable[[Stream, bytes, datetime], None]
"""Takes a piece of a container's output as it was read, never raises and never blocks. Pieces of one stream come
in order; they are cut anywhere, also inside a character."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do; data, so that the docs, the API and the contract suite print and ask the same."""

    cpu_limit: bool
    memory_limit: bool
    gpus: bool
    network_none: bool
    host_mounts: bool
    named_volumes: bool
    files: bool
    output_paths: bool
    reattach: bool
    """A container outlives the service, and can be adopted afterwards."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What answered: for people, and for the health check."""

    type: str
    version: str
    detail: Mapping[str, str] = field(default_factory=dict)


class Engine(Protocol):
    """A place where containers run.

    Order of calls for one key: ``start`` or ``adopt``, then ``wait``, then ``remove``; ``stop`` at any moment. Only one
    task at a time calls for one key; calls for different keys run at once, and the engine bounds how many
    of them it works on (a start may queue).

    Every method may raise ``EngineUnavailable``; nothing is lost then: call again later (``start`` if it had not
    returned, else ``adopt`` and ``wait``). The sink is then given the attempt's output again **from its beginning**.

    The container carries its key as its name and as labels, together with the label of the installation
    (several services may share one engine), and nothing removes it but ``remove``.
    """

    capabilities: Capabilities

    async def check(self) -> EngineInfo:
        """Ask the engine who it is; raises ``EngineUnavailable``."""

    async def start(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Pull the image if needed, then make and start the container, or adopt the one with this key.

        Idempotent: a container that was made is started, one that runs or has ended is taken as it is and never started
        a second time. Returns when it was started (the engine's time), or ``None`` if it could not be: ``wait``
        then gives the outcome (``image_pull``, ``start_failed``). A registry that cannot be reached is
        ``RegistryUnavailable``; one that refuses is an outcome.
        """

    async def adopt(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Take up the container with this key, which was started before; raises ``StepLost`` if there is none.

        ``run`` equals that of ``start``.
        """

    async def wait(self, key: StepKey) -> Outcome:
        """Return the outcome once the container has ended and the sink was given all of its output.

        Raises ``StepLost`` if the container vanished, or was ended by the engine's own end and not by itself,
        ``stop`` or its memory limit. Cancelling the wait leaves the container running.
        """

    async def stop(self, key: StepKey, *, grace: timedelta) -> None:
        """Send TERM, after ``grace`` KILL; returns when the container has ended. Nothing happens if there is none.

        What it ends has the outcome of its exit code (143, 137, or what the process chose).
        """

    async def remove(self, key: StepKey) -> None:
        """Remove the container with all that belongs to it, by force; idempotent. Named volumes stay."""

    async def attempts(self) -> Sequence[StepKey]:
        """List the keys of all containers of this installation, in any state."""

    async def aclose(self) -> None:
        """Let go of connections; containers run on."""


# --- store: what is asked of it ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write an execution. Each claim has a higher ``epoch`` than the one before."""

    execution: ExecutionId
    owner: str
    epoch: int


@dataclass(frozen=True, slots=True)
class ExecutionChange:
    """The new state of an execution, whole: each field is written as it stands here.

    An ended ``status`` releases the lease, erases the ``sealed`` values of the execution and of its steps, and
    sets the workflow's status if this is its newest execution.
    """

    status: ExecutionStatus
    started_at: datetime | None = None
    completed_at: datetime | None = None
    outputs: Mapping[str, Any] | None = None
    reason: Reason | None = None
    error: str | None = None
    waiting: Waiting | None = None


@dataclass(slots=True)
class Changes:
    """What one commit writes, all or nothing. Steps and attempts are written whole (insert or replace)."""

    execution: ExecutionChange | None = None
    steps: list[StepRecord] = field(default_factory=list)
    attempts: list[AttemptRecord] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    logs: list[LogBatch] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.execution or self.steps or self.attempts or self.events or self.logs)


class RunnerStore(Protocol):
    """For the owner of an execution."""

    async def load(self, lease: Lease) -> ExecutionRecord:
        """Read all that is stored of the execution; raises ``LeaseLost``, ``NotFound``, ``StorageUnavailable``."""

    async def commit(self, lease: Lease, changes: Changes) -> None:
        """Write the changes durably; commits of many executions share a transaction.

        Commits of one execution are written in the order of the calls, also when they are not awaited one by one.
        Raises ``LeaseLost`` (nothing was written). Raises ``StorageUnavailable`` only once the store is
        closed: a full disk or a database that is away is waited out.
        """


class SupervisorStore(Protocol):
    """For claiming, recovery and cleaning up."""

    async def claim(self, owner: str, *, ttl: timedelta, limit: int) -> Sequence[Lease]:
        """Take up to ``limit`` executions that have not ended and that nobody holds, oldest first.

        An execution is held if its lease has not expired, or is of this owner (``adopt_own`` takes those).
        """

    async def adopt_own(self, owner: str, *, ttl: timedelta) -> Sequence[Lease]:
        """Take again, under new epochs, all that ``owner`` held: for its restart."""

    async def renew(self, owner: str, *, ttl: timedelta) -> Sequence[ExecutionId]:
        """Extend all leases of ``owner``; returns those that it still holds."""

    async def release(self, lease: Lease) -> None:
        """Give an execution back so that anyone may claim it at once; no error if the lease was lost."""

    async def cancel_requests(self, owner: str) -> Sequence[ExecutionId]:
        """List the executions of ``owner`` for which a cancel was requested and that have not ended."""

    async def removable(self, keys: Sequence[StepKey]) -> Sequence[StepKey]:
        """Of these attempts, those whose end is committed or whose execution has ended or does not exist."""

    async def expired(self, *, before: datetime | None, keep: int | None, limit: int) -> Sequence[ExecutionId]:
        """List ended executions that ended before ``before`` or are beyond the ``keep`` newest; oldest first."""

    async def purge(self, executions: Sequence[ExecutionId]) -> None:
        """Delete ended executions with their steps, attempts, events and logs; in pieces that do not block others."""


@dataclass(frozen=True, slots=True)
class NewWorkflow:
    """A workflow to store; ``document`` is JSON text."""

    id: WorkflowId
    version_id: VersionId
    name: str
    description: str | None
    document: str


@dataclass(frozen=True, slots=True)
class NewExecution:
    """An execution to store as ``pending``; see ``ExecutionRecord`` for ``options`` and ``sealed``."""

    id: ExecutionId
    workflow_id: WorkflowId
    version_id: VersionId
    inputs: Mapping[str, Any]
    options: Mapping[str, Any]
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """``scope`` is who and where, ``digest`` of the request; the first answer is the execution's id."""

    scope: str
    key: str
    digest: str


class OperationsStore(Protocol):
    """For what users do. Each method is one durable transaction; all raise ``StorageUnavailable``."""

    async def create_workflow(self, new: NewWorkflow) -> WorkflowRecord:
        """Store a workflow with version 1."""

    async def update_workflow(self, new: NewWorkflow, *, base: VersionId) -> WorkflowRecord:
        """Store the next version; raises ``NotFound``, or ``InvalidState`` if ``base`` is not the newest any more."""

    async def request_delete(self, workflow: WorkflowId) -> Sequence[ExecutionId]:
        """Hide the workflow at once and request the cancel of its executions under way, which are returned.

        Its rows go with ``purge_deleted``; raises ``NotFound``.
        """

    async def purge_deleted(self) -> int:
        """Delete the rows of deleted workflows all of whose executions have ended; returns how many were deleted."""

    async def submit(self, new: NewExecution, idempotency: Idempotency | None = None) -> ExecutionId:
        """Store the execution and its ``ExecutionSubmitted`` event; returns its id.

        With a key that was used before, nothing is stored and the first call's id is returned.
        Raises ``NotFound`` if the workflow is gone and ``IdempotencyConflict``.
        """

    async def request_cancel(self, execution: ExecutionId) -> ExecutionStatus:
        """Ask the owner to cancel; idempotent. Returns the status after the call.

        An execution that nobody has claimed yet is ``cancelled`` here. Raises ``NotFound``, and ``InvalidState`` if
        it has ended.
        """


# --- store: reading -------------------------------------------------------------------------------------------


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

    async def document(self, version: VersionId) -> str:
        """Read a definition's JSON text; immutable, so it may be cached. Raises ``NotFound``."""

    async def execution(self, execution: ExecutionId) -> ExecutionSummary:
        """Read one with its steps; raises ``NotFound``."""

    async def executions(self, query: ExecutionQuery) -> Page[ExecutionSummary]:
        """Read a page, each with its steps (without ``inputs`` and ``outputs`` of steps)."""

    async def attempts(self, execution: ExecutionId, step: StepId) -> Sequence[AttemptRecord]:
        """Read the attempts of a step by index and attempt."""

    async def events(self, execution: ExecutionId, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """Read events with ``seq`` above ``after``, in order."""

    async def logs(
        self, execution: ExecutionId, *, after: int = 0, step: StepId | None = None, limit: int = 100
    ) -> Sequence[LogBatch]:
        """Read batches with ``seq`` above ``after``, in order."""

    async def log_tail(self, execution: ExecutionId, *, size: int) -> Sequence[LogBatch]:
        """Read the newest batches, in order, that together hold at least ``size`` bytes of text, or all."""

    async def counts(self) -> Mapping[ExecutionStatus, int]:
        """Count executions by status."""


class AuthStore(Protocol):
    """Users and tokens; all raise ``StorageUnavailable``."""

    async def user(self, username: str) -> UserRecord | None:
        """Read one."""

    async def users(self, query: PageQuery) -> Page[UserRecord]:
        """Read a page; sorts by ``username role created_at``."""

    async def add_user(self, user: UserRecord) -> bool:
        """Store a new user; ``False`` if the name is taken."""

    async def change_user(self, user: UserRecord) -> None:
        """Replace role and password and end the refresh tokens; raises ``NotFound``.

        Raises ``InvalidState`` if no admin would be left.
        """

    async def delete_user(self, username: str) -> None:
        """Delete a user with all tokens; raises ``NotFound``, and ``InvalidState`` if no admin would be left."""

    async def add_token(self, token: TokenRecord) -> None:
        """Store a token."""

    async def token(self, digest: str) -> TokenRecord | None:
        """Read one by its digest, expired ones too."""

    async def tokens(self, username: str, query: PageQuery) -> Page[TokenRecord]:
        """Read a page of a user's API tokens (no refresh tokens); sorts by ``name created_at expires_at``."""

    async def delete_token(self, token: TokenId, *, username: str | None) -> None:
        """Delete a token, of this user only if one is given; raises ``NotFound``."""

    async def take_refresh_token(self, digest: str) -> TokenRecord | None:
        """Read and delete a refresh token in one step, so that it serves once."""

    async def touch_token(self, token: TokenId, at: datetime) -> None:
        """Note the last use; may be dropped under load."""


class Store(RunnerStore, SupervisorStore, OperationsStore, ReadStore, AuthStore, Protocol):
    """All of it; what ``runtime`` builds and hands out by its parts."""

    async def aclose(self) -> None:
        """Write what was accepted, then close."""

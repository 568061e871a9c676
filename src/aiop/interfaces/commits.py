"""The store, for the owner of an execution: load it, commit its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from aiop.model.ids import AgentId, ExecutionId
from aiop.model.pipelines import CacheEntry, OutputRecord, WorkspaceRecord
from aiop.model.records import AttemptRecord, Event, ExecutionRecord, LogBatch, StepRecord
from aiop.model.state import ExecutionStatus, Reason, Waiting

__all__ = ["Changes", "ExecutionChange", "Lease", "RunnerStore"]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write an execution, and the agent that it is placed on.

    Each claim has a higher ``epoch`` than the one before.
    """

    execution: ExecutionId
    owner: str
    epoch: int
    agent: AgentId


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
    """What one commit writes, all or nothing. Steps, attempts, workspaces and outputs are written whole (insert or
    replace). An entry takes with it the log of its attempt as it is after this commit, and replaces one with its key.
    """

    execution: ExecutionChange | None = None
    steps: list[StepRecord] = field(default_factory=list)
    attempts: list[AttemptRecord] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    logs: list[LogBatch] = field(default_factory=list)
    workspaces: list[WorkspaceRecord] = field(default_factory=list)
    outputs: list[OutputRecord] = field(default_factory=list)
    entries: list[CacheEntry] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)
    """Keys of cache entries that have served."""

    def __bool__(self) -> bool:
        return bool(
            self.execution
            or self.steps
            or self.attempts
            or self.events
            or self.logs
            or self.workspaces
            or self.outputs
            or self.entries
            or self.uses
        )


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

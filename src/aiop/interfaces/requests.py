"""The store, for what users do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiop.model.ids import ExecutionId, PipelineId, SnapshotId, VersionId, WorkflowId
from aiop.model.records import WorkflowRecord
from aiop.model.state import ExecutionStatus

__all__ = ["Idempotency", "NewExecution", "NewWorkflow", "OperationsStore"]


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
    """An execution to store as ``pending``, of a workflow or of a pipeline; see ``ExecutionRecord`` for ``options``
    and ``sealed``. ``requires`` are the capabilities that its agent must have, sorted.

    That of a pipeline brings its ``document``, which becomes the version ``version_id`` unless an equal one is stored
    already, and its ``source``.
    """

    id: ExecutionId
    workflow_id: WorkflowId | None
    version_id: VersionId
    inputs: Mapping[str, Any]
    options: Mapping[str, Any]
    sealed: bytes | None = None
    requires: tuple[str, ...] = ()
    pipeline_id: PipelineId | None = None
    document: str | None = None
    source: SnapshotId | None = None


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
        """Delete the rows of deleted workflows and pipelines all of whose executions have ended; returns how many."""

    async def submit(self, new: NewExecution, idempotency: Idempotency | None = None) -> ExecutionId:
        """Store the execution and its ``ExecutionSubmitted`` event; returns its id.

        With a key that was used before, nothing is stored and the first call's id is returned.
        Raises ``NotFound`` if the workflow or pipeline is gone and ``IdempotencyConflict``.
        """

    async def submitted(self, idempotency: Idempotency) -> ExecutionId | None:
        """Return the execution that was submitted with this key; raises ``IdempotencyConflict``."""

    async def request_cancel(self, execution: ExecutionId) -> ExecutionStatus:
        """Ask the owner to cancel; idempotent. Returns the status after the call.

        An execution that nobody has claimed yet is ``cancelled`` here. Raises ``NotFound``, and ``InvalidState`` if
        it has ended.
        """

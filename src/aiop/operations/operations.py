"""The operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aiop.errors import InvalidRequest, InvalidState
from aiop.interfaces import (
    WORK,
    AgentStore,
    Bus,
    Idempotency,
    NewExecution,
    NewWorkflow,
    OperationsStore,
    ReadStore,
    SecretStore,
    Vault,
    execution_topic,
)
from aiop.model.agent import AgentRecord
from aiop.model.definition import Definition
from aiop.model.ids import ExecutionId, VersionId, WorkflowId, new_id
from aiop.model.records import WorkflowRecord
from aiop.operations.checking import check_document, policy_of, text_of
from aiop.operations.definitions import Definitions, off_loop_if_large
from aiop.operations.merge import merge
from aiop.operations.secrets import Secrets
from aiop.operations.shared_reads import SharedReads
from aiop.operations.submission import Submission, mentioned_secrets, prepare
from aiop.spec import parse_json

__all__ = ["Operations"]

_PATCH_TRIES = 5


class _Store(OperationsStore, ReadStore, AgentStore, SecretStore, Protocol):
    """What the operations need of the store."""


class Operations:
    """Changes what is stored and wakes who must know. All raise ``StorageUnavailable``."""

    def __init__(
        self,
        store: _Store,
        bus: Bus,
        vault: Vault,
        *,
        volume_roots: Sequence[str],
        definitions: Definitions | None = None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._vault = vault
        self._volume_roots = tuple(volume_roots)
        self._newest = SharedReads(store.workflow)
        self._agents: SharedReads[None, Sequence[AgentRecord]] = SharedReads(lambda _: store.all_agents())
        self._known_secrets: SharedReads[frozenset[str], frozenset[str]] = SharedReads(store.known_secrets)
        self.definitions = definitions or Definitions(store)
        self.secrets = Secrets(store, vault)

    async def validate(self, body: bytes) -> Definition:
        """Check a definition and store nothing; raises ``InvalidRequest`` with every fault."""
        policy = policy_of(self._volume_roots, await self._agents.get(None))
        return await off_loop_if_large(len(body), lambda: check_document(body, policy))

    async def create_workflow(self, body: bytes) -> WorkflowRecord:
        """Check and store a definition, given as JSON text; raises ``InvalidRequest`` with every fault."""
        definition = await self.validate(body)
        return await self._store.create_workflow(_new_version(WorkflowId(new_id()), definition, text_of(body)))

    async def update_workflow(self, workflow: WorkflowId, body: bytes) -> WorkflowRecord:
        """Change the fields that the JSON object ``body`` has, and check the whole as at creation.

        Without fields nothing happens. Raises ``NotFound``, and ``InvalidRequest`` with every fault.
        """
        record = await self._store.workflow(workflow)
        patch = await off_loop_if_large(len(body), lambda: parse_json(body))
        if patch == {}:
            return record
        if not isinstance(patch, dict):
            await self.validate(body)  # says how it is wrong
        for _ in range(_PATCH_TRIES):
            document = merge(record.document, text_of(body))
            definition = await self.validate(document.encode())
            try:
                return await self._store.update_workflow(
                    _new_version(workflow, definition, document), base=record.version_id
                )
            except InvalidState:  # changed by another meanwhile: what was sent applies to that version
                record = await self._store.workflow(workflow)
        raise InvalidState("The workflow is being changed by others; try again")

    async def delete_workflow(self, workflow: WorkflowId) -> None:
        """Delete a workflow, cancelling its executions under way; raises ``NotFound``."""
        for execution in await self._store.request_delete(workflow):
            self._bus.publish(execution_topic(execution))
        self._bus.publish(WORK)

    async def submit(
        self, workflow: WorkflowId, submission: Submission, *, by: str, key: str | None = None
    ) -> ExecutionId:
        """Store an execution of the newest version; returns once it is durable.

        ``key`` makes a repeated call of the same user return the first one's execution. Raises ``NotFound``,
        ``InvalidRequest`` for inputs that do not fit, secrets that do not exist and capabilities that no agent has,
        and ``IdempotencyConflict``.
        """
        record = await self._newest.get(workflow)
        definition = await self.definitions.load(record.version_id, record.document)
        names = frozenset(use.name for use in mentioned_secrets(definition, submission))
        known = await self._known_secrets.get(names) if names else names
        agents = await self._agents.get(None)
        idempotency = None
        if key is not None:
            idempotency = Idempotency(f"{by}:{workflow}", key, self._vault.digest(submission.canonical()))
        try:
            prepared = prepare(definition, submission, self._vault, agents, secrets=known)
        except InvalidRequest:
            # Workflow, agents and secrets may be others by now; the answer to the first call is still the answer.
            first = await self._store.submitted(idempotency) if idempotency else None
            if first is None:
                raise
            return first
        execution = await self._store.submit(
            NewExecution(
                id=ExecutionId(new_id()),
                workflow_id=workflow,
                version_id=record.version_id,
                inputs=prepared.inputs,
                options=prepared.options,
                sealed=prepared.sealed,
                requires=prepared.requires,
            ),
            idempotency,
        )
        self._bus.publish(WORK)
        return execution

    async def cancel(self, execution: ExecutionId) -> None:
        """Ask for the end of an execution; raises ``NotFound``, and ``InvalidState`` if it has ended."""
        await self._store.request_cancel(execution)
        self._bus.publish(execution_topic(execution))
        self._bus.publish(WORK)


def _new_version(workflow: WorkflowId, definition: Definition, document: str) -> NewWorkflow:
    return NewWorkflow(
        id=workflow,
        version_id=VersionId(new_id()),
        name=definition.name,
        description=definition.description,
        document=document,
    )

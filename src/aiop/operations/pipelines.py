"""What users do with pipelines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiop.errors import Fault, InvalidRequest, NotFound, SourceRefused
from aiop.interfaces import (
    WORK,
    AgentStore,
    Artifacts,
    Bus,
    Idempotency,
    NewExecution,
    NewPipeline,
    OperationsStore,
    PipelineStore,
    SecretStore,
    Vault,
    execution_topic,
)
from aiop.model.agent import PIPELINES, AgentRecord
from aiop.model.artifacts import Snapshot
from aiop.model.definition import Definition, JsonValue
from aiop.model.ids import ExecutionId, PipelineId, StepId, UploadId, VersionId, new_id
from aiop.model.pipelines import CacheOff, PipelineRecord
from aiop.operations.checking import check_value, policy_of
from aiop.operations.explanation import Explanation, explain
from aiop.operations.submission import Submission, mentioned_secrets, prepare
from aiop.spec import SourcePolicy, VolumePolicy, check_pipeline, names_a_file, parse_json, parse_pipeline, uploaded
from aiop.spec.paths import BODY

__all__ = ["PipelineOperations", "PipelineSubmission"]

DEFINITION_LIMIT = 8 * 1024 * 1024
"""Largest file that is read as a pipeline, in bytes."""

UNNAMED = "pipeline"
"""What a document is called that says no name and belongs to no pipeline yet."""

_DEFINITION = "pipeline_definition"
_SOURCE = "source_directory"


class _Store(OperationsStore, PipelineStore, AgentStore, SecretStore, Protocol):
    """What the operations need of the store."""


@dataclass(frozen=True, slots=True)
class PipelineSubmission:
    """The body of ``execute``; without ``source_directory`` the pipeline's own is taken."""

    submission: Submission
    source_directory: str | None = None
    skip_cache: bool = False

    def canonical(self) -> bytes:
        """Return a text as ``Submission.canonical`` does."""
        return json.dumps([self.source_directory, self.skip_cache]).encode() + self.submission.canonical()


class PipelineOperations:
    """Changes what is stored and wakes who must know. All raise ``StorageUnavailable``."""

    def __init__(
        self,
        store: _Store,
        artifacts: Artifacts,
        bus: Bus,
        vault: Vault,
        *,
        source_roots: Sequence[str],
        volume_roots: Sequence[str],
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._bus = bus
        self._vault = vault
        self._source_roots = tuple(source_roots)
        self._volume_roots = tuple(volume_roots)

    async def validate(self, body: bytes) -> Definition:
        """Check a document, given as JSON text, and store nothing; raises ``InvalidRequest`` with every fault."""
        volumes = policy_of(self._volume_roots, await self._store.all_agents())
        return await asyncio.to_thread(lambda: check_value(_named(parse_json(body), UNNAMED), volumes, check_pipeline))

    async def create(self, fields: Mapping[str, Any]) -> PipelineRecord:
        """Store a pipeline; ``fields`` are those of ``NewPipeline``. Raises ``InvalidRequest``.

        A definition in a file is looked at when the pipeline is executed: the source may not be there yet.
        """
        await self._check_inline(fields["definition"], name=fields["name"])
        return await self._store.create_pipeline(NewPipeline(id=PipelineId(new_id()), **fields))

    async def update(self, pipeline: PipelineId, fields: Mapping[str, Any]) -> PipelineRecord:
        """Change these fields; without any nothing happens. Raises ``NotFound`` and ``InvalidRequest``."""
        record = await self._store.pipeline(pipeline)
        if not fields:
            return record
        if "definition" in fields:
            await self._check_inline(fields["definition"], name=fields.get("name", record.name))
        return await self._store.update_pipeline(pipeline, fields)

    async def delete(self, pipeline: PipelineId) -> None:
        """Delete a pipeline, cancelling its executions under way; raises ``NotFound``."""
        for execution in await self._store.request_delete_pipeline(pipeline):
            self._bus.publish(execution_topic(execution))
        self._bus.publish(WORK)

    async def upload(self, archive: AsyncIterable[bytes]) -> tuple[UploadId, Snapshot]:
        """Take an archive as a source; raises ``InvalidRequest`` and ``TooLarge``."""
        try:
            upload = await self._artifacts.upload(archive)
        except SourceRefused as error:
            raise InvalidRequest.at(BODY, str(error)) from None
        return upload, await self._artifacts.uploaded(upload)

    async def uploaded(self, upload: UploadId) -> Snapshot:
        """Return what was uploaded; raises ``NotFound``."""
        try:
            return await self._artifacts.uploaded(upload)
        except NotFound:
            raise NotFound("Source not found") from None

    async def submit(
        self, pipeline: PipelineId, submission: PipelineSubmission, *, by: str, key: str | None = None
    ) -> ExecutionId:
        """Take a snapshot of the source and store an execution of it; returns once both are durable.

        ``key`` is as in ``Operations.submit``. Raises ``NotFound``, ``IdempotencyConflict``, and ``InvalidRequest`` for
        a source or a definition that cannot be taken and for inputs that do not fit.
        """
        record = await self._store.pipeline(pipeline)
        idempotency = None
        if key is not None:
            digest = self._vault.digest(submission.canonical())
            idempotency = Idempotency(f"{by}:{pipeline}", key, digest)
            # The first answer holds also if the source is not there any more.
            if (known := await self._store.submitted(idempotency)) is not None:
                return known
        agents = await self._store.all_agents()
        snapshot = await self._snapshot(submission.source_directory or record.source_directory, agents)
        document, definition = await self._definition(record, snapshot, policy_of(self._volume_roots, agents))
        names = frozenset(use.name for use in mentioned_secrets(definition, submission.submission))
        secrets = await self._store.known_secrets(names) if names else names
        prepared = prepare(
            definition, submission.submission, self._vault, agents, secrets=secrets, capability=PIPELINES
        )
        execution = await self._store.submit(
            NewExecution(
                id=ExecutionId(new_id()),
                workflow_id=None,
                version_id=VersionId(new_id()),
                inputs=prepared.inputs,
                options={**prepared.options, **_options(record, submission)},
                sealed=prepared.sealed,
                requires=prepared.requires,
                pipeline_id=pipeline,
                document=document,
                source=snapshot.id,
            ),
            idempotency,
        )
        self._bus.publish(WORK)
        return execution

    async def explain(self, execution: ExecutionId, pipeline: PipelineId | None, step: StepId) -> Explanation:
        """Say what the cache was for a step, and why; raises ``NotFound`` for one that was not begun."""
        workspace = await self._store.workspace(execution, step) if pipeline is not None else None
        if workspace is None or pipeline is None:
            raise NotFound("The step was not begun" if pipeline else "Only the steps of pipelines are cached")
        previous = await self._store.previous_run(pipeline, execution, step)
        return explain(workspace, previous)

    async def _check_inline(self, definition: str, *, name: str) -> None:
        given = parse_json(definition.encode("utf-8", "surrogatepass"))
        if not names_a_file(given):
            volumes = policy_of(self._volume_roots, await self._store.all_agents())
            await asyncio.to_thread(_check, name, given, volumes, as_json=False)

    async def _snapshot(self, source: str, agents: Sequence[AgentRecord]) -> Snapshot:
        upload = uploaded(source)
        local = policy_of(self._source_roots, agents)
        policy = SourcePolicy(local.roots, local.workflow_directory)
        try:
            if upload is not None:
                return await self._artifacts.uploaded(upload)
            directory = await asyncio.to_thread(policy.resolve, source)
            return await self._artifacts.snapshot(directory)
        except NotFound:
            raise InvalidRequest.at(_SOURCE, f"There is no upload `{source}`") from None
        except SourceRefused as error:
            raise InvalidRequest.at(_SOURCE, str(error)) from None

    async def _definition(
        self, record: PipelineRecord, snapshot: Snapshot, volumes: VolumePolicy
    ) -> tuple[str, Definition]:
        """Return the document, as it will be stored, and what it says."""
        given = json.loads(record.definition)
        file = names_a_file(given)
        text = await self._read(snapshot, given) if file else given
        as_json = file and given.lower().endswith(".json")
        return await asyncio.to_thread(_check, record.name, text, volumes, as_json=as_json)

    async def _read(self, snapshot: Snapshot, path: str) -> str:
        if path.startswith("/") or ".." in path.split("/"):
            raise InvalidRequest.at(_DEFINITION, f"`{path}` does not lie in the source")
        try:
            return (await self._artifacts.read(snapshot.id, path, limit=DEFINITION_LIMIT)).decode("utf-8-sig")
        except SourceRefused as error:
            raise InvalidRequest.at(_DEFINITION, str(error)) from None
        except UnicodeDecodeError as error:
            raise InvalidRequest.at(_DEFINITION, f"`{path}` is not UTF-8 at byte {error.start}") from None


def _check(name: str, given: JsonValue, volumes: VolumePolicy, *, as_json: bool) -> tuple[str, Definition]:
    try:
        document = parse_pipeline(given, as_json=as_json) if isinstance(given, str) else given
        document = _named(document, name)
        definition = check_value(document, volumes, check_pipeline)
    except InvalidRequest as error:
        raise InvalidRequest([_within_definition(fault) for fault in error.faults]) from None
    return json.dumps(document, separators=(",", ":")), definition


def _named(document: JsonValue, name: str) -> JsonValue:
    if isinstance(document, dict) and document.get("name") is None:
        return {**document, "name": name}
    return document


def _within_definition(fault: Fault) -> Fault:
    if fault.field == BODY:
        return Fault(_DEFINITION, fault.message)
    separator = "" if fault.field.startswith("[") else "."
    return Fault(f"{_DEFINITION}{separator}{fault.field}", fault.message)


def _options(record: PipelineRecord, submission: PipelineSubmission) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if record.timeout_seconds is not None:
        options["timeout"] = record.timeout_seconds
    if not record.caching_enabled:
        options["cache_off"] = CacheOff.PIPELINE.value
    elif submission.skip_cache:
        options["cache_off"] = CacheOff.EXECUTION.value
    return options

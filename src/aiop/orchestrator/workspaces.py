"""The files of one execution of a pipeline: what each step sees, what it changes, and what it need not do again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from aiop.errors import ArtifactLost, ImageRefused, SourceRefused
from aiop.interfaces import Artifacts, CachedResult, CacheStore, Clock, Engine, Vault
from aiop.model.artifacts import Layer
from aiop.model.definition import JsonValue, Step
from aiop.model.ids import ExecutionId, LayerId, StepId, StepKey
from aiop.model.pipelines import CacheOff, CacheUse, OutputRecord, WorkspaceRecord
from aiop.model.records import ExecutionRecord, LogLine
from aiop.model.run import WORKSPACE, ContainerRun
from aiop.model.state import Reason, StepStatus
from aiop.orchestrator.caching import IMAGE, cache_off, digest_of, key_of, key_parts
from aiop.orchestrator.result import AttemptResult, LeftFiles
from aiop.spec import Plan

__all__ = ["Entered", "PipelineFiles", "Workspaces"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PipelineFiles:
    """What the workspaces of all executions work with; built once."""

    artifacts: Artifacts
    cache: CacheStore
    vault: Vault
    clock: Clock


@dataclass(frozen=True, slots=True)
class Entered:
    """What an attempt sees, and how it goes on: with a container, or with a result that spares it, and its log."""

    workspace: WorkspaceRecord | None
    go: ContainerRun | AttemptResult
    lines: Sequence[LogLine] = ()


class Workspaces:
    """One execution. ``enter`` before an attempt's container is started or adopted, ``leave`` once it has ended.

    Both may raise ``StorageUnavailable`` and, as ``Engine.resolve`` does, ``EngineUnavailable``; a repeated call
    goes on.
    """

    def __init__(self, record: ExecutionRecord, plan: Plan, files: PipelineFiles) -> None:
        self._execution: ExecutionId = record.summary.id
        self._source = record.source
        self._asked: str | None = record.options.get("cache_off")
        self._plan = plan
        self._files = files
        self._known = {workspace.step: workspace for workspace in record.workspaces}

    async def enter(
        self,
        key: StepKey,
        step: Step,
        run: ContainerRun,
        *,
        inputs: Mapping[str, JsonValue],
        engine: Engine,
        adopted: bool,
    ) -> Entered:
        """Look for a result, else make the workspace. An adopted attempt has run already: nothing is looked for."""
        try:
            return await self._enter(key, step, run, inputs, engine, adopted=adopted)
        except SourceRefused as error:
            return Entered(None, self._failed(Reason.WORKSPACE, str(error)))
        except ImageRefused as error:
            return Entered(None, self._failed(Reason.IMAGE_PULL, str(error)))
        except ArtifactLost as error:
            lost = self._failed(Reason.WORKSPACE, str(error))
            return Entered(None, replace(lost, infrastructure=True, final=True))

    async def _enter(
        self,
        key: StepKey,
        step: Step,
        run: ContainerRun,
        inputs: Mapping[str, JsonValue],
        engine: Engine,
        *,
        adopted: bool,
    ) -> Entered:
        if not engine.capabilities.workspace:
            raise SourceRefused("This engine has no workspaces")
        target = run.working_dir or WORKSPACE
        if not target.strip("/"):
            raise SourceRefused("The workspace cannot be mounted at /")
        run = replace(run, working_dir=target)
        known = self._known.get(step.id)
        if adopted and known is not None and known.layer == key.layer:
            workspace = known
        else:
            workspace = await self._look(key, step, run, inputs, engine, target)
            found = await self._take(workspace)
            if found is not None:
                return await self._restored(step, workspace, found, target)
        made = await self._files.artifacts.prepare(
            key, source=workspace.source, layers=self._below(step.id), target=target
        )
        self._known[step.id] = workspace
        # Not with ``CacheOff.EXECUTION``, where a result is to be new.
        cache_key = workspace.key if workspace.use is CacheUse.MISS else None
        return Entered(workspace, replace(run, workspace=made, cache_key=cache_key))

    async def leave(self, key: StepKey, step: Step, result: AttemptResult, run: ContainerRun) -> AttemptResult:
        """Seal what the attempt has changed, and keep the outputs that the pipeline hands out after this step.

        ``run`` is what ``enter`` has returned. Changes that are lost make a fault of the world of it.
        """
        target = run.workspace.target if run.workspace is not None else WORKSPACE
        workspace = self._known[step.id]
        try:
            layer = await self._files.artifacts.seal(key)
        except ArtifactLost as error:
            lost = self._failed(Reason.WORKSPACE, str(error))
            return replace(lost, started_at=result.started_at, exit_code=result.exit_code, infrastructure=True)
        workspace = self._known[step.id] = _sealed(workspace, layer)
        result, outputs = await self._keep_outputs(step, workspace, result, target)
        if result.replayed:
            workspace = self._known[step.id] = replace(workspace, use=CacheUse.HIT)
        keep = (
            result.status is StepStatus.COMPLETED
            and workspace.parts is not None
            # The name of the image may have been given to another one since it was asked.
            and workspace.parts[IMAGE] == digest_of(result.image_digest, self._files.vault)
        )
        return replace(result, files=LeftFiles(workspace, outputs, keep))

    def _failed(self, reason: Reason, error: str) -> AttemptResult:
        return AttemptResult(StepStatus.FAILED, reason, error, completed_at=self._files.clock.now())

    # --- the cache -----------------------------------------------------------------------------------------------

    async def _look(
        self,
        key: StepKey,
        step: Step,
        run: ContainerRun,
        inputs: Mapping[str, JsonValue],
        engine: Engine,
        target: str,
    ) -> WorkspaceRecord:
        """Find out what the step sees, and by which key its result may be known."""
        source = self._source
        if source is not None and step.sources is not None:
            source = (await self._files.artifacts.view(source, step.sources)).id
        off = cache_off(step, run, self._asked)
        workspace = WorkspaceRecord(
            step.id, source=source, layer=key.layer, use=CacheUse.OFF if off else CacheUse.MISS, reason=off
        )
        if off not in (None, CacheOff.EXECUTION):
            return workspace
        digest = await engine.resolve(run.image, pull=run.pull, credentials=run.credentials)
        vault = self._files.vault
        parts = key_parts(
            step,
            run,
            inputs=inputs,
            image_digest=digest,
            source=source,
            upstream=[(ancestor, digest) for ancestor, _, digest in self._upstream(step.id)],
            target=target,
            vault=vault,
        )
        return replace(workspace, key=key_of(parts, vault), parts=parts)

    async def _take(self, workspace: WorkspaceRecord) -> CachedResult | None:
        """Find an entry whose files are there; one without them is forgotten."""
        if workspace.use is not CacheUse.MISS or workspace.key is None:
            return None
        found = await self._files.cache.cached(workspace.key)
        if found is None:
            return None
        try:
            await self._files.artifacts.layer(found.entry.layer)
            self._outputs_of(found)
        except (ArtifactLost, ValueError) as error:
            log.warning("cache_entry_lost", key=workspace.key, error=str(error))
            await self._files.cache.forget(workspace.key)
            return None
        return found

    async def _restored(self, step: Step, looked: WorkspaceRecord, found: CachedResult, target: str) -> Entered:
        entry, now = found.entry, self._files.clock.now()
        workspace = self._known[step.id] = replace(
            looked,
            use=CacheUse.HIT,
            layer=entry.layer,
            digest=entry.digest,
            size=entry.size,
            origin=entry.execution,
        )
        result = AttemptResult(
            StepStatus.COMPLETED,
            exit_code=0,
            started_at=now,
            completed_at=now,
            outputs=self._outputs_of(found),
            outputs_truncated=entry.outputs_truncated,
            image_digest=entry.image_digest,
            cached=True,
        )
        result, outputs = await self._keep_outputs(step, workspace, result, target)
        result = replace(result, files=LeftFiles(workspace, outputs))
        return Entered(workspace, result, found.log)

    def _outputs_of(self, found: CachedResult) -> Mapping[str, JsonValue]:
        sealed = found.entry.sealed
        opened: dict[str, JsonValue] = json.loads(self._files.vault.open(sealed)) if sealed else {}
        return opened or found.entry.outputs

    # --- what lies below -----------------------------------------------------------------------------------------

    def _below(self, step: StepId) -> list[LayerId]:
        """List the layers of all ancestors, those of the later ones on top."""
        return [layer for _, layer, _ in self._upstream(step)]

    def _upstream(self, step: StepId) -> Iterator[tuple[StepId, LayerId, str]]:
        """Go through what the ancestors have changed, in topological order and else as written."""
        graph = self._plan.graph
        for node in graph.ancestors(graph.index[step]):
            workspace = self._known.get(graph.ids[node])
            # One that was never sealed belongs to an attempt of which nothing is known.
            if workspace is not None and workspace.layer is not None and workspace.digest is not None:
                yield workspace.step, workspace.layer, workspace.digest

    # --- what is handed out --------------------------------------------------------------------------------------

    async def _keep_outputs(
        self, step: Step, workspace: WorkspaceRecord, result: AttemptResult, target: str
    ) -> tuple[AttemptResult, tuple[OutputRecord, ...]]:
        """Keep what there is; what is missing fails a step that has completed."""
        kept: list[OutputRecord] = []
        for output in self._plan.definition.named_outputs:
            if output.step != step.id or workspace.layer is None:
                continue
            reason, sentence = Reason.OUTPUT_MISSING, f"the named output {output.name!r} is not at {output.path!r}"
            try:
                stored = await self._files.artifacts.keep_output(
                    self._execution,
                    output.name,
                    output.path,
                    source=workspace.source,
                    layers=[*self._below(step.id), workspace.layer],
                    target=target,
                )
            except SourceRefused as error:
                stored = None
                reason, sentence = Reason.OUTPUT_INVALID, f"the named output {output.name!r}: {error}"
            if stored is not None:
                kept.append(OutputRecord(output.name, step.id, output.path, stored.kind, stored.size, stored.sha256))
            elif result.status is StepStatus.COMPLETED:
                failed = replace(result, status=StepStatus.FAILED, reason=reason, error=sentence)
                result = replace(failed, cached=False, replayed=False)
        return result, tuple(kept)


def _sealed(workspace: WorkspaceRecord, layer: Layer) -> WorkspaceRecord:
    return replace(workspace, layer=layer.id, digest=layer.digest, size=layer.size)

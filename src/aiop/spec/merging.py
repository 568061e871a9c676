"""From checked documents to the model: ``container_config`` merged in, short forms written out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar, cast

from aiop.model.definition import (
    ABSENT,
    Backoff,
    Container,
    Definition,
    InputDeclaration,
    NamedOutput,
    Network,
    OutputDeclaration,
    OutputType,
    PullPolicy,
    Resources,
    Retry,
    Step,
    Volume,
)
from aiop.model.ids import StepId
from aiop.model.state import Reason
from aiop.spec.pipeline_schema import NamedOutputDocument, PipelineDocument, PipelineStepDocument
from aiop.spec.schema import (
    ContainerDocument,
    InputDocument,
    OutputDocument,
    ResourcesDocument,
    RetryDocument,
    StepDocument,
    WorkflowDocument,
)

__all__ = ["definition_of", "pipeline_of"]

DEFAULT_GRACE_SECONDS = 10.0

T = TypeVar("T")


def definition_of(document: WorkflowDocument) -> Definition:
    """Build the definition of a workflow document without faults."""
    unset = ContainerDocument()
    config = document.container_config or unset
    return Definition(
        name=document.name,
        description=document.description,
        steps=tuple(_step(step, step.container or unset, config) for step in document.steps),
        inputs=_inputs(document.inputs),
        outputs=document.outputs,
        fail_fast=bool(document.fail_fast),
        requires=tuple(document.requires or ()),
    )


def pipeline_of(document: PipelineDocument) -> Definition:
    """Build the definition of a pipeline document without faults."""
    unset = ContainerDocument()
    config = document.container_config or unset
    return Definition(
        name=document.name or "",
        description=document.description,
        steps=tuple(_pipeline_step(step, step.container or unset, config) for step in document.steps),
        inputs=_inputs(document.inputs),
        fail_fast=bool(document.fail_fast),
        requires=tuple(document.requires or ()),
        named_outputs=_named_outputs(document.outputs or (), document.steps),
    )


def _inputs(declared: dict[str, InputDocument] | None) -> dict[str, InputDeclaration] | None:
    if declared is None:
        return None
    return {
        name: InputDeclaration(
            name=name,
            type=it.type,
            default=it.default if "default" in it.model_fields_set else ABSENT,
            required=bool(it.required),
            description=it.description,
            sensitive=bool(it.sensitive),
        )
        for name, it in declared.items()
    }


def _pipeline_step(document: PipelineStepDocument, own: ContainerDocument, config: ContainerDocument) -> Step:
    return replace(
        _step(document, own, config),
        cache=_either(document.cache, None, True),
        sources=None if document.sources is None else tuple(document.sources),
    )


def _named_outputs(
    documents: Iterable[NamedOutputDocument], steps: Iterable[PipelineStepDocument]
) -> tuple[NamedOutput, ...]:
    awaited = {name for step in steps for name in step.depends_on or ()}
    last = next((step.id for step in steps if step.id not in awaited), "")
    return tuple(NamedOutput(it.name, it.path, StepId(it.step or last)) for it in documents)


def _step(document: StepDocument, own: ContainerDocument, config: ContainerDocument) -> Step:
    seconds = document.timeout_seconds
    return Step(
        id=StepId(document.id),
        name=document.name or document.id,
        container=_container(own, config),
        depends_on=tuple(cast("list[StepId]", document.depends_on or ())),
        inputs=document.inputs,
        outputs={name: _output(name, it) for name, it in (document.outputs or {}).items()},
        when=document.when,
        retry=_retry(document),
        timeout=None if seconds is None else timedelta(seconds=seconds),
        grace=timedelta(seconds=_either(document.grace_seconds, None, DEFAULT_GRACE_SECONDS)),
        continue_on_error=bool(document.continue_on_error),
        requires=tuple(document.requires or ()),
    )


def _container(own: ContainerDocument, config: ContainerDocument) -> Container:
    # Arguments belong to the command that they stand with: who replaces the one does not inherit the other.
    commanding = config if own.command is None and own.script is None else own
    args = own.args if own.args is not None else commanding.args
    return Container(
        image=_either(own.image, config.image, ""),
        command=None if commanding.command is None else tuple(commanding.command),
        args=None if args is None else tuple(args),
        script=commanding.script,
        environment={**(config.environment or {}), **(own.environment or {})},
        volumes=tuple(
            Volume(it.source, it.target, bool(it.read_only)) for it in (*(config.volumes or ()), *(own.volumes or ()))
        ),
        working_dir=_either(own.working_dir, config.working_dir, None),
        user=_either(own.user, config.user, None),
        resources=_resources(own.resources, config.resources),
        network=Network(_either(own.network, config.network, Network.DEFAULT)),
        files={**(config.files or {}), **(own.files or {})},
        pull=PullPolicy(_either(own.pull, config.pull, PullPolicy.MISSING)),
    )


def _resources(own: ResourcesDocument | None, config: ResourcesDocument | None) -> Resources:
    if own is None and config is None:
        return Resources()
    mine, theirs = own or ResourcesDocument(), config or ResourcesDocument()
    return Resources(
        cpu_millis=_either(mine.cpu, theirs.cpu, None),
        memory_bytes=_either(mine.memory, theirs.memory, None),
        gpus=_either(mine.gpus, theirs.gpus, None),
    )


def _either(own: T | None, inherited: T | None, default: T) -> T:
    if own is not None:
        return own
    return default if inherited is None else inherited


def _output(name: str, document: OutputDocument) -> OutputDeclaration:
    return OutputDeclaration(
        name=name,
        path=document.path,
        type=OutputType(document.type or OutputType.STRING),
        default=document.default if "default" in document.model_fields_set else ABSENT,
        sensitive=bool(document.sensitive),
    )


def _retry(step: StepDocument) -> Retry:
    if step.retry is None:
        return Retry(max_attempts=1 + (step.retries or 0), delay=timedelta(seconds=step.retry_delay or 0))
    document: RetryDocument = step.retry
    unset = Retry()
    return Retry(
        max_attempts=_either(document.max_attempts, None, unset.max_attempts),
        delay=timedelta(seconds=document.delay or 0),
        backoff=Backoff(document.backoff or unset.backoff),
        factor=_either(document.factor, None, unset.factor),
        max_delay=None if document.max_delay is None else timedelta(seconds=document.max_delay),
        jitter=document.jitter or 0.0,
        on=unset.on if document.on is None else frozenset(map(Reason, document.on)),
        exit_codes=None if document.exit_codes is None else frozenset(document.exit_codes),
    )

"""From a rendered step to what an engine is told to run. Pure, but for the links that volumes are resolved through."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aiop.model.definition import Step
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun, Credentials
from aiop.model.trace import TraceContext, attempt_span, context_of
from aiop.spec import RenderedStep, VolumePolicy, apply_registry

__all__ = ["container_run", "trace_environment"]

_TELLING = 4
"""A shorter text is in many values by chance."""


def container_run(
    step: Step,
    rendered: RenderedStep,
    *,
    beneath: Mapping[str, str],
    registry: str | None,
    volumes: VolumePolicy,
    credentials: Credentials | None,
    hidden: Collection[str] = (),
) -> ContainerRun:
    """Put together what ``rendered`` says and what has no templates; raises ``VolumeRefused``.

    ``beneath`` is environment that the step's own replaces, ``hidden`` are the texts that must not show anywhere.
    """
    environment = {**beneath, **rendered.environment}
    telling = [text for text in hidden if len(text) >= _TELLING]
    return ContainerRun(
        image=apply_registry(rendered.image, registry),
        command=rendered.command,
        args=rendered.args,
        environment=environment,
        mounts=tuple(volumes.resolve(volume) for volume in rendered.volumes),
        working_dir=rendered.working_dir,
        user=rendered.user,
        resources=step.container.resources,
        network=step.container.network,
        files=rendered.files,
        output_paths=rendered.output_paths,
        pull=step.container.pull,
        credentials=credentials,
        secret_environment=frozenset(
            name for name, value in environment.items() if any(text in value for text in telling)
        ),
        secret_files=frozenset(
            path for path, content in rendered.files.items() if any(text.encode() in content for text in telling)
        ),
    )


def trace_environment(options: Mapping[str, Any], key: StepKey, *, traced: bool) -> dict[str, str]:
    """Tell a container in which trace it runs: at its attempt if the service tells traces, else where its caller is.

    It belongs to the attempt and not to what the step is given.
    """
    caller = TraceContext.parse(options.get("traceparent"), options.get("tracestate"))
    if traced:
        caller = context_of(key.execution, caller).at(attempt_span(key))
    if caller is None:
        return {}
    return {"TRACEPARENT": caller.traceparent} | ({"TRACESTATE": caller.state} if caller.state else {})

"""A step made concrete: every template substituted, its environment complete."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aiop.model.definition import JsonValue, Volume
from aiop.spec.containers import fits_a_process, naming
from aiop.spec.plan import CompiledStep
from aiop.spec.templates import Scope, as_text

__all__ = ["RenderedStep", "render_step"]

_NOT_IN_VARIABLES = re.compile(r"[^A-Z0-9_]")


@dataclass(frozen=True, slots=True)
class RenderedStep:
    """What an attempt runs with. ``ContainerRun`` adds what only the engine's side knows.

    Do not change the mappings: the attempts of a step without templates share them.
    """

    image: str
    command: tuple[str, ...] | None
    args: tuple[str, ...] | None
    environment: Mapping[str, str] = field(repr=False)
    working_dir: str | None
    user: str | None
    volumes: tuple[Volume, ...]
    files: Mapping[str, bytes] = field(repr=False)
    output_paths: Mapping[str, str]
    inputs: Mapping[str, JsonValue] = field(repr=False)


def render_step(compiled: CompiledStep, scope: Scope, *, attempt: int) -> RenderedStep:
    """Substitute the templates of one step for one attempt; raises ``TemplateError`` naming the field.

    The step's own ``inputs`` see the execution's; everything else in the step sees both, its own first. The environment
    holds, from the weakest to the strongest: ``INPUT_*`` for each input (left out if too long for any process), what
    the definition says, and the service's own ``AIOP_*`` without ``AIOP_OUTPUT``.
    """
    inputs = _inputs(compiled, scope)
    container = compiled.literal
    if container is None:
        if compiled.inputs:
            scope = replace(scope, inputs={**scope.inputs, **inputs})
        container = compiled.container.render(scope)
    return RenderedStep(
        image=container.image,
        command=container.command,
        args=container.args,
        environment=_environment(compiled, scope, inputs, container.environment, attempt),
        working_dir=container.working_dir,
        user=container.user,
        volumes=container.volumes,
        files=container.files,
        output_paths=compiled.output_paths,
        inputs=inputs,
    )


def _inputs(compiled: CompiledStep, scope: Scope) -> dict[str, JsonValue]:
    if compiled.inputs is None:
        return {name: scope.inputs[name] for name in compiled.mentioned_inputs if name in scope.inputs}
    return {name: naming(f"inputs.{name}", value.render, scope) for name, value in compiled.inputs.items()}


def _environment(
    compiled: CompiledStep, scope: Scope, inputs: Mapping[str, JsonValue], own: Mapping[str, str], attempt: int
) -> dict[str, str]:
    every = as_text(inputs) if inputs else "{}"
    environment = {
        **_input_variables(inputs),
        **own,
        "AIOP_EXECUTION_ID": scope.execution_id,
        "AIOP_STEP_ID": compiled.step.id,
        "AIOP_ATTEMPT": str(attempt),
    }
    if fits_a_process(every, extra=len("AIOP_INPUTS=")):
        environment["AIOP_INPUTS"] = every
    return environment


def _input_variables(inputs: Mapping[str, JsonValue]) -> dict[str, str]:
    variables = {f"INPUT_{_NOT_IN_VARIABLES.sub('_', name.upper())}": as_text(value) for name, value in inputs.items()}
    return {
        key: text for key, text in variables.items() if "\0" not in text and fits_a_process(text, extra=len(key) + 1)
    }

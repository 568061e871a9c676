"""A step made concrete: every template substituted, its environment complete."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from aiop.model.definition import JsonValue, Volume
from aiop.spec.images import ImageError, check_image
from aiop.spec.plan import CompiledStep
from aiop.spec.schema import MAX_TEXT
from aiop.spec.templates import Scope, Template, TemplateError, as_text

__all__ = ["RenderedStep", "render_step"]

T = TypeVar("T")

_NOT_IN_VARIABLES = re.compile(r"[^A-Z0-9_]")
_SURELY_SHORT = MAX_TEXT // 4
"""A text of so few characters is within ``MAX_TEXT`` bytes."""


@dataclass(frozen=True, slots=True)
class RenderedStep:
    """What an attempt runs with. ``ContainerRun`` adds what only the engine's side knows.

    Do not change the mappings: steps without templates share them between attempts.
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
    if compiled.inputs:
        scope = replace(scope, inputs=ChainMap(dict(inputs), dict(scope.inputs)))
    container, step = compiled.container, compiled.step
    files = {path: _text(f"files[{path}]", template, scope).encode() for path, template in container.files.items()}
    own = {key: _string(f"environment.{key}", template, scope) for key, template in container.environment.items()}
    return RenderedStep(
        image=_image(container.image, scope),
        command=_strings("command", container.command, scope),
        args=_strings("args", container.args, scope),
        environment={**_input_variables(inputs), **own, **_own_variables(compiled, scope, inputs, attempt)},
        working_dir=_working_dir(container.working_dir, scope),
        user=None if container.user is None else _string("user", container.user, scope),
        volumes=_volumes(compiled, scope),
        files=files,
        output_paths={name: it.path for name, it in step.outputs.items() if it.path is not None},
        inputs=inputs,
    )


def _inputs(compiled: CompiledStep, scope: Scope) -> dict[str, JsonValue]:
    if compiled.inputs is None:
        return {name: scope.inputs[name] for name in compiled.mentioned_inputs if name in scope.inputs}
    return {
        name: _at(f"inputs.{name}", value.render, scope) if value.references else value.render(scope)
        for name, value in compiled.inputs.items()
    }


def _input_variables(inputs: Mapping[str, JsonValue]) -> dict[str, str]:
    variables = {f"INPUT_{_NOT_IN_VARIABLES.sub('_', name.upper())}": as_text(value) for name, value in inputs.items()}
    return {key: text for key, text in variables.items() if "\0" not in text and _fits(text, len(key) + 1)}


def _own_variables(
    compiled: CompiledStep, scope: Scope, inputs: Mapping[str, JsonValue], attempt: int
) -> dict[str, str]:
    variables = {
        "AIOP_EXECUTION_ID": scope.execution_id,
        "AIOP_STEP_ID": compiled.step.id,
        "AIOP_ATTEMPT": str(attempt),
    }
    every = as_text(inputs) if inputs else "{}"
    if _fits(every, len("AIOP_INPUTS=")):
        variables["AIOP_INPUTS"] = every
    return variables


def _image(template: Template, scope: Scope) -> str:
    image = _string("image", template, scope)
    if not template.is_literal:
        try:
            check_image(image)
        except ImageError as error:
            raise TemplateError(f"image: {error}") from None
    return image


def _working_dir(template: Template | None, scope: Scope) -> str | None:
    if template is None:
        return None
    path = _string("working_dir", template, scope)
    if not path.startswith("/"):
        raise TemplateError("working_dir: Must be an absolute path")
    return path


def _volumes(compiled: CompiledStep, scope: Scope) -> tuple[Volume, ...]:
    volumes = compiled.step.container.volumes
    if compiled.is_literal:
        # Literal does not mean verbatim: an escaped `$${` is in the text still.
        return tuple(
            volume if template.parts[0] == volume.source else replace(volume, source=template.render_text(scope))
            for volume, template in zip(volumes, compiled.container.volume_sources, strict=True)
        )
    return tuple(
        replace(volume, source=_string(f"volumes[{i}].source", template, scope))
        for i, (volume, template) in enumerate(zip(volumes, compiled.container.volume_sources, strict=True))
    )


def _strings(place: str, templates: Iterable[Template] | None, scope: Scope) -> tuple[str, ...] | None:
    if templates is None:
        return None
    return tuple(_string(f"{place}[{i}]", template, scope) for i, template in enumerate(templates))


def _string(place: str, template: Template, scope: Scope) -> str:
    """Render what becomes an argument or a variable of a process: without NUL, and not endless."""
    text = _text(place, template, scope)
    if not template.is_literal:
        if "\0" in text:
            raise TemplateError(f"{place}: The value holds a NUL character")
        if not _fits(text, len(place)):
            raise TemplateError(f"{place}: The value is larger than {MAX_TEXT} bytes; pass it in `files`")
    return text


def _text(place: str, template: Template, scope: Scope) -> str:
    return template.render_text(scope) if template.is_literal else _at(place, template.render_text, scope)


def _at(place: str, renderer: Callable[[Scope], T], scope: Scope) -> T:
    try:
        return renderer(scope)
    except TemplateError as error:
        raise TemplateError(f"{place}: {error}") from None


def _fits(text: str, extra: int) -> bool:
    if len(text) + extra <= _SURELY_SHORT:
        return True
    return len(text.encode("utf-8", "surrogatepass")) + extra <= MAX_TEXT

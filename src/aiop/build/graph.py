"""Steps put together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from aiop.build.fields import ContainerFields, InputType, PipelineStepFields, StepFields
from aiop.build.references import Condition, Reference
from aiop.model.definition import ABSENT, Absent

__all__ = ["Pipeline", "Step", "Workflow"]

_MENTION = re.compile(r"\$\$\{|\$\{steps\.([A-Za-z_][A-Za-z0-9_-]*)\.")
"""A reference to a step inside of text; ``$${`` begins none."""
_OF_CONTAINER = frozenset(ContainerFields.__annotations__)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A step as others refer to it; whatever does depends on it."""

    id: str

    @property
    def result(self) -> Reference:
        """What it writes to its standard output, trimmed."""
        return self.output("result")

    @property
    def status(self) -> Reference:
        """How it ended: ``completed``, ``failed``, ``skipped`` or ``cancelled``."""
        return Reference("steps", self.id, "status")

    @property
    def exit_code(self) -> Reference:
        """With which code its process ended."""
        return Reference("steps", self.id, "exit_code")

    def output(self, name: str) -> Reference:
        """Refer to a value that it writes to ``$AIOP_OUTPUT`` or declares."""
        return Reference("steps", self.id, "outputs", name)


class _Graph:
    """What workflows and pipelines have in common; ``container`` has the defaults for all steps."""

    def __init__(
        self,
        name: str | None = None,
        *,
        description: str | None = None,
        container: ContainerFields | None = None,
        fail_fast: bool | None = None,
        requires: Sequence[str] | None = None,
    ) -> None:
        self._head = {"name": name, "description": description}
        self._tail = {"container_config": container, "fail_fast": fail_fast, "requires": requires}
        self._inputs: dict[str, Any] = {}
        self._steps: dict[str, tuple[Step, Mapping[str, Any]]] = {}
        self._outputs: dict[str, Any] = {}

    def input(
        self,
        name: str,
        type: InputType | None = None,  # noqa: A002 - the API's word, as are others below
        *,
        default: Any = ABSENT,
        required: bool | None = None,
        description: str | None = None,
        sensitive: bool | None = None,
    ) -> Reference:
        """Declare an input; what is returned refers to its value."""
        _once(self._inputs, name, "input")
        given = {"type": type, "required": required, "description": description, "sensitive": sensitive}
        self._inputs[name] = _given(given) | ({} if isinstance(default, Absent) else {"default": _plain(default)})
        return Reference("inputs", name)

    def document(self) -> dict[str, Any]:
        """Return the document as plain data, ready for JSON. What was not said is not in it."""
        order = {name: number for number, name in enumerate(self._steps)}
        parts = {
            **self._head,
            "inputs": self._inputs or None,
            **self._tail,
            "steps": [_step(step, fields, order) for step, fields in self._steps.values()],
            "outputs": self._written_outputs() if self._outputs else None,
        }
        return _given({name: _plain(value) for name, value in parts.items()})

    def _written_outputs(self) -> Any:
        return self._outputs

    def _add(self, id: str, after: Sequence[Step], fields: Mapping[str, Any]) -> Step:  # noqa: A002
        _once(self._steps, id, "step")
        if strangers := [step.id for step in after if self._steps.get(step.id, (None,))[0] is not step]:
            raise ValueError(f"{id!r} cannot come after {', '.join(strangers)}, which is not of this graph")
        step = Step(id)
        self._steps[id] = step, {**fields, "after": after}
        return step


class Workflow(_Graph):
    """A workflow."""

    def step(self, id: str, *, after: Sequence[Step] = (), **fields: Unpack[StepFields]) -> Step:  # noqa: A002
        """Add a step. It runs after those in ``after``, and after those that its fields refer to."""
        return self._add(id, after, fields)

    def output(self, name: str, value: Any) -> None:
        """Say what the execution gives; without any, it gives the outputs of its last steps."""
        _once(self._outputs, name, "output")
        self._outputs[name] = value


class Pipeline(_Graph):
    """The definition of a pipeline: steps over a tree of files. Its name may be left out."""

    def step(
        self, id: str, *, after: Sequence[Step] = (), **fields: Unpack[PipelineStepFields]  # noqa: A002
    ) -> Step:  # fmt: skip
        """Add a step. It runs after those in ``after``, and after those that its fields refer to."""
        return self._add(id, after, fields)

    def output(self, name: str, path: str, *, step: Step | None = None) -> None:
        """Hand out the file or directory that is at ``path`` after the step, by default the last one."""
        _once(self._outputs, name, "output")
        self._outputs[name] = {"name": name, "path": path, **({"step": step.id} if step else {})}

    def _written_outputs(self) -> Any:
        return list(self._outputs.values())


def _step(step: Step, fields: Mapping[str, Any], order: Mapping[str, int]) -> dict[str, Any]:
    container = {name: value for name, value in fields.items() if name in _OF_CONTAINER}
    others = {name: value for name, value in fields.items() if name not in _OF_CONTAINER}
    condition = others.pop("when", None)
    before = {each.id for each in others.pop("after")}
    before.update(_mentioned(_plain([container, others.get("inputs")])))
    if isinstance(condition, Condition):
        before |= condition.steps
    parts = {
        "id": step.id,
        "name": others.pop("name", None),
        "depends_on": sorted(before & order.keys(), key=order.__getitem__) or None,
        "when": None if condition is None else str(condition),
        "container": container or None,
    }
    return _given(parts | others)


def _mentioned(value: Any) -> Iterator[str]:
    """Go through the ids of the steps that a plain value refers to."""
    if isinstance(value, str):
        yield from (match[1] for match in _MENTION.finditer(value) if match[1])
    elif isinstance(value, dict):
        for each in value.values():
            yield from _mentioned(each)
    elif isinstance(value, list):
        for each in value:
            yield from _mentioned(each)


def _plain(value: Any) -> Any:
    """Turn references into their text, at any depth."""
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, Condition):
        raise TypeError(f"the condition {value} can only be what a step has as `when`")
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value]
    return value


def _given(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value is not None}


def _once(known: Mapping[str, Any], name: str, noun: str) -> None:
    if name in known:
        raise ValueError(f"there is {'an' if noun[0] in 'io' else 'a'} {noun} {name!r} already")

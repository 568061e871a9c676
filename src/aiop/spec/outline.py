"""A tolerant view of a document as it was sent: whatever has the wrong shape is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aiop.spec.schema import MAX_STEPS

__all__ = ["Outline", "OutlineStep", "as_items", "as_object", "texts_of_container"]


def as_object(value: Any) -> dict[str, Any]:
    """Return an object as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_items(value: Any) -> list[Any]:
    """Return a list as it is, and an empty one for anything else."""
    return value if isinstance(value, list) else []


@dataclass(frozen=True)
class OutlineStep:
    """A member of ``steps`` that is an object; ``position`` counts all members."""

    position: int
    raw: dict[str, Any]

    @cached_property
    def id(self) -> str | None:
        """The id, if there is one."""
        step_id = self.raw.get("id")
        return step_id if isinstance(step_id, str) and step_id else None

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where the step stands in the document."""
        return ("steps", self.position)

    @property
    def container(self) -> dict[str, Any]:
        """The step's own part of its container."""
        return as_object(self.raw.get("container"))

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs that the step declares."""
        return as_object(self.raw.get("inputs"))


@dataclass(frozen=True)
class Outline:
    """The parts of a document."""

    raw: dict[str, Any]

    @cached_property
    def steps(self) -> list[OutlineStep]:
        """The steps that are objects."""
        steps = as_items(self.raw.get("steps"))[:MAX_STEPS]
        return [OutlineStep(i, raw) for i, raw in enumerate(steps) if isinstance(raw, dict)]

    @cached_property
    def index(self) -> dict[str, int]:
        """Index among ``steps`` of the first step with an id."""
        index: dict[str, int] = {}
        for i, step in enumerate(self.steps):
            if step.id is not None:
                index.setdefault(step.id, i)
        return index

    @property
    def config(self) -> dict[str, Any]:
        """The defaults of all containers."""
        return as_object(self.raw.get("container_config"))

    @property
    def declared_inputs(self) -> dict[str, Any] | None:
        """The workflow's declaration of inputs; ``None`` if it has none, and any name may be given."""
        declared = self.raw.get("inputs")
        return declared if isinstance(declared, dict) else None


def texts_of_container(container: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Walk over the strings of a container in which templates are substituted, each with its place."""
    for key in ("image", "script", "working_dir", "user"):
        yield (key,), container.get(key, "")
    for key in ("command", "args"):
        for i, text in enumerate(as_items(container.get(key))):
            yield (key, i), text
    for key in ("environment", "files"):
        for name, text in as_object(container.get(key)).items():
            yield (key, name), text
    for i, volume in enumerate(as_items(container.get("volumes"))):
        yield ("volumes", i, "source"), as_object(volume).get("source", "")

"""What the schema cannot say: names, the graph, and what only holds of the merged container.

It reads the document as it was sent and looks past everything that has the wrong shape (the schema's faults name
that), so that a document gets all of its faults at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from aiop.errors import Fault
from aiop.model.ids import StepId
from aiop.spec.faults import REQUIRED, unknown_name
from aiop.spec.graph import CycleError, Graph, describe_cycle, find_cycles
from aiop.spec.images import ImageError, check_image
from aiop.spec.inputs import type_fault
from aiop.spec.outline import Outline, OutlineStep, as_items, as_object
from aiop.spec.paths import dotted
from aiop.spec.references import reference_faults
from aiop.spec.volumes import VolumeRefused, check_source

__all__ = ["lint"]

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array"})


def lint(document: dict[str, Any]) -> list[Fault]:
    """Find the faults between the fields of ``document``, of which only that it is an object is known."""
    outline = Outline(document)
    faults = list(_id_faults(outline))
    parents = [_dependencies(outline, i, faults) for i in range(len(outline.steps))]
    graph = _graph(outline, parents)
    for cycle in () if graph else find_cycles(parents):
        named = describe_cycle([outline.steps[i].id or "?" for i in cycle])
        place = (*outline.steps[cycle[0]].path, "depends_on")
        faults.append(Fault(dotted(place), f"Dependencies form a cycle: {named}"))
    faults.extend(_container_faults(outline))
    for step in outline.steps:
        faults.extend(_retry_faults(step))
    faults.extend(_declaration_faults(outline))
    faults.extend(reference_faults(outline, graph))
    return faults


def _id_faults(outline: Outline) -> Iterator[Fault]:
    for i, step in enumerate(outline.steps):
        if step.id is not None and outline.index[step.id] != i:
            first = outline.steps[outline.index[step.id]].position
            yield Fault(dotted((*step.path, "id")), f"The id `{step.id[:100]}` is taken by steps[{first}]")


def _graph(outline: Outline, parents: list[list[int]]) -> Graph | None:
    try:
        return Graph.build([StepId(step.id or "") for step in outline.steps], parents)
    except CycleError:
        return None


def _dependencies(outline: Outline, i: int, faults: list[Fault]) -> list[int]:
    """Return the indexes of the known steps that a step depends on; what else stands there is a fault."""
    step = outline.steps[i]
    names = as_items(step.raw.get("depends_on"))
    if set(map(type, names)) <= {str}:  # dense graphs have millions of these, hardly ever with a fault
        found = list(map(outline.index.get, names))
        if len(set(found)) == len(found) and None not in found and i not in found and step.id not in names:
            return cast("list[int]", found)
    return list(_known_dependencies(outline, step, faults))


def _known_dependencies(outline: Outline, step: OutlineStep, faults: list[Fault]) -> Iterator[int]:
    seen: set[str] = set()
    for position, name in enumerate(as_items(step.raw.get("depends_on"))):
        if not isinstance(name, str):
            continue
        index = outline.index.get(name)
        if name in seen:
            message = f"Duplicate dependency `{name[:100]}`"
        elif index is None:
            message = unknown_name("step", name, outline.index)
        elif name == step.id:
            message = "A step cannot depend on itself"
        else:
            seen.add(name)
            yield index
            continue
        faults.append(Fault(dotted((*step.path, "depends_on", position)), message))


def _container_faults(outline: Outline) -> Iterator[Fault]:
    config = outline.config
    yield from _own_container_faults(config, ("container_config",))
    inherited = {target for _, target in _targets(config)}
    for step in outline.steps:
        path = (*step.path, "container")
        yield from _own_container_faults(step.container, path)
        if step.container.get("image") is None and config.get("image") is None and _is_object(step.raw, "container"):
            yield Fault(dotted((*path, "image")), REQUIRED)
        for i, target in _targets(step.container):
            if target in inherited:
                message = f"`{target[:100]}` is a target of `container_config` already"
                yield Fault(dotted((*path, "volumes", i, "target")), message)


def _is_object(raw: dict[str, Any], key: str) -> bool:
    return raw.get(key) is None or isinstance(raw[key], dict)


def _own_container_faults(container: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    if container.get("command") is not None and container.get("script") is not None:
        yield Fault(dotted((*path, "script")), "A container has either `command` or `script`")
    image = container.get("image")
    if isinstance(image, str) and image and "${" not in image:
        try:
            check_image(image)
        except ImageError as error:
            yield Fault(dotted((*path, "image")), str(error))
    seen: set[str] = set()
    for i, target in _targets(container):
        if target in seen:
            yield Fault(dotted((*path, "volumes", i, "target")), f"Duplicate target `{target[:100]}`")
        seen.add(target)
    for i, volume in enumerate(as_items(container.get("volumes"))):
        source = as_object(volume).get("source")
        if isinstance(source, str) and source and "${" not in source:
            try:
                check_source(source)
            except VolumeRefused as error:
                yield Fault(dotted((*path, "volumes", i, "source")), str(error))


def _targets(container: dict[str, Any]) -> Iterator[tuple[int, str]]:
    for i, volume in enumerate(as_items(container.get("volumes"))):
        target = as_object(volume).get("target")
        if isinstance(target, str):
            yield i, target.rstrip("/") or "/"


def _retry_faults(step: OutlineStep) -> Iterator[Fault]:
    if step.raw.get("retry") is not None:
        for key in ("retries", "retry_delay"):
            if step.raw.get(key) is not None:
                yield Fault(dotted((*step.path, key)), "Give either `retry` or the short `retries` and `retry_delay`")


def _declaration_faults(outline: Outline) -> Iterator[Fault]:
    for name, declaration in (outline.declared_inputs or {}).items():
        expected = as_object(declaration).get("type")
        if "default" in as_object(declaration) and isinstance(expected, str) and expected in _TYPES:
            fault = type_fault(declaration["default"], expected)
            if fault is not None:
                yield Fault(dotted(("inputs", name, "default")), fault)
    for step in outline.steps:
        for name, output in as_object(step.raw.get("outputs")).items():
            declared = as_object(output)
            default = declared.get("default")
            if default is not None and declared.get("type") in (None, "string") and not isinstance(default, str):
                yield Fault(dotted((*step.path, "outputs", name, "default")), "Must be of type string")

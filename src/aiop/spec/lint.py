"""What the schema cannot say: names, the graph, and what only holds of the merged container.

It reads the document as it was sent and looks past everything that has the wrong shape (the schema's faults name
that), so that a document gets all of its faults at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from aiop.model.ids import StepId
from aiop.spec.faults import REQUIRED, unknown_name
from aiop.spec.findings import Findings, Place
from aiop.spec.graph import CycleError, Graph, describe_cycle, find_cycles
from aiop.spec.images import ImageError, check_image
from aiop.spec.inputs import type_fault
from aiop.spec.outline import Outline, OutlineStep, as_items, as_object
from aiop.spec.references import lint_references
from aiop.spec.volumes import VolumeRefused, check_source

__all__ = ["lint"]

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array"})


def lint(document: dict[str, Any], findings: Findings) -> None:
    """Find the faults between the fields of ``document``, of which only that it is an object is known."""
    outline = Outline(document)
    _lint_ids(outline, findings)
    parents = [_dependencies(outline, i, findings) for i in range(len(outline.steps))]
    graph = _graph(outline, parents)
    for cycle in () if graph else find_cycles(parents):
        named = describe_cycle([outline.steps[i].id or "?" for i in cycle])
        findings.add((*outline.steps[cycle[0]].path, "depends_on"), f"Dependencies form a cycle: {named}")
    _lint_container(outline.config, ("container_config",), findings)
    inherited = {target for _, target in _targets(outline.config)}
    for step in outline.steps:
        if findings.full:
            return
        _lint_container(step.container, (*step.path, "container"), findings)
        _lint_merged(outline, step, inherited, findings)
        _lint_retry(step, findings)
        _lint_outputs(step, findings)
    _lint_declaration(outline, findings)
    lint_references(outline, graph, findings)


def _lint_ids(outline: Outline, findings: Findings) -> None:
    for i, step in enumerate(outline.steps):
        if step.id is not None and outline.index[step.id] != i:
            first = outline.steps[outline.index[step.id]].position
            findings.add((*step.path, "id"), f"The id `{step.id[:100]}` is taken by steps[{first}]")


def _graph(outline: Outline, parents: list[list[int]]) -> Graph | None:
    try:
        return Graph.build([StepId(step.id or "") for step in outline.steps], parents)
    except CycleError:
        return None


def _dependencies(outline: Outline, i: int, findings: Findings) -> list[int]:
    """Return the indexes of the known steps that a step depends on; what else stands there is a fault."""
    step = outline.steps[i]
    names = as_items(step.raw.get("depends_on"))
    if set(map(type, names)) <= {str}:  # dense graphs have millions of these, hardly ever with a fault
        found = list(map(outline.index.get, names))
        if len(set(found)) == len(found) and None not in found and i not in found and step.id not in names:
            return cast("list[int]", found)
    return list(_known_dependencies(outline, step, findings))


def _known_dependencies(outline: Outline, step: OutlineStep, findings: Findings) -> Iterator[int]:
    seen: set[str] = set()
    for position, name in enumerate(as_items(step.raw.get("depends_on"))):
        if not isinstance(name, str):
            continue
        place = (*step.path, "depends_on", position)
        index = outline.index.get(name)
        if name in seen:
            findings.add(place, f"Duplicate dependency `{name[:100]}`")
        elif index is None:
            findings.add(place, unknown_name, "step", name, outline.index)
        elif name == step.id:
            findings.add(place, "A step cannot depend on itself")
        else:
            seen.add(name)
            yield index


def _lint_container(container: dict[str, Any], path: Place, findings: Findings) -> None:
    if container.get("command") is not None and container.get("script") is not None:
        findings.add((*path, "script"), "A container has either `command` or `script`")
    image = container.get("image")
    if isinstance(image, str) and image and "${" not in image:
        try:
            check_image(image)
        except ImageError as error:
            findings.add((*path, "image"), str(error))
    seen: set[str] = set()
    for i, target in _targets(container):
        if target in seen:
            findings.add((*path, "volumes", i, "target"), f"Duplicate target `{target[:100]}`")
        seen.add(target)
    for i, volume in enumerate(as_items(container.get("volumes"))):
        source = as_object(volume).get("source")
        if isinstance(source, str) and source and "${" not in source:
            try:
                check_source(source)
            except VolumeRefused as error:
                findings.add((*path, "volumes", i, "source"), str(error))


def _lint_merged(outline: Outline, step: OutlineStep, inherited: set[str], findings: Findings) -> None:
    """Check what only holds of the step's own container together with the config."""
    path = (*step.path, "container")
    has_image = step.container.get("image") is not None or outline.config.get("image") is not None
    if not has_image and isinstance(step.raw.get("container"), dict | None):
        findings.add((*path, "image"), REQUIRED)
    for i, target in _targets(step.container):
        if target in inherited:
            message = f"`{target[:100]}` is a target of `container_config` already"
            findings.add((*path, "volumes", i, "target"), message)


def _targets(container: dict[str, Any]) -> Iterator[tuple[int, str]]:
    for i, volume in enumerate(as_items(container.get("volumes"))):
        target = as_object(volume).get("target")
        if isinstance(target, str):
            yield i, target.rstrip("/") or "/"


def _lint_retry(step: OutlineStep, findings: Findings) -> None:
    if step.raw.get("retry") is not None:
        for key in ("retries", "retry_delay"):
            if step.raw.get(key) is not None:
                findings.add((*step.path, key), "Give either `retry` or the short `retries` and `retry_delay`")


def _lint_outputs(step: OutlineStep, findings: Findings) -> None:
    for name, output in as_object(step.raw.get("outputs")).items():
        declared = as_object(output)
        default = declared.get("default")
        if default is not None and declared.get("type") in (None, "string") and not isinstance(default, str):
            findings.add((*step.path, "outputs", name, "default"), "Must be of type string")


def _lint_declaration(outline: Outline, findings: Findings) -> None:
    for name, declaration in (outline.declared_inputs or {}).items():
        expected = as_object(declaration).get("type")
        if "default" in as_object(declaration) and isinstance(expected, str) and expected in _TYPES:
            fault = type_fault(declaration["default"], expected)
            if fault is not None:
                findings.add(("inputs", name, "default"), fault)

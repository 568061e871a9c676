"""The files and directories that a pipeline hands out: what the schema cannot say of them."""

from __future__ import annotations

from typing import Any

from aiop.spec.faults import unknown_name
from aiop.spec.findings import Findings
from aiop.spec.outline import Outline, as_items, as_object

__all__ = ["lint_named_outputs"]


def lint_named_outputs(document: dict[str, Any], findings: Findings) -> None:
    """Find names that come twice, steps that are not there, and outputs of which it is not clear after which step."""
    outline = Outline(document)
    seen: set[str] = set()
    for i, output in enumerate(as_items(document.get("outputs"))):
        name, step = as_object(output).get("name"), as_object(output).get("step")
        if isinstance(name, str):
            if name in seen:
                findings.add(("outputs", i, "name"), f"The name `{name[:100]}` is taken by another output")
            seen.add(name)
        if isinstance(step, str) and step not in outline.index:
            findings.add(("outputs", i, "step"), unknown_name, "step", step, outline.index)
        elif step is None and isinstance(output, dict) and len(last_steps(outline)) != 1:
            findings.add(("outputs", i, "step"), "Say after which step: the pipeline has several last ones")


def last_steps(outline: Outline) -> list[str]:
    """Return the ids of the steps that no other waits for."""
    awaited = {name for step in outline.steps for name in as_items(step.raw.get("depends_on")) if isinstance(name, str)}
    return [step.id for step in outline.steps if step.id is not None and step.id not in awaited]

"""How one workflow and one execution look to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.text import Text

from aiop.cli.output import compact, fields, status_text, table
from aiop.cli.text import duration, local, now
from aiop.client import Execution, StepState, Workflow
from aiop.model.state import StepStatus

if TYPE_CHECKING:
    from aiop.client import Waiting

__all__ = ["execution_page", "span", "why", "workflow_page"]


def workflow_page(workflow: Workflow) -> RenderableType:
    """Show a workflow: what it is, then its steps as written."""
    head = fields(
        [
            ("Name", workflow.name),
            ("Id", workflow.id),
            ("Status", status_text(workflow.status)),
            ("Description", workflow.description),
            ("Created", local(workflow.created_at)),
            ("Updated", local(workflow.updated_at) if workflow.updated_at else None),
            ("Inputs", _declared(workflow.raw.get("inputs"))),
        ]
    )
    default = _image(workflow.raw.get("container_config"))
    rows = [
        (
            str(step.get("id", "")),
            _image(step.get("container")) or default or "-",
            ", ".join(step.get("depends_on") or ()) or "-",
            str(step.get("when") or "-"),
        )
        for step in workflow.steps
    ]
    columns = ("STEP", "IMAGE", "AFTER", "WHEN")
    return Group(head, Text(), table(columns, rows, flexible=("IMAGE", "AFTER", "WHEN")))


def execution_page(execution: Execution) -> RenderableType:
    """Show an execution: how it stands, then each step."""
    head = fields(
        [
            ("Id", execution.id),
            ("Workflow", execution.workflow_id),
            ("Pipeline", execution.pipeline_id),
            ("Status", status_text(execution.status)),
            ("Why", why(execution.reason, execution.error, execution.waiting)),
            ("Started", local(execution.started_at)),
            ("Took" if execution.completed_at else "Running for", span(execution.started_at, execution.completed_at)),
            ("Inputs", compact(execution.inputs)),
            ("Outputs", compact(execution.outputs)),
            ("Files", "\n".join(f"{each.name} ({decimal(each.size)})" for each in execution.artifacts) or None),
        ]
    )
    rows = [_step_row(step) for step in execution.steps.values()]
    columns = ("STEP", "STATUS", "TIME", "ATTEMPTS", "EXIT", "WHY")
    return Group(head, Text(), table(columns, rows, flexible=("WHY",)))


def span(start: datetime | None, end: datetime | None) -> str | None:
    """Write how long something took, or takes so far."""
    return None if start is None else duration((end or now()) - start)


def why(reason: str | None, error: str | None, waiting: Waiting | None) -> str | None:
    """Write in one phrase why something is not completed."""
    if waiting is not None:
        return waiting.detail or waiting.code
    return error or reason


def _step_row(step: StepState) -> Sequence[str | Text]:
    return (
        step.id,
        status_text(step.status),
        span(step.started_at, step.completed_at) or "-",
        str(step.attempt or 1) if step.started_at else "-",
        _exit_code(step),
        "cached" if step.cached else why(step.reason, step.error, step.waiting) or "",
    )


def _exit_code(step: StepState) -> str:
    if step.status is StepStatus.COMPLETED:
        return "0"
    return "-" if step.exit_code is None else str(step.exit_code)


def _image(container: Any) -> str | None:
    image = container.get("image") if isinstance(container, Mapping) else None
    return None if image is None else str(image)


def _declared(inputs: Any) -> str | None:
    if not isinstance(inputs, Mapping) or not inputs:
        return None
    return "\n".join(_declaration(name, declared) for name, declared in inputs.items())


def _declaration(name: str, declared: Any) -> str:
    if not isinstance(declared, Mapping):
        return name
    kind = f": {declared['type']}" if "type" in declared else ""
    default = f" = {declared['default']}" if "default" in declared else ""
    required = " (required)" if declared.get("required") else ""
    return f"{name}{kind}{default}{required}"

"""What is printed under the progress once an execution has ended."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.text import Text

from aiop.cli.output import compact, fields
from aiop.cli.text import plain
from aiop.client import Artifact, Execution
from aiop.model.state import StepStatus

__all__ = ["result_page"]

_STEPS = 3
_LINES = 10


def result_page(execution: Execution) -> RenderableType | None:
    """Show the outputs, or the end of the log of what failed; ``None`` if there is neither."""
    if execution.succeeded:
        outputs = compact(execution.outputs)
        files = "\n".join(
            f"{each.name} ({decimal(each.size)}): {_download(execution, each)}" for each in execution.artifacts
        )
        return fields([("Outputs", outputs), ("Files", files or None)]) if outputs or files else None
    parts = list(_failures(execution))
    return Group(*parts) if parts else None


def _download(execution: Execution, artifact: Artifact) -> str:
    return f"aiop execution download {execution.id} {artifact.name}"


def _failures(execution: Execution) -> Iterator[RenderableType]:
    failed = [step for step in execution.steps.values() if step.status is StepStatus.FAILED]
    for step in failed[:_STEPS]:
        head = f"[{step.id}] "
        log = [line.removeprefix(head) for line in (execution.logs or "").splitlines() if line.startswith(head)]
        if log:
            yield Text(f"\nThe end of the log of {step.id}:", style="bold")
            yield Text("\n".join(f"  {plain(line)}" for line in log[-_LINES:]))
    if failed:
        yield Text(f"\nAll of it: aiop execution logs {execution.id}")

"""Follows an execution and shows it in the form that fits where the output goes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from rich.live import Live

from aiop.cli.exits import Exit, Failure, exit_for
from aiop.cli.options import Format
from aiop.cli.output import console, put, show
from aiop.cli.watch.lines import LineView
from aiop.cli.watch.progress import Progress, StepProgress
from aiop.cli.watch.result import result_page
from aiop.cli.watch.tree import TreeView
from aiop.client import Client, Event, Execution, NotFound

__all__ = ["Needs", "conclude", "needs_of", "watch_execution"]

Needs: TypeAlias = Mapping[str, tuple[str, ...]]

_FRAMES_PER_SECOND = 8


def watch_execution(
    client: Client,
    execution: str,
    *,
    name: str | None = None,
    needs: Needs | None = None,
    output: Format = Format.TABLE,
) -> Exit:
    """Show an execution until it has ended, then its result; returns the exit code that says how it ended.

    ``needs`` are its steps, each with those before it; they are asked for if they, or the ``name`` of what runs, are
    not given. With an output for programs the progress goes to stderr, and stdout has the result alone.
    """
    with _leaving(execution):
        title, progress = _begin(client, execution, name, needs)
        with _view(title, progress, apart=output is not Format.TABLE) as apply:
            for event in client.executions.events(execution):
                apply(event)
        return conclude(client, client.executions.get(execution), output=output)


def conclude(client: Client, execution: Execution, *, output: Format) -> Exit:
    """Print how an execution ended; returns the exit code that says it."""
    if not execution.steps:
        execution = client.executions.get(execution.id)
    if output is Format.TABLE:
        page = result_page(execution)
        if page is not None:
            put(page)
    else:
        show(output, execution.raw, names=[execution.id], people=str)
    return exit_for(execution.status)


def _begin(client: Client, execution: str, name: str | None, needs: Needs | None) -> tuple[str, Progress]:
    if name is None or needs is None:
        found = client.executions.get(execution)
        # A definition may be newer than the one that the execution is pinned to, or the file that holds it elsewhere.
        name, known = _defined(client, found)
        needs = {step: known.get(step, ()) for step in found.steps}
    title = f"Execution {execution}" if name is None else f"{name}  {execution}"
    return title, _progress(needs)


def _defined(client: Client, execution: Execution) -> tuple[str | None, Needs]:
    try:
        if execution.workflow_id is not None:
            workflow = client.workflows.get(execution.workflow_id)
            return workflow.name, needs_of(workflow.steps)
        if execution.pipeline_id is not None:
            pipeline = client.pipelines.get(execution.pipeline_id)
            definition = pipeline.pipeline_definition
            return pipeline.name, {} if isinstance(definition, str) else needs_of(definition.get("steps"))
    except NotFound:  # deleted meanwhile
        pass
    return None, {}


def needs_of(steps: Any) -> Needs:
    """Return the steps of a definition, each with those that it waits for; what is no step is passed over."""
    found = (
        [step for step in steps if isinstance(step, Mapping) and "id" in step] if isinstance(steps, Sequence) else []
    )
    return {step["id"]: tuple(step.get("depends_on") or ()) for step in found}


def _progress(needs: Needs) -> Progress:
    return Progress(StepProgress(name, before) for name, before in needs.items())


@contextmanager
def _view(title: str, progress: Progress, *, apart: bool) -> Iterator[Callable[[Event], None]]:
    screen = console(stderr=apart)
    if not screen.is_terminal:
        yield LineView(title, progress, sys.stderr if apart else sys.stdout).apply
        return
    tree = TreeView(title, progress)
    with Live(tree, console=screen, refresh_per_second=_FRAMES_PER_SECOND, vertical_overflow="crop"):
        yield tree.apply


@contextmanager
def _leaving(execution: str) -> Iterator[None]:
    """Say what happens to the execution when the user stops watching."""
    try:
        yield
    except KeyboardInterrupt:
        raise Failure(
            Exit.INTERRUPTED,
            f"stopped watching; execution {execution} goes on",
            hint=f"Watch it with `aiop watch {execution}`, end it with `aiop execution cancel {execution}`.",
        ) from None

"""Follows an execution and shows it in the form that fits where the output goes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.live import Live

from aiop.cli.exits import Exit, Failure, exit_for
from aiop.cli.options import Format
from aiop.cli.output import console, put, show
from aiop.cli.watch.lines import LineView
from aiop.cli.watch.progress import Progress, StepProgress
from aiop.cli.watch.result import result_page
from aiop.cli.watch.tree import TreeView
from aiop.client import Client, Event, Execution, NotFound, Workflow

__all__ = ["conclude", "watch_execution"]

_FRAMES_PER_SECOND = 8


def watch_execution(
    client: Client, execution: str, *, workflow: Workflow | None = None, output: Format = Format.TABLE
) -> Exit:
    """Show an execution until it has ended, then its result; returns the exit code that says how it ended.

    With an output for programs the progress goes to stderr, and stdout has the result alone.
    """
    with _leaving(execution):
        title, progress = _begin(client, execution, workflow)
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


def _begin(client: Client, execution: str, workflow: Workflow | None) -> tuple[str, Progress]:
    if workflow is None:
        found = client.executions.get(execution)
        steps = dict.fromkeys(found.steps, ())
        try:
            workflow = client.workflows.get(found.workflow_id)
        except NotFound:  # deleted meanwhile
            return f"Execution {execution}", _progress(steps)
        # the definition may be newer than the one the execution is pinned to
        needs = _needs(workflow)
        return f"{workflow.name}  {execution}", _progress({name: needs.get(name, ()) for name in steps})
    return f"{workflow.name}  {execution}", _progress(_needs(workflow))


def _needs(workflow: Workflow) -> dict[str, tuple[str, ...]]:
    return {step["id"]: tuple(step.get("depends_on") or ()) for step in workflow.steps}


def _progress(needs: Mapping[str, tuple[str, ...]]) -> Progress:
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
            hint=f"Watch it with `aiop execution watch {execution}`, end it with `aiop execution cancel {execution}`.",
        ) from None

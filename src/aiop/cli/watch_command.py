"""``aiop watch``, which is ``aiop execution watch`` too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aiop.cli import completion
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import Format, Output, Server

if TYPE_CHECKING:
    from aiop.client import Client

__all__ = ["EXAMPLES", "watch"]

EXAMPLES = examples(
    "aiop watch  # the newest one that runs",
    "aiop watch 01a207c0",
    "aiop watch 01a207c0 -o json | jq .outputs",
)


def watch(
    execution: Annotated[
        str | None,
        typer.Argument(
            metavar="EXECUTION",
            help="Its id, or the beginning of it; else the newest one that runs, or that waits if none does.",
            autocompletion=completion.executions,
        ),
    ] = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Show an execution live until it has ended; the exit code tells how (0, 1 failed, 6 cancelled)."""
    from aiop.cli.finding import execution_id
    from aiop.cli.watch import watch_execution

    with connect(server) as client:
        chosen = _newest(client) if execution is None else execution_id(client, execution)
        code = watch_execution(client, chosen, output=output)
    raise typer.Exit(code)


def _newest(client: Client) -> str:
    for status in ("running", "pending"):
        for found in client.executions.list(status=status, limit=1).items:
            return found.id
    hint = "Start one with `aiop workflow run`, or name one: `aiop execution list` shows those that have ended."
    raise Failure(Exit.REFUSED, "no execution is under way", hint=hint)

"""The command."""

from __future__ import annotations

from typing import Annotated

import typer

from aiop.cli.connection import address, connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit
from aiop.cli.options import Format, Output, Server

__all__ = ["EXAMPLES", "top"]

EXAMPLES = examples(
    "aiop top",
    "aiop top --interval 5",
    "aiop top --once --json | jq .steps.per_second",
)


def top(
    interval: Annotated[
        float, typer.Option("--interval", "-i", min=0.2, max=3600, metavar="SECONDS", help="Time between two looks.")
    ] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look for one interval, print, and end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Short for -o json: an object a line for each look.")] = False,
    output: Output = Format.TABLE,
    server: Server = None,
) -> int:
    """Show live what the service is busy with: its agents, what runs, and what waits for what. q ends it."""
    from aiop.cli.top.loop import follow, look_once

    form = Format.JSON if json else output
    with connect(server) as client:
        if once:
            look_once(client, address(server), interval, form)
        else:
            follow(client, address(server), interval, form)
    return Exit.OK

"""``aiop unshare``."""

from __future__ import annotations

import os
import subprocess
from typing import Annotated

import typer

from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure

__all__ = ["EXAMPLES", "unshare"]

EXAMPLES = examples(
    "aiop unshare rm -rf ~/.local/share/aiop  # with what containers wrote",
    "aiop unshare chown -R 0:0 results  # theirs becomes yours",
)


def unshare(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND [ARGUMENT]...", help="What to run.")],
) -> None:
    """Run a command where you are root over the files of your containers.

    For an ordinary user whose service runs containers by itself: files of the root of a container are the user's own,
    those of others belong to subordinate ids, which nobody else can change or delete.
    """
    from aiop.runtime.rootless import CannotEnter, run_inside

    try:
        code = run_inside(command) if os.geteuid() != 0 else _run(command)
    except CannotEnter as error:
        raise Failure(Exit.UNREACHABLE, str(error), hint="Is the package `uidmap` installed?") from error
    except OSError as error:
        words = f"{command[0]} cannot be run: {error.strerror}"
        raise Failure(Exit.USAGE, words, hint="Give a program and its arguments.") from error
    raise typer.Exit(code)


def _run(command: list[str]) -> int:
    return subprocess.run(command, check=False).returncode  # noqa: S603 - it is what the user wants

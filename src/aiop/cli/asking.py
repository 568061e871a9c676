"""Asks before something is lost."""

from __future__ import annotations

import sys

import typer

from aiop.cli.exits import Exit, Failure

__all__ = ["confirm"]


def confirm(question: str, *, yes: bool) -> None:
    """Go on if the user agrees; without a terminal ``--yes`` must have been given."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure(Exit.USAGE, "there is no terminal to ask whether you are sure", hint="Say --yes.")
    typer.confirm(question, abort=True, err=True)

"""``aiop version``."""

from __future__ import annotations

import typer

from aiop import __version__
from aiop.cli.examples import examples
from aiop.cli.options import Format, Output

__all__ = ["EXAMPLES", "show_and_exit", "version"]

EXAMPLES = examples("aiop version", "aiop version -o json")


def version(output: Output = Format.TABLE) -> None:
    """Print the version."""
    if output in (Format.JSON, Format.YAML):
        from aiop.cli.output import show

        show(output, {"version": __version__}, names=(), people=lambda: "")
    else:
        print(__version__ if output is Format.NAME else f"aiop {__version__}")


def show_and_exit(wanted: bool) -> None:
    """Serve ``aiop --version``."""
    if wanted:
        print(f"aiop {__version__}")
        raise typer.Exit

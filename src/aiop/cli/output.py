"""Prints answers: as tables for people, as they are for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiop.cli.options import Format

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

__all__ = ["compact", "console", "fields", "json_text", "put", "show", "status_text", "table", "yaml_text"]

_UNBOUNDED = 100_000

_STYLES = {
    "completed": "green",
    "running": "cyan",
    "pending": "yellow",
    "failed": "red",
    "cancelled": "magenta",
    "skipped": "bright_black",
    "idle": "green",
    "busy": "cyan",
    "offline": "red",
    "error": "red",
}


def show(form: Format, body: Any, *, names: Iterable[str], people: Callable[[], RenderableType]) -> None:
    """Print an answer in the form that was asked for; ``body`` is the API's own."""
    if form is Format.JSON:
        print(json_text(body))
    elif form is Format.YAML:
        print(yaml_text(body), end="")
    elif form is Format.NAME:
        for name in names:
            print(name)
    else:
        put(people())


def put(*parts: RenderableType) -> None:
    """Print for people: fitted to the terminal, or at full width and without trailing blanks into a pipe."""
    screen = console()
    if screen.is_terminal:
        screen.print(*parts, sep="\n")
        return
    with screen.capture() as captured:
        screen.print(*parts, sep="\n", no_wrap=True, overflow="ignore", crop=False)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def console(*, stderr: bool = False) -> Console:
    """Make a console; it honours ``NO_COLOR``, and reads no markup into what others wrote."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _UNBOUNDED
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width, soft_wrap=False)


def table(
    headings: Sequence[str], rows: Iterable[Sequence[str | Text]], *, flexible: Sequence[str] = ()
) -> RenderableType:
    """Build a table without lines; where the terminal is narrow, the columns named in ``flexible`` are cut."""
    from aiop.cli.grid import Grid

    return Grid(headings, rows, flexible=flexible)


def fields(pairs: Iterable[tuple[str, str | Text | None]]) -> Any:
    """Build a list of names and values; values that are ``None`` are left out."""
    from rich.table import Table

    from aiop.cli.text import plain

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None:
            grid.add_row(name, plain(value) if isinstance(value, str) else value)
    return grid


def status_text(status: str) -> Text:
    """Colour a status word."""
    from rich.text import Text

    return Text(status, style=_STYLES.get(status, ""))


def json_text(body: Any) -> str:
    """Write JSON for people and programs alike."""
    return json.dumps(body, indent=2, ensure_ascii=False)


def yaml_text(body: Any) -> str:
    """Write YAML that reads back as the same data, texts of several lines as blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return yaml.dump(body, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def compact(values: Mapping[str, Any] | None) -> str | None:
    """Write a few values on one line each, for people."""
    if not values:
        return None
    return "\n".join(f"{name} = {_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""Tables for people, fitted to the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from aiop.cli.text import plain

__all__ = ["Grid"]

_GAP = 2
_SHORTEST = 8
"""A column is not cut below this; what is to the right of it leaves the screen instead."""


class Grid:
    """Rows under headings. Columns that are not ``flexible`` (ids above all) are never cut."""

    def __init__(
        self, headings: Sequence[str], rows: Iterable[Sequence[str | Text]], *, flexible: Sequence[str]
    ) -> None:
        self._headings = headings
        self._flexible = flexible
        self._rows = [[Text(plain(cell)) if isinstance(cell, str) else cell for cell in row] for row in rows]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
        for heading, width in zip(self._headings, self._widths(options.max_width), strict=True):
            table.add_column(heading, no_wrap=True, overflow="ellipsis", min_width=width, max_width=width)
        for row in self._rows:
            table.add_row(*row)
        yield table

    def _widths(self, room: int) -> list[int]:
        """Give each column what it needs, and share what is left among the flexible ones."""
        widths = [
            max([len(heading), *(row[column].cell_len for row in self._rows)])
            for column, heading in enumerate(self._headings)
        ]
        cut = sorted(
            (column for column, heading in enumerate(self._headings) if heading in self._flexible),
            key=lambda column: widths[column],
        )
        room -= sum(widths) - sum(widths[column] for column in cut) + _GAP * (len(widths) - 1)
        for number, column in enumerate(cut):
            widths[column] = min(widths[column], max(_SHORTEST, room // (len(cut) - number)))
            room -= widths[column]
        return widths

"""Tables for people, fitted to the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from aiop.cli.text import plain

__all__ = ["Grid"]

_GAP = 2
_SHORTEST = 8
"""A flexible column is not cut below this while there is another way."""
_HEADING = "bold"


class Grid:
    """Rows under headings. Columns that are not ``flexible`` (ids above all) are not cut.

    Where that does not fit, each row becomes two lines: the first column, which is never cut, and below it the others.
    """

    def __init__(
        self, headings: Sequence[str], rows: Iterable[Sequence[str | Text]], *, flexible: Sequence[str]
    ) -> None:
        self._rows = [[Text(heading, style=_HEADING) for heading in headings]]
        self._rows += [[Text(plain(cell)) if isinstance(cell, str) else cell for cell in row] for row in rows]
        self._flexible = [heading in flexible for heading in headings]

    def lines_of_a_row(self, width: int) -> int:
        """How many lines a row takes in a terminal of this width; the headings are a row too."""
        return 2 if self._folds(width) else 1

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        folds = self._folds(width)
        widths = self._fitted(width - _GAP, start=1) if folds else self._fitted(width, start=0)
        for row in self._rows:
            if folds:
                yield row[0]
            yield _line(row[folds:], widths, indent=_GAP * folds)

    def _folds(self, width: int) -> bool:
        return len(self._flexible) > 1 and self._least() > width

    def _least(self) -> int:
        widths = self._natural()
        shortest = (min(width, _SHORTEST) if cut else width for width, cut in zip(widths, self._flexible, strict=True))
        return sum(shortest) + _GAP * (len(widths) - 1)

    def _natural(self) -> list[int]:
        return [max(row[column].cell_len for row in self._rows) for column in range(len(self._flexible))]

    def _fitted(self, room: int, *, start: int) -> list[int]:
        """Give each column what it needs, and share what is left among the flexible ones, then among all."""
        widths = self._natural()[start:]
        room -= _GAP * (len(widths) - 1)
        cut = [column for column, flexible in enumerate(self._flexible[start:]) if flexible]
        fixed = sum(widths) - sum(widths[column] for column in cut)
        if fixed + sum(min(widths[column], _SHORTEST) for column in cut) > room:
            cut, fixed = list(range(len(widths))), 0
        for number, column in enumerate(sorted(cut, key=lambda column: widths[column])):
            share = max(0, room - fixed) // (len(cut) - number)
            widths[column] = min(widths[column], share)
            fixed += widths[column]
        return widths


def _line(cells: Sequence[Text], widths: Sequence[int], *, indent: int) -> Text:
    line = Text(" " * indent, no_wrap=True)
    for cell, width in zip(cells, widths, strict=True):
        part = cell.copy()
        part.truncate(width, overflow="ellipsis", pad=True)
        line.append_text(part).append(" " * _GAP)
    line.rstrip()
    return line

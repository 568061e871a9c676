"""How a look at the load appears to people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from aiop.cli.grid import Grid
from aiop.cli.output import status_text
from aiop.cli.text import duration, plain
from aiop.cli.top.load import Load, doing, ended_steps, rates
from aiop.client import Agent, Execution

__all__ = ["TopView"]

_BAR = 10


class TopView:
    """Draws a look: its figures, then agents, what runs and what waits, of each as many rows as the height allows.

    ``trouble`` says why there is no newer look.
    """

    def __init__(self, server: str, load: Load, before: Load | None, *, trouble: str | None = None) -> None:
        self._server = server
        self._load = load
        self._before = before
        self._trouble = trouble

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        head = [part for line in self._head() for part in _wrapped(line, options.max_width)]
        yield from head
        tables = [table for table in (self._agents(), self._running(), self._waiting()) if table is not None]
        room = None if options.height is None else options.height - len(head)
        for table, lines in zip(tables, _shared(tables, options.max_width, room), strict=True):
            yield from table.within(lines, options.max_width)
        if not (self._load.running.total or self._load.waiting.total):
            yield Text("\nNothing runs, and nothing waits.")

    def _head(self) -> Iterator[list[Text]]:
        load, status = self._load, self._load.status
        if self._trouble:
            yield [Text(plain(self._trouble), style="red")]
        yield [
            status_text(status.status),
            Text(plain(self._server)),
            Text(f"aiop {plain(status.version)}"),
            Text(load.at.astimezone().strftime("%H:%M:%S")),
        ]
        between = rates(self._before, load)
        steps_ended, ended = (between.steps, between.executions) if between else (None, None)
        executions = f"{load.running.total} running, {load.waiting.total} waiting"
        yield [
            _figure("Executions", executions, ended),
            _figure("Steps", f"{status.active_steps} running", steps_ended),
            Text.assemble(("CPU ", "bold"), f"{status.cpu_usage_percent:.0f} %"),
            Text.assemble(("Memory ", "bold"), f"{status.memory_usage_mb:.0f} MB"),
        ]

    def _agents(self) -> _Table | None:
        rows = [
            (
                agent.name,
                status_text(agent.status),
                _bar(agent),
                f"{agent.current_load}/{agent.max_load}",
                agent.error or "",
            )
            for agent in self._load.agents.items
        ]
        return _table(("AGENT", "STATUS", "LOAD", "", "ERROR"), rows, ("AGENT", "ERROR"), self._load.agents.total)

    def _running(self) -> _Table | None:
        rows = [
            (
                execution.id,
                self._load.names[execution.id],
                f"{ended_steps(execution)}/{len(execution.steps)}",
                self._age(execution),
                ", ".join(doing(execution)),
            )
            for execution in self._load.running.items
        ]
        return _table(("RUNNING", "NAME", "STEPS", "TIME", "DOING"), rows, ("NAME", "DOING"), self._load.running.total)

    def _waiting(self) -> _Table | None:
        rows = [
            (
                execution.id,
                self._load.names[execution.id],
                self._age(execution),
                "" if execution.waiting is None else execution.waiting.detail or execution.waiting.code,
            )
            for execution in self._load.waiting.items
        ]
        return _table(("WAITING", "NAME", "TIME", "FOR"), rows, ("NAME", "FOR"), self._load.waiting.total)

    def _age(self, execution: Execution) -> str:
        since = execution.started_at or execution.created_at
        return "-" if since is None else duration(self._load.at - since)


Row: TypeAlias = Sequence[str | Text]


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows that are here, and how many there are in all."""

    headings: Sequence[str]
    rows: Sequence[Row]
    flexible: Sequence[str]
    total: int

    def lines(self, width: int) -> int:
        """How many lines it takes, the blank one before it and the word on what is left out included."""
        return 1 + (len(self.rows) + 1) * self._grid().lines_of_a_row(width) + (self.total > len(self.rows))

    def within(self, lines: int, width: int) -> Iterator[RenderableType]:
        """Draw as much of it as so many lines hold."""
        shown = len(self.rows)
        if lines < self.lines(width):
            shown = max(0, (lines - 2) // self._grid().lines_of_a_row(width) - 1)
        yield Text()
        yield Grid(self.headings, self.rows[:shown], flexible=self.flexible)
        if self.total > shown:
            yield Text(f"and {self.total - shown} more", style="bright_black")

    def _grid(self) -> Grid:
        return Grid(self.headings, self.rows, flexible=self.flexible)


def _table(headings: Sequence[str], rows: Sequence[Row], flexible: Sequence[str], total: int) -> _Table | None:
    return _Table(headings, rows, flexible, total) if rows else None


def _shared(tables: Sequence[_Table], width: int, room: int | None) -> list[int]:
    """Give each table the lines that it needs while there are enough, and equal shares of what the small ones leave."""
    needs = [table.lines(width) for table in tables]
    if room is None:
        return needs
    shares = list(needs)
    for number, table in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        shares[table] = min(needs[table], max(0, room) // (len(needs) - number))
        room -= shares[table]
    return shares


def _figure(name: str, text: str, per_second: float | None) -> Text:
    return Text.assemble((f"{name} ", "bold"), text, "" if per_second is None else f", {_rounded(per_second)}/s")


def _rounded(per_second: float) -> str:
    return f"{per_second:.0f}" if per_second >= 10 else f"{per_second:.1f}"


def _bar(agent: Agent) -> Text:
    full = round(_BAR * min(1.0, agent.current_load / agent.max_load)) if agent.max_load else 0
    return Text.assemble(("#" * full, "cyan"), ("." * (_BAR - full), "bright_black"))


def _wrapped(parts: Sequence[Text], width: int) -> Iterator[Text]:
    """Put the parts side by side, on as many lines as they need."""
    line = Text()
    for part in parts:
        if line.plain and line.cell_len + 3 + part.cell_len > width:
            yield line
            line = Text()
        line = Text.assemble(line, "   " if line.plain else "", part)
    line.truncate(width, overflow="ellipsis")
    yield line

"""The live picture of an execution, as rich draws it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aiop.cli.output import status_text
from aiop.cli.text import duration, now, plain
from aiop.cli.watch.layout import Place, lay_out
from aiop.cli.watch.progress import Progress, StepProgress
from aiop.client import Event
from aiop.model.state import StepStatus

__all__ = ["TreeView"]

_ICONS = {
    StepStatus.PENDING: ("○", ".", "bright_black"),
    StepStatus.RUNNING: ("●", "*", "cyan"),
    StepStatus.COMPLETED: ("✓", "+", "green"),
    StepStatus.FAILED: ("✗", "x", "red"),
    StepStatus.CANCELLED: ("■", "#", "magenta"),
    StepStatus.SKIPPED: ("-", "-", "bright_black"),
}
_COUNTED = (StepStatus.RUNNING, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED)
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_SECOND = 10
_BAR = 20
_FRAME_LINES = 4
"""Lines besides those of steps: heading, bar, counts, and the one the cursor stands in."""
_ORDER = (StepStatus.FAILED, StepStatus.RUNNING, StepStatus.PENDING)


class TreeView:
    """Draws the progress; every step if the terminal has the room, else those that want attention, and counts.

    Events may be applied in one thread while another draws.
    """

    def __init__(self, title: str, progress: Progress, *, clock: Callable[[], datetime] = now) -> None:
        self._title = title
        self._progress = progress
        self._clock = clock
        self._lock = threading.Lock()
        self._places: Sequence[Place] | None = None

    def apply(self, event: Event) -> None:
        """Take an event into account."""
        with self._lock:
            if self._places is not None and event.data.get("step") not in self._progress.steps:
                self._places = None
            self._progress.apply(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._lock:
            yield from self._draw(console.size.height, ascii_only=options.ascii_only)

    def _draw(self, height: int, *, ascii_only: bool) -> Iterable[RenderableType]:
        progress, at = self._progress, self._clock()
        yield Text.assemble((plain(self._title), "bold"), "  ", status_text(self._status()))
        room = max(3, height - _FRAME_LINES)
        if progress.total <= room:
            yield self._grid([(place.branch, progress.steps[place.step]) for place in self._all()], at, ascii_only)
        else:
            yield from self._folded(room, at, ascii_only)
        yield self._bar(at)
        if progress.error:
            yield Text(plain(progress.error), style="red")

    def _status(self) -> str:
        return "cancelling" if self._progress.cancelling and not self._progress.status.ended else self._progress.status

    def _all(self) -> Sequence[Place]:
        if self._places is None:
            self._places = lay_out({step.id: step.needs for step in self._progress.steps.values()})
        return self._places

    def _folded(self, room: int, at: datetime, ascii_only: bool) -> Iterable[RenderableType]:
        steps = [self._progress.steps[name] for name in self._progress.notable]
        steps.sort(key=lambda step: (_ORDER.index(step.status), step.started_at or at, step.id))
        shown = steps[: room - 1]
        yield self._grid([("", step) for step in shown], at, ascii_only)
        if len(steps) > len(shown):
            yield Text(f"  and {len(steps) - len(shown)} more", style="bright_black")

    def _grid(self, rows: Iterable[tuple[str, StepProgress]], at: datetime, ascii_only: bool) -> RenderableType:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True, overflow="ellipsis")
        grid.add_column(no_wrap=True, justify="right")
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=None)
        for branch, step in rows:
            if ascii_only:
                branch = branch.translate(_ASCII)
            name = Text.assemble((branch, "bright_black"), self._icon(step, at, ascii_only), " ", plain(step.id))
            grid.add_row(name, _time(step, at), _note(step, self._progress.waits_for(step)))
        return grid

    def _icon(self, step: StepProgress, at: datetime, ascii_only: bool) -> tuple[str, str]:
        icon, ascii_icon, style = _ICONS[step.status]
        if ascii_only:
            return ascii_icon, style
        if step.status is StepStatus.RUNNING:
            icon = _SPINNER[int(at.timestamp() * _FRAMES_PER_SECOND) % len(_SPINNER)]
        return icon, style

    def _bar(self, at: datetime) -> RenderableType:
        progress = self._progress
        done, total = progress.ended_steps, progress.total
        style = "red" if progress.counts[StepStatus.FAILED] else "green"
        bar = ProgressBar(total=max(1, total), completed=done, width=_BAR, complete_style=style, finished_style=style)
        parts = [f"{done}/{total} steps"]
        parts.extend(f"{count} {status}" for status in _COUNTED if (count := progress.counts[status]))
        if progress.started_at is not None:
            parts.append(duration((progress.ended_at or at) - progress.started_at))
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(no_wrap=True)
        row.add_column(no_wrap=True, overflow="ellipsis")
        row.add_row(bar, Text(", ".join(parts)))
        return row


_ASCII = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-"})


def _time(step: StepProgress, at: datetime) -> str:
    if step.started_at is None:
        return ""
    return duration((step.ended_at or at) - step.started_at)


def _note(step: StepProgress, waits_for: str | None) -> Text:
    parts = [f"attempt {step.attempt}"] if step.attempt > 1 else []
    if note := step.note or waits_for:
        parts.append(plain(note))
    return Text(", ".join(parts), style="red" if step.status is StepStatus.FAILED else "bright_black")

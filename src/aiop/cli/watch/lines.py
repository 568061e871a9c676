"""The progress of an execution as plain lines, one for each event: for logs of other programs."""

from __future__ import annotations

from datetime import datetime
from typing import TextIO

from aiop.cli.text import duration, plain
from aiop.cli.watch.progress import Progress, StepProgress
from aiop.client import Event
from aiop.model.records import EventType
from aiop.model.state import StepStatus

__all__ = ["LineView"]


class LineView:
    """Writes a line for each event that says something to people."""

    def __init__(self, title: str, progress: Progress, out: TextIO) -> None:
        self._progress = progress
        self._out = out
        self._write(title)

    def apply(self, event: Event) -> None:
        """Take an event into account and write its line."""
        self._progress.apply(event)
        sentence = self._sentence(event)
        if sentence is not None:
            time = event.at.astimezone().strftime("%H:%M:%S") if event.at else "--:--:--"
            self._write(f"{time}  {sentence}")

    def _sentence(self, event: Event) -> str | None:
        step = self._progress.steps.get(event.data.get("step", ""))
        if step is not None:
            done = f"[{self._progress.ended_steps}/{self._progress.total}]"
            said = _of_step(event, step)
            return said and f"{done}  {step.id}: {said}"
        if event.type == EventType.EXECUTION_CANCEL_REQUESTED:
            return "cancel requested"
        if event.type == EventType.EXECUTION_FINISHED:
            took = _between(self._progress.started_at, self._progress.ended_at)
            error = f": {self._progress.error}" if self._progress.error else ""
            return f"execution {self._progress.status}{took}{error}"
        return None

    def _write(self, line: str) -> None:
        self._out.write(plain(line) + "\n")
        self._out.flush()


def _of_step(event: Event, step: StepProgress) -> str | None:
    if event.type == EventType.STEP_STARTED:
        return "started" if step.attempt <= 1 else f"started, attempt {step.attempt}"
    if event.type == EventType.STEP_WAITED:
        return f"waits: {step.note}"
    if event.type == EventType.STEP_RETRIED:
        return f"attempt {step.attempt} failed: {step.note}"
    if event.type not in (EventType.STEP_FINISHED, EventType.STEP_SKIPPED):
        return None
    note = f": {step.note}" if step.note else ""
    took = "" if step.status is StepStatus.SKIPPED else _between(step.started_at, step.ended_at)
    return f"{step.status}{took}{note}"


def _between(start: datetime | None, end: datetime | None) -> str:
    return "" if start is None or end is None else f" in {duration(end - start)}"

"""What is known of an execution while it runs, built from its events alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aiop.client import Event
from aiop.model.records import EventType
from aiop.model.state import ExecutionStatus, StepStatus, Waiting

__all__ = ["Progress", "StepProgress"]


@dataclass(frozen=True, slots=True)
class StepProgress:
    """How one step stands. ``note`` says why it waits, failed or was skipped."""

    id: str
    needs: tuple[str, ...] = ()
    status: StepStatus = StepStatus.PENDING
    attempt: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    note: str | None = None
    exit_code: int | None = None

    @property
    def notable(self) -> bool:
        """Whether it deserves a line where there is no room for all."""
        return self.status in (StepStatus.RUNNING, StepStatus.FAILED) or (
            self.status is StepStatus.PENDING and self.note is not None
        )


class Progress:
    """Takes events in order; taking one again changes nothing. Each costs the same, however many steps there are."""

    def __init__(self, steps: Iterable[StepProgress] = ()) -> None:
        self.steps = {step.id: step for step in steps}
        self.status = ExecutionStatus.PENDING
        self.error: str | None = None
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.cancelling = False
        self.counts = Counter(step.status for step in self.steps.values())
        self.notable = {step.id for step in self.steps.values() if step.notable}

    @property
    def total(self) -> int:
        """How many steps there are."""
        return len(self.steps)

    @property
    def ended_steps(self) -> int:
        """How many steps have ended, in whatever way."""
        return sum(count for status, count in self.counts.items() if status.ended)

    def waits_for(self, step: StepProgress) -> str | None:
        """Say which steps a pending one waits for; ``None`` if it waits for none."""
        if step.status is not StepStatus.PENDING:
            return None
        missing = [need for need in step.needs if need in self.steps and not self.steps[need].status.ended]
        return Waiting.for_steps(missing).detail if missing else None

    def apply(self, event: Event) -> None:
        """Take an event into account; one of an unknown type is passed over."""
        if (change := _STEP_CHANGES.get(event.type)) is not None:
            step = self.steps.get(event.data["step"]) or StepProgress(event.data["step"])
            self._set(change(step, event))
        elif event.type == EventType.EXECUTION_STARTED:
            self.status, self.started_at = ExecutionStatus.RUNNING, event.at
        elif event.type == EventType.EXECUTION_CANCEL_REQUESTED:
            self.cancelling = True
        elif event.type == EventType.EXECUTION_FINISHED:
            self.status, self.ended_at = ExecutionStatus(event.data["status"]), event.at
            self.error = _reason(event.data)

    def _set(self, step: StepProgress) -> None:
        if (before := self.steps.get(step.id)) is not None:
            self.counts[before.status] -= 1
        self.steps[step.id] = step
        self.counts[step.status] += 1
        (self.notable.add if step.notable else self.notable.discard)(step.id)


def _started(step: StepProgress, event: Event) -> StepProgress:
    attempt = event.data.get("attempt", 1)
    started = step.started_at or event.at
    return replace(step, status=StepStatus.RUNNING, attempt=attempt, started_at=started, ended_at=None, note=None)


def _waited(step: StepProgress, event: Event) -> StepProgress:
    return replace(step, note=event.data.get("detail") or event.data.get("code"))


def _retried(step: StepProgress, event: Event) -> StepProgress:
    note = ", ".join(part for part in (_reason(event.data), event.data.get("detail")) if part)
    return replace(step, status=StepStatus.PENDING, attempt=event.data.get("attempt", step.attempt), note=note)


def _ended(step: StepProgress, event: Event) -> StepProgress:
    status = StepStatus(event.data["status"])
    note = _reason(event.data)
    if status is StepStatus.COMPLETED:
        note = "cached" if event.data.get("cached") else None
    exit_code = event.data.get("exit_code")
    return replace(step, status=status, ended_at=event.at, note=note, exit_code=exit_code)


def _reason(data: Mapping[str, Any]) -> str | None:
    return data.get("error") or data.get("reason")


_STEP_CHANGES: Mapping[str, Callable[[StepProgress, Event], StepProgress]] = {
    EventType.STEP_STARTED: _started,
    EventType.STEP_WAITED: _waited,
    EventType.STEP_RETRIED: _retried,
    EventType.STEP_SKIPPED: _ended,
    EventType.STEP_FINISHED: _ended,
}

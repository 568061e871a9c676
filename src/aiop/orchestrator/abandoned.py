"""What is written of an execution that no runner can run. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aiop.interfaces import Changes, ExecutionChange
from aiop.model.records import Event, EventType, ExecutionRecord
from aiop.model.state import ExecutionStatus, Reason, StepStatus

__all__ = ["abandoned"]


def abandoned(record: ExecutionRecord, *, reason: Reason, error: str, now: datetime) -> Changes:
    """End the execution, with every step and attempt that is recorded as under way: nothing may stay open in it.

    What runs on an engine is an orphan then, and goes with the next sweep.
    """
    outcome = ExecutionStatus.CANCELLED if reason is Reason.CANCELLED else ExecutionStatus.FAILED
    changes = Changes(execution=ExecutionChange(outcome, record.summary.started_at, now, None, reason, error))
    number = record.last_event
    for step in record.summary.steps:
        if step.status.ended:
            continue
        status = StepStatus.CANCELLED if step.status is StepStatus.RUNNING else StepStatus.SKIPPED
        changes.steps.append(
            replace(step, status=status, completed_at=now, reason=reason, error=error, waiting=None, sealed=None)
        )
        number += 1
        kind = EventType.STEP_SKIPPED if status is StepStatus.SKIPPED else EventType.STEP_FINISHED
        data = {"step": step.step, "status": status, "reason": reason, "error": error}
        changes.events.append(Event(number, kind, now, data))
    changes.attempts.extend(
        replace(attempt, status=StepStatus.CANCELLED, completed_at=now, reason=reason, error=error)
        for attempt in record.attempts
        if not attempt.status.ended
    )
    data = {"status": outcome, "reason": reason, "error": error}
    changes.events.append(Event(number + 1, EventType.EXECUTION_FINISHED, now, data))
    return changes

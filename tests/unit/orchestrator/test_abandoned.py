"""An execution that no runner can run ends whole."""

from datetime import UTC, datetime, timedelta

from aiop.model.ids import StepId
from aiop.model.records import AttemptRecord, ExecutionRecord, ExecutionSummary, StepRecord
from aiop.model.state import ExecutionStatus, Reason, StepStatus, WaitCode, Waiting
from aiop.orchestrator.abandoned import abandoned

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


def test_whatever_was_open_is_closed_and_what_had_ended_stays():
    steps = (
        StepRecord(StepId("done"), StepStatus.COMPLETED, attempt=1, outputs={"result": "x"}),
        StepRecord(StepId("runs"), StepStatus.RUNNING, attempt=2, sealed=b"secret"),
        StepRecord(StepId("waits"), StepStatus.PENDING, attempt=1, waiting=Waiting(WaitCode.RETRY_BACKOFF, "soon")),
    )
    attempts = (
        AttemptRecord(StepId("runs"), 0, 1, StepStatus.FAILED),
        AttemptRecord(StepId("runs"), 0, 2, StepStatus.RUNNING),
    )
    summary = ExecutionSummary("e", "w", "v", ExecutionStatus.RUNNING, {}, NOW, started_at=NOW, steps=steps)
    record = ExecutionRecord(summary, "{}", {}, None, attempts, last_event=7, last_batch=3)
    later = NOW + timedelta(minutes=1)

    changes = abandoned(record, reason=Reason.INTERNAL, error="why", now=later)

    assert changes.execution.status is ExecutionStatus.FAILED
    assert (changes.execution.started_at, changes.execution.completed_at) == (NOW, later)
    closed = {
        step.step: (step.status, step.reason, step.completed_at, step.waiting, step.sealed) for step in changes.steps
    }
    assert closed == {
        "runs": (StepStatus.CANCELLED, Reason.INTERNAL, later, None, None),
        "waits": (StepStatus.SKIPPED, Reason.INTERNAL, later, None, None),
    }
    assert [(attempt.attempt, attempt.status) for attempt in changes.attempts] == [(2, StepStatus.CANCELLED)]
    assert [(event.seq, event.type) for event in changes.events] == [
        (8, "StepFinished"),
        (9, "StepSkipped"),
        (10, "ExecutionFinished"),
    ]

"""An ended execution as the spans of a trace, by the semantic conventions for CI/CD. Pure.

execution ─┬─ queue
└─ step ── attempt ─┬─ queue     from the moment when it could begin: place, image, engine
└─ run       its container
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiop.interfaces import TracedExecution, TracedStep
from aiop.model.ids import StepKey
from aiop.model.records import AttemptRecord
from aiop.model.state import ExecutionStatus, Reason, StepStatus
from aiop.model.trace import TraceContext, attempt_span, context_of, part_span, step_span

__all__ = ["Span", "caller_of", "execution_spans", "step_spans"]

Attribute = str | int | bool


@dataclass(frozen=True, slots=True)
class Span:
    """One span. ``parent`` is the id of another one, in this trace; ``error`` is set if it failed."""

    name: str
    context: TraceContext
    parent: str | None
    start: datetime
    end: datetime
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    error: str | None = None
    of_caller: bool = False
    """Whether the parent is in another service."""


_RESULTS: Mapping[str, str] = {
    "completed": "success",
    "failed": "failure",
    "cancelled": "cancellation",
    "skipped": "skip",
}
_TIMEOUTS = frozenset({Reason.TIMEOUT, Reason.EXECUTION_TIMEOUT})
_FAULTS = frozenset({Reason.ENGINE_LOST, Reason.IMAGE_PULL, Reason.START_FAILED, Reason.INTERNAL})


def caller_of(execution: TracedExecution) -> TraceContext | None:
    """Return where the caller of ``execute`` was, if it said so."""
    return TraceContext.parse(execution.options.get("traceparent"), execution.options.get("tracestate"))


def execution_spans(execution: TracedExecution) -> Iterator[Span]:
    """Yield the span of an execution and that of its wait."""
    caller = caller_of(execution)
    own = context_of(execution.id, caller)
    name = execution.name
    attributes: dict[str, Attribute] = {
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.run.id": execution.id,
        "cicd.pipeline.result": _result(execution.status, execution.reason),
    }
    known = {
        "cicd.pipeline.name": name,
        "aiop.workflow.id": execution.workflow_id,
        "aiop.pipeline.id": execution.pipeline_id,
    }
    attributes |= {key: value for key, value in known.items() if value is not None}
    yield Span(
        f"RUN {name}" if name else "RUN",
        own,
        caller.span_id if caller else None,
        execution.created_at,
        max(execution.created_at, execution.completed_at),
        attributes | _error_type(execution.status, execution.reason),
        _error(execution.status, execution.error),
        of_caller=caller is not None,
    )
    began = execution.started_at or execution.completed_at
    yield _part("queue", own, execution.created_at, began)


def step_spans(execution: TracedExecution, steps: Iterable[TracedStep]) -> Iterator[Span]:
    """Yield the spans of steps, their attempts, and the parts of these."""
    trace = context_of(execution.id, caller_of(execution))
    for step in steps:
        yield from _step_spans(execution, trace, step)


def _step_spans(execution: TracedExecution, trace: TraceContext, step: TracedStep) -> Iterator[Span]:
    record = step.record
    own = trace.at(step_span(execution.id, record.step, record.index))
    end = record.completed_at or execution.completed_at
    starts = [start for attempt in step.attempts if (start := attempt.ready_at or attempt.started_at) is not None]
    start = min([*starts, end])
    # What had not ended when its execution was ended from outside ended with it.
    status = record.status if record.status.ended else StepStatus.CANCELLED
    attributes: dict[str, Attribute] = {
        "cicd.pipeline.task.name": record.step,
        "cicd.pipeline.task.run.id": f"{execution.id}/{record.step}/{record.index}",
        "cicd.pipeline.task.run.result": _result(status, record.reason),
        "cicd.pipeline.run.id": execution.id,
        "aiop.step.attempts": len(step.attempts),
        "aiop.step.cached": record.cached,
    }
    yield Span(
        record.step,
        own,
        trace.span_id,
        start,
        end,
        attributes | _error_type(status, record.reason),
        _error(status, record.error),
    )
    for attempt in step.attempts:
        yield from _attempt_spans(execution, own, attempt, end)


def _attempt_spans(
    execution: TracedExecution, step: TraceContext, attempt: AttemptRecord, step_end: datetime
) -> Iterator[Span]:
    key = StepKey(execution.id, attempt.step, attempt.index, attempt.attempt)
    own = step.at(attempt_span(key))
    end = attempt.completed_at or step_end
    start = min(filter(None, (attempt.ready_at, attempt.started_at, end)))
    status = attempt.status if attempt.status.ended else StepStatus.CANCELLED
    attributes: dict[str, Attribute] = {
        "container.name": key.name,
        "aiop.attempt.number": attempt.attempt,
        "aiop.attempt.infrastructure_fault": attempt.infrastructure,
    }
    if attempt.image_digest is not None:
        attributes["oci.manifest.digest"] = attempt.image_digest
    if attempt.exit_code is not None:
        attributes["process.exit.code"] = attempt.exit_code
    yield Span(
        f"attempt {attempt.attempt}",
        own,
        step.span_id,
        start,
        end,
        attributes | _error_type(status, attempt.reason),
        _error(status, attempt.error),
    )
    yield _part("queue", own, start, attempt.started_at or end)
    if attempt.started_at is not None:
        yield _part("run", own, attempt.started_at, end)


def _part(name: str, whole: TraceContext, start: datetime, end: datetime) -> Span:
    return Span(name, whole.at(part_span(whole.span_id, name)), whole.span_id, start, max(start, end))


def _result(status: ExecutionStatus | StepStatus, reason: Reason | None) -> str:
    if status.value == "failed" and reason in _TIMEOUTS:
        return "timeout"
    if status.value == "failed" and reason in _FAULTS:
        return "error"
    return _RESULTS[status.value]


def _error_type(status: ExecutionStatus | StepStatus, reason: Reason | None) -> dict[str, Attribute]:
    return {"error.type": reason.value} if status.value == "failed" and reason is not None else {}


def _error(status: ExecutionStatus | StepStatus, error: str | None) -> str | None:
    return (error or "failed") if status.value == "failed" else None

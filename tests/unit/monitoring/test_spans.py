"""An ended execution as a trace."""

from datetime import UTC, datetime, timedelta

from aiop.interfaces import TracedExecution, TracedStep
from aiop.model.ids import ExecutionId, PipelineId, StepId, StepKey, WorkflowId
from aiop.model.records import AttemptRecord, StepRecord
from aiop.model.state import ExecutionStatus, Reason, StepStatus
from aiop.model.trace import attempt_span, execution_span, step_span
from aiop.monitoring.spans import Span, execution_spans, step_spans

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
ID = ExecutionId("01a20c51-96d8-76c5-8219-374c9e9b5d79")
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def execution(status=ExecutionStatus.COMPLETED, **changes) -> TracedExecution:
    values = {
        "id": ID,
        "workflow_id": WorkflowId("w"),
        "pipeline_id": None,
        "name": "words",
        "status": status,
        "reason": None,
        "error": None,
        "created_at": at(0),
        "started_at": at(1),
        "completed_at": at(9),
        "options": {},
    }
    return TracedExecution(**values | changes)


def attempt(number: int, status: StepStatus, ready, started, ended, **changes) -> AttemptRecord:
    times = {"ready_at": ready, "started_at": started, "completed_at": ended}
    times = {name: None if value is None else at(value) for name, value in times.items()}
    return AttemptRecord(StepId("a"), 0, number, status, **times, **changes)


def step(status: StepStatus, *attempts: AttemptRecord, ended: float | None = 8, **changes) -> TracedStep:
    end = None if ended is None else at(ended)
    return TracedStep(StepRecord(StepId("a"), status, completed_at=end, **changes), attempts)


def spans_of(*steps: TracedStep, of: TracedExecution | None = None) -> dict[str, Span]:
    return {span.context.span_id: span for span in step_spans(of or execution(), steps)}


def times(span: Span) -> tuple[float, float]:
    return (span.start - NOON).total_seconds(), (span.end - NOON).total_seconds()


def test_an_execution_and_its_wait():
    whole, queue = execution_spans(execution())
    assert (whole.name, whole.parent, times(whole), whole.error) == ("RUN words", None, (0, 9), None)
    assert (queue.name, queue.parent, times(queue)) == ("queue", whole.context.span_id, (0, 1))
    assert whole.context.trace_id == ID.replace("-", "")
    assert whole.attributes["cicd.pipeline.run.id"] == ID
    assert (whole.attributes["cicd.pipeline.name"], whole.attributes["aiop.workflow.id"]) == ("words", "w")
    assert whole.attributes["cicd.pipeline.result"] == "success"
    assert "error.type" not in whole.attributes


def test_an_execution_is_a_child_of_its_caller():
    whole, queue = execution_spans(execution(options={"traceparent": CALLER, "tracestate": "a=b"}))
    assert (whole.parent, whole.of_caller, queue.of_caller) == ("00f067aa0ba902b7", True, False)
    steps = spans_of(step(StepStatus.SKIPPED), of=execution(options={"traceparent": CALLER}))
    for span in (whole, queue, *steps.values()):
        assert span.context.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert whole.context.state == "a=b"


def test_an_execution_of_a_pipeline_says_so():
    whole, _ = execution_spans(execution(workflow_id=None, pipeline_id=PipelineId("p")))
    assert whole.attributes["aiop.pipeline.id"] == "p"
    assert "aiop.workflow.id" not in whole.attributes


def test_results_are_those_of_the_conventions():
    for status, reason, result in (
        (ExecutionStatus.FAILED, Reason.STEP_FAILED, "failure"),
        (ExecutionStatus.FAILED, Reason.EXECUTION_TIMEOUT, "timeout"),
        (ExecutionStatus.FAILED, Reason.INTERNAL, "error"),
        (ExecutionStatus.CANCELLED, Reason.CANCELLED, "cancellation"),
    ):
        whole, _ = execution_spans(execution(status, reason=reason, error="a sentence"))
        assert whole.attributes["cicd.pipeline.result"] == result
        failed = status is ExecutionStatus.FAILED
        assert whole.error == ("a sentence" if failed else None)
        assert whole.attributes.get("error.type") == (reason.value if failed else None)


def test_one_that_was_cancelled_before_it_began_has_waited_to_its_end():
    whole, queue = execution_spans(execution(ExecutionStatus.CANCELLED, started_at=None, name=None))
    assert whole.name == "RUN"
    assert "cicd.pipeline.name" not in whole.attributes
    assert times(queue) == (0, 9)


def test_a_step_holds_its_attempts_and_each_its_wait_and_its_run():
    first = attempt(1, StepStatus.FAILED, 1, 2, 3, exit_code=7, reason=Reason.EXIT_CODE, error="exit code 7")
    second = attempt(2, StepStatus.COMPLETED, 5, 6, 8, exit_code=0, image_digest="sha256:0")
    spans = spans_of(step(StepStatus.COMPLETED, first, second))
    whole = spans[step_span(ID, StepId("a"), 0)]
    assert (whole.name, whole.parent, times(whole), whole.error) == ("a", execution_span(ID), (1, 8), None)
    assert whole.attributes["aiop.step.attempts"] == 2
    for number, error, (begin, start, end) in ((1, "exit code 7", (1, 2, 3)), (2, None, (5, 6, 8))):
        key = StepKey(ID, StepId("a"), 0, number)
        own = spans[attempt_span(key)]
        assert (own.parent, times(own), own.error) == (whole.context.span_id, (begin, end), error)
        assert own.attributes["container.name"] == key.name
        parts = {span.name: times(span) for span in spans.values() if span.parent == own.context.span_id}
        assert parts == {"queue": (begin, start), "run": (start, end)}
    assert spans[attempt_span(StepKey(ID, StepId("a"), 0, 1))].attributes["process.exit.code"] == 7
    assert spans[attempt_span(StepKey(ID, StepId("a"), 0, 2))].attributes["oci.manifest.digest"] == "sha256:0"
    assert len(spans) == 7


def test_an_attempt_whose_container_was_never_started_has_only_waited():
    failed = attempt(1, StepStatus.FAILED, 1, None, 4, reason=Reason.IMAGE_PULL, error="no such image")
    spans = spans_of(step(StepStatus.FAILED, failed, ended=4, reason=Reason.IMAGE_PULL, error="no such image"))
    assert sorted(span.name for span in spans.values()) == ["a", "attempt 1", "queue"]
    whole = spans[step_span(ID, StepId("a"), 0)]
    assert whole.attributes["cicd.pipeline.task.run.result"] == "error"
    assert times(whole) == (1, 4)


def test_a_step_that_was_skipped_is_a_moment():
    [span] = spans_of(step(StepStatus.SKIPPED, ended=5, reason=Reason.UPSTREAM_FAILED)).values()
    assert (times(span), span.error) == ((5, 5), None)
    assert span.attributes["cicd.pipeline.task.run.result"] == "skip"


def test_what_was_under_way_when_its_execution_was_ended_from_outside_ends_with_it():
    spans = spans_of(step(StepStatus.RUNNING, attempt(1, StepStatus.RUNNING, 1, 2, None), ended=None))
    assert {times(span) for span in spans.values()} == {(1, 9), (1, 2), (2, 9)}
    whole = spans[step_span(ID, StepId("a"), 0)]
    assert whole.attributes["cicd.pipeline.task.run.result"] == "cancellation"


def test_no_span_ends_before_it_starts_though_two_clocks_disagree():
    odd = attempt(1, StepStatus.COMPLETED, 5, 4, 3)
    for span in spans_of(step(StepStatus.COMPLETED, odd, ended=3)).values():
        assert span.start <= span.end

"""W3C trace contexts, and ids that follow from what is stored."""

import pytest

from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.trace import TraceContext, attempt_span, context_of, execution_span, part_span, step_span

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
EXECUTION = ExecutionId("01a20c51-96d8-76c5-8219-374c9e9b5d79")


def test_a_context_is_read_and_written():
    context = TraceContext.parse(f" 00-{TRACE}-{SPAN}-01 ", "vendor=1,other=2")
    assert context == TraceContext(TRACE, SPAN, 1, "vendor=1,other=2")
    assert context.sampled
    assert context.traceparent == f"00-{TRACE}-{SPAN}-01"
    unsampled = TraceContext.parse(f"00-{TRACE}-{SPAN}-00")
    assert unsampled is not None
    assert not unsampled.sampled


def test_a_later_version_is_read_as_far_as_it_is_known():
    assert TraceContext.parse(f"cc-{TRACE}-{SPAN}-09-what-the-future-brings") == TraceContext(TRACE, SPAN, 1)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
    ],
)
def test_what_is_no_context_is_none(header):
    assert TraceContext.parse(header) is None


@pytest.mark.parametrize("state", ["", "x" * 513, "a\nb", "é"])
def test_a_state_that_cannot_be_passed_on_is_dropped(state):
    assert TraceContext.parse(f"00-{TRACE}-{SPAN}-01", state) == TraceContext(TRACE, SPAN)


def test_an_execution_has_a_trace_by_its_own_id_or_is_in_that_of_its_caller():
    own = context_of(EXECUTION, None)
    assert own.trace_id == EXECUTION.replace("-", "")
    assert own.sampled
    caller = TraceContext(TRACE, SPAN, 0, "a=b")
    assert context_of(EXECUTION, caller) == TraceContext(TRACE, execution_span(EXECUTION), 0, "a=b")
    assert TraceContext.parse(own.traceparent) == own


def test_ids_are_different_for_different_things_and_the_same_each_time():
    key = StepKey(EXECUTION, StepId("a"))
    spans = [
        execution_span(EXECUTION),
        execution_span(ExecutionId("x")),
        step_span(EXECUTION, StepId("a"), 0),
        step_span(EXECUTION, StepId("a"), 1),
        attempt_span(key),
        attempt_span(StepKey(EXECUTION, StepId("a"), 0, 2)),
        part_span(attempt_span(key), "run"),
        part_span(attempt_span(key), "queue"),
    ]
    assert len(set(spans)) == len(spans)
    assert all(len(span) == 16 and int(span, 16) for span in spans)
    assert attempt_span(key) == "ebe160c5a6bacdc4", "an id that changes with a release cuts traces in two"

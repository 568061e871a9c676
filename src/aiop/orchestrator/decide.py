"""Decides what happens next in one execution. Pure: facts go in, decisions come out, nothing is awaited or read.

``Board`` is the state of an execution as far as deciding needs it. Each fact costs work in proportion to what it
changes (a step and its children), never to the size of the graph. The same facts in the same order give the same
decisions, up to the jitter of retries, so an execution that is replayed after a crash ends as it would have.

Nodes are the dense numbers that ``Graph`` gives to steps.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never

from aiop.model.ids import StepId
from aiop.model.state import ExecutionStatus, Reason, StepStatus
from aiop.orchestrator.result import AttemptResult
from aiop.orchestrator.retry import INFRASTRUCTURE, next_delay, retryable
from aiop.spec import ConditionError, Plan, Scope, StepResult

__all__ = [
    "REQUESTS",
    "AttemptEnded",
    "BackoffElapsed",
    "Began",
    "Board",
    "Decision",
    "DelayAttempt",
    "EndExecution",
    "EndRequested",
    "EndStep",
    "Fact",
    "Node",
    "Restored",
    "StartAttempt",
    "StopAttempt",
    "decide",
]

Node = int

REQUESTS = frozenset({Reason.CANCELLED, Reason.EXECUTION_TIMEOUT, Reason.AGENT_DELETED})
"""Reasons for which an execution is made to end."""


@dataclass(frozen=True, slots=True)
class Began:
    """The execution is taken up, for the first time or again."""


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """The attempt under way at ``node`` has ended."""

    node: Node
    result: AttemptResult


@dataclass(frozen=True, slots=True)
class BackoffElapsed:
    """The pause before the next attempt at ``node`` is over."""

    node: Node


@dataclass(frozen=True, slots=True)
class EndRequested:
    """The execution is to end now: cancelled, out of time, or its agent was deleted."""

    reason: Reason
    error: str | None = None


_WOUND_DOWN_FOR = {
    Reason.CANCELLED: "the execution was cancelled",
    Reason.FAIL_FAST: "another step failed",
    Reason.EXECUTION_TIMEOUT: "the execution is out of time",
    Reason.AGENT_DELETED: "its agent was deleted",
}
_ENDED_FOR = {Reason.TIMEOUT: "timed out", Reason.AGENT_DELETED: "its agent was deleted"}

Fact = Began | AttemptEnded | BackoffElapsed | EndRequested


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Run (or adopt) this attempt."""

    node: Node
    attempt: int


@dataclass(frozen=True, slots=True)
class DelayAttempt:
    """Run ``attempt`` after ``delay``, then tell ``BackoffElapsed``; ``failed`` is the one before, if it is news.

    ``elsewhere``: not where the one before was, whose engine is lost.
    """

    node: Node
    attempt: int
    delay: timedelta
    failed: AttemptResult | None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class StopAttempt:
    """End the attempt under way; its ``AttemptEnded`` follows."""

    node: Node
    reason: Reason


@dataclass(frozen=True, slots=True)
class EndStep:
    """The step has its final state. ``result`` is that of its last attempt, if one was made."""

    node: Node
    status: StepStatus
    reason: Reason | None = None
    error: str | None = None
    result: AttemptResult | None = None


@dataclass(frozen=True, slots=True)
class EndExecution:
    """Every step has ended."""

    status: ExecutionStatus
    reason: Reason | None = None
    error: str | None = None


Decision = StartAttempt | DelayAttempt | StopAttempt | EndStep | EndExecution


@dataclass(frozen=True, slots=True)
class Restored:
    """What the store knew of one step when the execution was taken up again."""

    status: StepStatus
    reason: Reason | None
    error: str | None
    attempt: int
    counted: int
    infrastructure: int
    delay: timedelta | None
    """Rest of the pause before ``attempt``; ``None`` if that attempt is under way."""


@dataclass(slots=True)
class _Progress:
    status: StepStatus = StepStatus.PENDING
    satisfies: bool = False
    attempt: int = 0
    counted: int = 0
    infrastructure: int = 0
    delay: timedelta | None = None
    under_way: bool = False


@dataclass(slots=True)
class Board:
    """The state of one execution."""

    plan: Plan
    scope: Scope
    results: dict[StepId, StepResult]
    """Those of the steps that have ended; what ``scope.steps`` shows to templates and conditions."""
    rng: random.Random
    infrastructure_attempts: int = 5
    progress: list[_Progress] = field(init=False)
    blockers: list[int] = field(init=False)
    failed_dependencies: list[int] = field(init=False)
    open: int = field(init=False)
    ending: Reason | None = field(default=None, init=False)
    """Why no further attempt is made: an end was requested, or a step failed under ``fail_fast``."""
    requested: EndRequested | None = field(default=None, init=False)
    first_failure: str | None = field(default=None, init=False)
    cut_short: Reason | None = field(default=None, init=False)
    """The request that has kept a step from its own end."""
    ended: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        count = len(self.plan.definition.steps)
        self.progress = [_Progress() for _ in range(count)]
        self.blockers = self.plan.graph.dependency_counts
        self.failed_dependencies = [0] * count
        self.open = count

    def restore(self, steps: Iterable[tuple[Node, Restored]]) -> None:
        """Set what the store knew, before ``Began``."""
        for node, known in steps:
            progress = self.progress[node]
            progress.attempt = known.attempt
            progress.counted = known.counted
            progress.infrastructure = known.infrastructure
            progress.delay = known.delay
            if known.status.ended:
                self._close(node, known.status, known.reason, known.error)

    def _close(self, node: Node, status: StepStatus, reason: Reason | None, error: str | None) -> None:
        """Book the end of a step and what it means for those that wait for it."""
        step = self.plan.definition.steps[node]
        progress = self.progress[node]
        progress.status = status
        progress.under_way = False
        progress.satisfies = (
            status is StepStatus.COMPLETED
            or (status is StepStatus.SKIPPED and reason is Reason.WHEN_FALSE)
            or (status is StepStatus.FAILED and step.continue_on_error)
        )
        self.open -= 1
        if status is StepStatus.FAILED and not step.continue_on_error:
            if self.first_failure is None:
                self.first_failure = f"step {step.id!r} failed" + (f": {error}" if error else "")
            if self.plan.definition.fail_fast and self.ending is None:
                self.ending = Reason.FAIL_FAST
        elif reason in REQUESTS and status in (StepStatus.CANCELLED, StepStatus.SKIPPED):
            self.cut_short = self.cut_short or reason
        for child in self.plan.graph.children[node]:
            self.blockers[child] -= 1
            if not progress.satisfies:
                self.failed_dependencies[child] += 1


def decide(board: Board, fact: Fact) -> list[Decision]:
    """Take one fact into the board and return what follows, in the order in which it is to be done."""
    decisions: list[Decision] = []
    match fact:
        case Began():
            ready = _begin(board, decisions)
        case AttemptEnded(node, result):
            ready = _attempt_ended(board, node, result, decisions)
        case BackoffElapsed(node):
            ready = ()
            progress = board.progress[node]
            if progress.delay is not None and not progress.status.ended:
                progress.delay = None
                decisions.append(_start(board, node))
        case EndRequested(reason):
            ready = ()
            if not board.ended and board.requested is None:
                board.requested = fact
                board.ending = reason
                _wind_down(board, decisions)
        case _:
            assert_never(fact)
    _advance(board, deque(ready), decisions)
    _conclude(board, decisions)
    return decisions


def _begin(board: Board, decisions: list[Decision]) -> Iterable[Node]:
    """Go on with what was under way; what was never begun is ready if nothing blocks it."""
    ready = []
    for node, progress in enumerate(board.progress):
        if progress.status.ended:
            continue
        if progress.attempt == 0:
            if board.blockers[node] == 0:
                ready.append(node)
        elif progress.delay is not None:
            # The attempt before this one is on record; its result is not needed again.
            decisions.append(DelayAttempt(node, progress.attempt, progress.delay, None))
        else:
            progress.status = StepStatus.RUNNING
            progress.under_way = True
            decisions.append(StartAttempt(node, progress.attempt))
    if board.ending is not None:
        _wind_down(board, decisions)
    return ready


def _attempt_ended(board: Board, node: Node, result: AttemptResult, decisions: list[Decision]) -> Iterable[Node]:
    step = board.plan.definition.steps[node]
    progress = board.progress[node]
    progress.under_way = False
    if result.infrastructure:
        progress.infrastructure += 1
    else:
        progress.counted += 1
    if result.status is StepStatus.FAILED and board.ending is None:
        elsewhere = result.final and result.reason is Reason.ENGINE_LOST and Reason.ENGINE_LOST in step.retry.on
        again = result.infrastructure and (elsewhere or not result.final)
        if again and progress.infrastructure <= board.infrastructure_attempts:
            delay = next_delay(INFRASTRUCTURE, progress.infrastructure, board.rng)
        elif result.reason and retryable(step.retry, result.reason, result.exit_code, attempts=progress.counted):
            delay = next_delay(step.retry, progress.counted, board.rng)
        else:
            return _end(board, node, result.status, result.reason, result.error, result, decisions)
        progress.status = StepStatus.PENDING
        progress.attempt += 1
        progress.delay = delay
        decisions.append(DelayAttempt(node, progress.attempt, delay, result, elsewhere))
        return ()
    return _end(board, node, result.status, result.reason, result.error, result, decisions)


def _end(
    board: Board,
    node: Node,
    status: StepStatus,
    reason: Reason | None,
    error: str | None,
    result: AttemptResult | None,
    decisions: list[Decision],
) -> Iterable[Node]:
    """End a step; returns the children that nothing blocks any more."""
    was_ending = board.ending
    exit_code, outputs = (result.exit_code, result.outputs) if result else (None, {})
    board.results[board.plan.graph.ids[node]] = StepResult(status, exit_code, outputs)
    board._close(node, status, reason, error)  # noqa: SLF001 - decide is the board's other half
    decisions.append(EndStep(node, status, reason, error, result))
    if board.ending is not None:
        if was_ending is None:
            _wind_down(board, decisions)
        return ()
    return (child for child in board.plan.graph.children[node] if board.blockers[child] == 0)


def _advance(board: Board, ready: deque[Node], decisions: list[Decision]) -> None:
    """Start or skip what is ready. A loop and not a recursion: skips run along chains of any length."""
    while ready and board.ending is None:
        node = ready.popleft()
        progress = board.progress[node]
        if progress.status.ended or progress.under_way:
            continue
        condition = board.plan.steps[node].condition
        failed = board.failed_dependencies[node] > 0
        if failed and (condition is None or not condition.handles_failure):
            error = f"dependency {_culprit(board, node)!r} did not complete"
            ready.extend(_end(board, node, StepStatus.SKIPPED, Reason.UPSTREAM_FAILED, error, None, decisions))
            continue
        if condition is not None:
            try:
                holds = condition.evaluate(board.scope, dependencies_succeeded=not failed, dependency_failed=failed)
            except ConditionError as error:
                ready.extend(_end(board, node, StepStatus.FAILED, Reason.CONDITION, str(error), None, decisions))
                continue
            if not holds:
                why = f"its condition is false: {condition.text}"
                ready.extend(_end(board, node, StepStatus.SKIPPED, Reason.WHEN_FALSE, why, None, decisions))
                continue
        progress.attempt = 1
        decisions.append(_start(board, node))


def _culprit(board: Board, node: Node) -> str:
    graph = board.plan.graph
    return next(graph.ids[parent] for parent in graph.parents[node] if not board.progress[parent].satisfies)


def _start(board: Board, node: Node) -> StartAttempt:
    progress = board.progress[node]
    progress.status = StepStatus.RUNNING
    progress.under_way = True
    return StartAttempt(node, progress.attempt)


def _wind_down(board: Board, decisions: list[Decision]) -> None:
    """End all that waits and stop all that runs. Once for an execution, so it may look at every step."""
    reason = board.ending
    assert reason is not None  # noqa: S101 - only called once it is set
    idle = StepStatus.CANCELLED if reason is Reason.CANCELLED else StepStatus.SKIPPED
    for node, progress in enumerate(board.progress):
        if progress.status.ended:
            continue
        if progress.under_way:
            decisions.append(StopAttempt(node, reason))
        else:
            progress.delay = None
            board.results[board.plan.graph.ids[node]] = StepResult(idle)
            error = f"not {'tried again' if progress.attempt else 'started'}: {_WOUND_DOWN_FOR[reason]}"
            board._close(node, idle, reason, error)  # noqa: SLF001
            decisions.append(EndStep(node, idle, reason, error))


def _conclude(board: Board, decisions: list[Decision]) -> None:
    if board.open or board.ended:
        return
    board.ended = True
    if board.cut_short is Reason.CANCELLED:
        decisions.append(EndExecution(ExecutionStatus.CANCELLED, Reason.CANCELLED, "cancelled on request"))
    elif board.cut_short is not None:
        reason = Reason.TIMEOUT if board.cut_short is Reason.EXECUTION_TIMEOUT else board.cut_short
        # After a restart the request may not have come again yet.
        error = board.requested.error if board.requested else None
        decisions.append(EndExecution(ExecutionStatus.FAILED, reason, error or _ENDED_FOR[reason]))
    elif board.first_failure is not None:
        decisions.append(EndExecution(ExecutionStatus.FAILED, Reason.STEP_FAILED, board.first_failure))
    else:
        decisions.append(EndExecution(ExecutionStatus.COMPLETED))

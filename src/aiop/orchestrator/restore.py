"""From stored records to the state that ``decide`` goes on from. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from aiop.model.ids import StepId
from aiop.model.records import AttemptRecord, ExecutionRecord, StepRecord
from aiop.orchestrator.decide import Node, Restored
from aiop.spec import Plan

__all__ = ["ReadyTimes", "restored_steps"]


def restored_steps(plan: Plan, record: ExecutionRecord, now: datetime) -> Iterator[tuple[Node, Restored]]:
    """Yield what is known of each step that was begun."""
    attempts: defaultdict[StepId, list[AttemptRecord]] = defaultdict(list)
    for attempt in record.attempts:
        attempts[attempt.step].append(attempt)
    for step in record.summary.steps:
        node = plan.graph.index.get(step.step)
        if node is not None:
            yield node, _restored(step, sorted(attempts[step.step], key=lambda each: each.attempt), now)


class ReadyTimes:
    """Since when attempts could begin of an execution that is taken up again, by what is stored."""

    def __init__(self, record: ExecutionRecord, plan: Plan) -> None:
        self._graph = plan.graph
        self._started = record.summary.started_at
        self._ended = {step.step: step.completed_at for step in record.summary.steps}
        self._retries = {(each.step, each.attempt): each.retry_at for each in record.attempts}

    def of(self, node: Node, attempt: int) -> datetime | None:
        """Return when the last thing that it waited for had come; ``None`` if the execution has not begun."""
        ids = self._graph.ids
        ended = (self._ended.get(ids[parent]) for parent in self._graph.parents[node])
        return max(filter(None, (self._started, self._retries.get((ids[node], attempt - 1)), *ended)), default=None)


def _restored(step: StepRecord, attempts: list[AttemptRecord], now: datetime) -> Restored:
    ended = [attempt for attempt in attempts if attempt.status.ended]
    number = attempts[-1].attempt if attempts else 0
    delay: timedelta | None = None
    if attempts and attempts[-1].status.ended and not step.status.ended:
        # The newest attempt is over, so the one after it is what is waited for.
        number += 1
        delay = max((attempts[-1].retry_at or now) - now, timedelta(0))
    infrastructure = sum(attempt.infrastructure for attempt in ended)
    return Restored(step.status, step.reason, step.error, number, len(ended) - infrastructure, infrastructure, delay)

"""Tells of ended executions as traces, from what is stored.

An end makes its trace due in the same transaction, so none is forgotten, whatever dies. Nothing of this is on the way
of an execution: spans are made after the end, a page of steps at a time, and sent by a thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from aiop.errors import NotFound, StorageUnavailable
from aiop.interfaces import WORK, Bus, Clock, DueTrace, TraceStore
from aiop.model.ids import ExecutionId, StepId
from aiop.monitoring.spans import Span, caller_of, execution_spans, step_spans

__all__ = ["Sender", "Tracing"]

LOOK_PERIOD = timedelta(seconds=5)
GATHER_PERIOD = timedelta(seconds=1)
"""How long it waits after a wake, so that many ends make few batches."""
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=1)
PATIENCE = timedelta(days=1)
"""A trace that could not be sent for so long is given up."""
DUE_AT_ONCE = 100
STEPS_AT_ONCE = 100
BATCH = 256
"""Spans for one request."""

log = structlog.get_logger()


class Sender(Protocol):
    """Where spans go."""

    async def send(self, spans: Sequence[Span]) -> bool:
        """Send a batch; returns whether it was taken. Never raises."""


class Tracing:
    """One for a process. ``run`` until cancelled."""

    def __init__(
        self, store: TraceStore, bus: Bus, clock: Clock, sender: Sender, *, mine: Callable[[], bool] = lambda: True
    ) -> None:
        """``mine`` tells whether it is this replica that exports."""
        self._mine = mine
        self._store = store
        self._bus = bus
        self._clock = clock
        self._sender = sender
        self._after: ExecutionId | None = None
        self._away = False

    async def run(self) -> None:
        """Work until cancelled. A collector that takes nothing is tried again with growing pauses."""
        pause = FIRST_PAUSE
        with self._bus.listen(WORK) as wakes:
            while True:
                if await self.export():
                    pause = FIRST_PAUSE
                    await wakes.wait(LOOK_PERIOD)
                    await self._clock.sleep(GATHER_PERIOD)
                else:
                    await self._clock.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)

    async def export(self) -> bool:
        """Export all that is due; returns ``False`` if it is better to pause.

        One trace that is refused does not keep others: it is passed over, and comes again in the next round. Two in a
        row mean that nobody takes anything.
        """
        if not self._mine():
            return True
        refused = 0
        try:
            while due := await self._due():
                settled: list[ExecutionId] = []
                for trace in due:
                    self._after = trace.execution
                    if await self._exported(trace):
                        settled.append(trace.execution)
                        refused = 0
                    else:
                        refused += 1
                    if refused == 2:
                        break
                if settled:
                    await self._store.settle_traces(settled)
                if refused == 2:
                    self._ail()
                    return False
        except StorageUnavailable as error:
            log.info("traces_postponed", error=str(error))
            return False
        if not refused:
            self._away = False
        return not refused

    async def _due(self) -> Sequence[DueTrace]:
        """Return what comes next, or nothing at the end of a round."""
        due = await self._store.due_traces(after=self._after, limit=DUE_AT_ONCE)
        if not due:
            self._after = None
        return due

    async def _exported(self, trace: DueTrace) -> bool:
        """Send a trace; returns whether it is settled."""
        if self._clock.now() - trace.ended_at > PATIENCE:
            log.warning("trace_given_up", execution=trace.execution)
            return True
        batch: list[Span] = []
        try:
            async for span in self._spans(trace.execution):
                batch.append(span)
                if len(batch) == BATCH:
                    if not await self._sender.send(batch):
                        return False
                    batch = []
        except NotFound:  # it was deleted meanwhile
            return True
        return not batch or await self._sender.send(batch)

    async def _spans(self, execution: ExecutionId) -> AsyncIterator[Span]:
        facts = await self._store.traced_execution(execution)
        caller = caller_of(facts)
        if caller is not None and not caller.sampled:
            return
        after: tuple[StepId, int] | None = None
        while steps := await self._store.traced_steps(execution, after=after, limit=STEPS_AT_ONCE):
            for span in step_spans(facts, steps):
                yield span
            after = steps[-1].record.step, steps[-1].record.index
        # Last, so that whoever sees it has all the others.
        for span in execution_spans(facts):
            yield span

    def _ail(self) -> None:
        if not self._away:
            log.warning("traces_not_taken", hint="they are kept, and sent when the collector takes them")
        self._away = True

"""Following an execution to its end: wait for a wake, then look; now and then look without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from aiop.api.services import Services
from aiop.errors import NotFound
from aiop.interfaces import Listener, ReadStore, execution_topic
from aiop.model.ids import ExecutionId, StepId
from aiop.model.records import Event, EventType, LogBatch, LogLine, Stream
from aiop.model.state import ExecutionStatus

__all__ = ["LogPosition", "PlacedLine", "Turn", "log_turns", "turns"]

_LINES = 2000
_MOST_BATCHES = 100


@dataclass(frozen=True, slots=True)
class Turn:
    """One look. ``events`` are new; ``ended`` comes last, when there is nothing more to come."""

    events: Sequence[Event] = ()
    ended: ExecutionStatus | None = None


@dataclass(frozen=True, slots=True)
class LogPosition:
    """A line: its batch, and its number in there from 1. The default is before the first."""

    batch: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line with its place; following on from ``position`` goes on behind it."""

    position: LogPosition
    batch: LogBatch
    line: LogLine


async def turns(
    services: Services, execution: ExecutionId, *, after: int = 0, follow: bool = True
) -> AsyncGenerator[Turn, None]:
    """Yield a turn for each look, with the events behind ``after``; one alone unless told to ``follow``.

    Stops without ``ended`` if the service stops; an execution deleted meanwhile counts as cancelled.
    """
    store = services.store
    woken = False
    with services.bus.listen(execution_topic(execution)) as listener:
        while not services.stopping.is_set():
            # Asked before the events are read: so none can come behind those that are read then.
            ended = None if woken else await _ended(store, execution)
            while events := await store.events(execution, after=after):
                after = events[-1].seq
                yield Turn(events)
                if events[-1].type is EventType.EXECUTION_FINISHED:
                    ended = await _ended(store, execution)
            yield Turn(ended=ended)
            if ended or not follow:
                return
            woken = await _wake(services, listener)


async def log_turns(
    services: Services,
    execution: ExecutionId,
    *,
    after: LogPosition,
    step: StepId | None = None,
    stream: Stream | None = None,
    follow: bool = True,
) -> AsyncGenerator[Sequence[PlacedLine] | Turn, None]:
    """Yield the lines behind ``after``, some at a time, and a turn after each look."""
    # The batch of ``after`` is read again, for the lines behind it.
    seen = max(after.batch - 1, 0)
    limit = 1
    async with aclosing(turns(services, execution, follow=follow)) as looks:
        async for turn in looks:
            if turn.events:
                continue
            while batches := await services.store.logs(execution, after=seen, step=step, limit=limit):
                seen = batches[-1].seq
                # Batches have one line or thousands: as many as make a piece that is sent, and rendered, at once.
                held = sum(len(batch.lines) for batch in batches)
                limit = min(max(len(batches) * _LINES // max(held, 1), 1), _MOST_BATCHES)
                lines = [
                    PlacedLine(LogPosition(batch.seq, number), batch, line)
                    for batch in batches
                    for number, line in enumerate(batch.lines, 1)
                    if not (batch.seq == after.batch and number <= after.line)
                    and (stream is None or line.stream is stream)
                ]
                if lines:
                    yield lines
            yield turn


async def _ended(store: ReadStore, execution: ExecutionId) -> ExecutionStatus | None:
    try:
        status = (await store.execution(execution)).status
    except NotFound:
        return ExecutionStatus.CANCELLED
    return status if status.ended else None


async def _wake(services: Services, listener: Listener) -> bool:
    wake = asyncio.create_task(listener.wait(services.streams.look))
    stop = asyncio.create_task(services.stopping.wait())
    try:
        await asyncio.wait({wake, stop}, return_when=asyncio.FIRST_COMPLETED)
        return wake.done() and wake.result()
    finally:
        for task in (wake, stop):
            task.cancel()
        await asyncio.gather(wake, stop, return_exceptions=True)

"""When changes are committed."""

import asyncio
from datetime import UTC, datetime, timedelta

from aiop.orchestrator.pace import PACE, Pace


class Clock:
    """Moves when told to; whoever sleeps is woken when the time has come."""

    def __init__(self) -> None:
        self.time = datetime(2025, 3, 1, tzinfo=UTC)
        self.sleepers: list[tuple[datetime, asyncio.Event]] = []
        self.asleep = asyncio.Event()

    def now(self) -> datetime:
        return self.time

    async def sleep(self, delay: timedelta) -> None:
        woken = asyncio.Event()
        self.sleepers.append((self.time + delay, woken))
        self.asleep.set()
        await woken.wait()

    def advance(self, delay: timedelta) -> None:
        self.time += delay
        for at, woken in self.sleepers:
            if at <= self.time:
                woken.set()


async def test_the_first_change_is_committed_at_once() -> None:
    pace = Pace(Clock())
    pace.change()
    await pace.turn()


async def test_what_follows_a_commit_is_gathered() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.committed()
    pace.change()
    turn = asyncio.create_task(pace.turn())
    await clock.asleep.wait()
    clock.advance(PACE - timedelta(milliseconds=1))
    pace.change()
    assert not await ended(turn)
    clock.advance(timedelta(milliseconds=1))
    await turn


async def test_after_a_quiet_time_nothing_is_waited_for() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.committed()
    clock.advance(PACE)
    pace.change()
    await pace.turn()


async def test_haste_waits_for_nothing() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.committed()
    pace.change()
    turn = asyncio.create_task(pace.turn())
    await clock.asleep.wait()
    pace.haste()
    await turn


async def test_lines_are_gathered_until_something_else_changes() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.lines()
    turn = asyncio.create_task(pace.turn())
    await clock.asleep.wait()
    assert not await ended(turn)
    pace.change()
    await turn


async def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.committed()
    clock.advance(-timedelta(hours=1))
    pace.change()
    await pace.turn()


async def test_each_turn_is_for_what_came_since_the_last() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.haste()
    await pace.turn()
    turn = asyncio.create_task(pace.turn())
    assert not await ended(turn)
    pace.haste()
    await turn


async def ended(task: asyncio.Task[None]) -> bool:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)
    return task.done()

"""When changes are committed."""

import asyncio
from datetime import timedelta

import pytest

from aiop.orchestrator.pace import PACE, Pace
from contract.store.subject import HandClock

A_MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def pace(clock: HandClock) -> Pace:
    return Pace(clock)


async def waiting(pace: Pace, clock: HandClock) -> asyncio.Task[None]:
    """Somebody whose turn it is not yet."""
    turn = asyncio.create_task(pace.turn())
    await clock.somebody_sleeps()
    return turn


async def test_the_first_change_is_committed_at_once(pace: Pace) -> None:
    pace.change()
    await pace.turn()


async def test_what_follows_a_commit_is_gathered(pace: Pace, clock: HandClock) -> None:
    pace.committed()
    pace.change()
    turn = await waiting(pace, clock)
    await clock.advance(seconds=(PACE - A_MOMENT).total_seconds())
    pace.change()
    assert not await ended(turn)
    await clock.advance(seconds=A_MOMENT.total_seconds())
    await turn


async def test_after_a_quiet_time_nothing_is_waited_for(pace: Pace, clock: HandClock) -> None:
    pace.committed()
    await clock.advance(seconds=PACE.total_seconds())
    pace.change()
    await pace.turn()


async def test_haste_waits_for_nothing(pace: Pace, clock: HandClock) -> None:
    pace.committed()
    pace.change()
    turn = await waiting(pace, clock)
    pace.haste()
    await turn


async def test_lines_are_gathered_until_something_else_changes(pace: Pace, clock: HandClock) -> None:
    pace.lines()
    turn = await waiting(pace, clock)
    assert not await ended(turn)
    pace.change()
    await turn


async def test_a_clock_that_is_set_back_holds_nothing_up(pace: Pace, clock: HandClock) -> None:
    pace.committed()
    await clock.advance(hours=-1)
    pace.change()
    await pace.turn()


async def test_each_turn_is_for_what_came_since_the_last(pace: Pace, clock: HandClock) -> None:
    pace.haste()
    await pace.turn()
    turn = asyncio.create_task(pace.turn())
    assert not await ended(turn)
    await clock.advance(seconds=PACE.total_seconds())
    assert not await ended(turn)  # there is nothing
    pace.lines()
    await clock.somebody_sleeps()
    assert not await ended(turn)  # nothing but lines
    pace.committed()
    pace.change()
    assert not await ended(turn)  # no haste
    pace.haste()
    await turn


async def ended(task: asyncio.Task[None]) -> bool:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)
    return task.done()

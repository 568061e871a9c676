"""An execution that may have been taken over is not touched."""

import asyncio
from datetime import UTC, datetime, timedelta

from aiop.interfaces import holding, still_ours
from aiop.orchestrator.tenure import Tenure

NOW = datetime(2025, 3, 1, tzinfo=UTC)


class Clock:
    time = NOW

    def now(self) -> datetime:
        return self.time

    async def sleep(self, delay: timedelta) -> None:
        raise AssertionError("nothing sleeps")


async def test_a_lease_that_is_sure_to_hold_keeps_nobody_waiting() -> None:
    await Tenure(Clock(), NOW + timedelta(seconds=10)).held()


async def test_one_that_may_have_ended_keeps_whoever_asks_until_it_is_renewed() -> None:
    clock = Clock()
    tenure = Tenure(clock, NOW + timedelta(seconds=10))
    clock.time = NOW + timedelta(seconds=9.5)
    asking = asyncio.create_task(tenure.held())
    await asyncio.sleep(0)
    assert not asking.done()

    tenure.extend(NOW + timedelta(seconds=10))  # an answer that came too late says nothing
    for _ in range(3):
        await asyncio.sleep(0)
    assert not asking.done()

    tenure.extend(NOW + timedelta(seconds=20))
    await asking


async def test_what_nobody_can_take_is_ours() -> None:
    await still_ours()


async def test_it_is_asked_in_the_tasks_that_are_made_inside() -> None:
    asked = []

    async def note() -> None:
        asked.append(True)

    async def ask() -> None:
        await still_ours()

    with holding(note):
        task = asyncio.create_task(ask())
    await task
    await still_ours()
    assert asked == [True]

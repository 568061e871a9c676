"""Places are bounded, fair between executions, and never leak."""

import asyncio
import random

import pytest

from aiop.orchestrator.slots import Slots


async def settle():
    for _ in range(3):
        await asyncio.sleep(0)


async def test_no_more_than_the_limit_run_at_once():
    slots = Slots(2)
    assert slots.try_take()
    assert slots.try_take()
    assert not slots.try_take()
    slots.give_back()
    assert slots.try_take()


async def test_executions_take_turns():
    slots = Slots(1)
    await slots.take("first")
    order = []

    async def work(group, name):
        await slots.take(group)
        order.append(name)
        slots.give_back()

    wide = [asyncio.create_task(work("wide", f"wide-{n}")) for n in range(3)]
    await settle()
    narrow = asyncio.create_task(work("narrow", "narrow"))
    await settle()
    slots.give_back()
    await asyncio.gather(*wide, narrow)
    assert order == ["wide-0", "narrow", "wide-1", "wide-2"]


async def test_a_waiter_that_gives_up_leaves_no_trace():
    slots = Slots(1)
    await slots.take("a")
    waiter = asyncio.create_task(slots.take("b"))
    await settle()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    slots.give_back()
    assert slots.taken == 0
    assert slots.try_take()


async def test_a_waiter_cancelled_in_the_moment_of_its_turn_passes_the_place_on():
    slots = Slots(1)
    await slots.take("a")
    first = asyncio.create_task(slots.take("b"))
    second = asyncio.create_task(slots.take("c"))
    await settle()
    slots.give_back()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await second
    assert slots.taken == 1


async def test_places_never_leak_under_random_cancels():
    rng = random.Random(7)
    slots = Slots(3)
    running = peak = 0

    async def work(group):
        nonlocal running, peak
        await slots.take(group)
        try:
            running += 1
            peak = max(peak, running)
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)
        finally:
            running -= 1
            slots.give_back()

    tasks = []
    for number in range(500):
        tasks.append(asyncio.create_task(work(number % 5)))
        if rng.random() < 0.4:
            rng.choice(tasks).cancel()
        if rng.random() < 0.3:
            await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert slots.taken == 0
    assert peak <= 3

"""Containers whose end is committed are removed in the background."""

import asyncio

from aiop.engines.fake import FakeEngine, FakeWorld
from aiop.errors import EngineUnavailable
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.run import ContainerRun
from aiop.orchestrator.gate import EngineGate
from aiop.orchestrator.sweep import Remover

KEYS = [StepKey(ExecutionId("e"), StepId(f"s{n}")) for n in range(5)]


class NoTime:
    """Sleeps take a turn of the loop."""

    async def sleep(self, _: object) -> None:
        await asyncio.sleep(0)


async def ended_on(world: FakeWorld) -> FakeEngine:
    """An engine with a container for each key that has ended."""
    engine = FakeEngine(world)
    for key in KEYS:
        await engine.start(key, ContainerRun("busybox", command=("true",)), lambda *_: None)
        await engine.wait(key)
    return engine


async def drained(remover: Remover) -> None:
    removing = asyncio.create_task(remover.run())
    await remover.drain()
    removing.cancel()


async def test_an_engine_that_is_away_is_waited_for() -> None:
    world = FakeWorld()
    engine = await ended_on(world)
    remover = Remover(engine, EngineGate(engine, NoTime()))
    world.down()
    world.hang("check").set()
    remover.put(KEYS)
    removing = asyncio.create_task(drained(remover))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not removing.done()
    world.up()
    await removing
    assert not world.containers


async def test_what_the_engine_cannot_remove_is_left_to_the_next_sweep_and_holds_up_no_other() -> None:
    world = FakeWorld()
    engine = await ended_on(world)
    remover = Remover(engine, EngineGate(engine, NoTime()))
    world.fail("remove", key=KEYS[0], times=100, error=EngineUnavailable("the file system is busy"))
    remover.put(KEYS)
    await drained(remover)
    assert list(world.containers) == KEYS[:1]

"""What the fake adds to the contract: it polices, it can be told to fail, it survives its engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from aiop.engines.fake import EngineMisuse, FakeEngine, FakeWorld, Script
from aiop.errors import EngineUnavailable, StepLost
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.records import Stream
from aiop.model.run import ContainerRun
from aiop.model.state import Reason

KEY = StepKey(ExecutionId("e"), StepId("build"))
RUN = ContainerRun("busybox")
GATED = {"build": Script(gate=True)}


def ignore(stream: Stream, data: bytes, at: datetime) -> None:
    """Take output and forget it."""


class HandClock:
    """Moves only when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.sleepers: list[tuple[datetime, asyncio.Future[None]]] = []
        self.asleep = asyncio.Event()

    def now(self) -> datetime:
        return self.time

    async def sleep(self, delay: timedelta) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.time + delay, future))
        self.asleep.set()
        await future

    def advance(self, delay: timedelta) -> None:
        self.time += delay
        for due, future in self.sleepers:
            if due <= self.time and not future.done():
                future.set_result(None)


async def test_wait_before_start_is_misuse() -> None:
    engine = FakeEngine()
    with pytest.raises(EngineMisuse):
        await engine.wait(KEY)
    assert len(engine.world.ledger.misuses) == 1


async def test_two_starts_at_once_are_misuse() -> None:
    engine = FakeEngine()
    results = await asyncio.gather(*(engine.start(KEY, RUN, ignore) for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results] == [datetime, EngineMisuse]


async def test_removing_what_was_started_and_not_waited_for_is_misuse() -> None:
    engine = FakeEngine()
    await engine.start(KEY, RUN, ignore)
    with pytest.raises(EngineMisuse):
        await engine.remove(KEY)


async def test_a_stranger_may_be_removed_without_waiting() -> None:
    engine = FakeEngine(FakeWorld(GATED))
    await engine.start(KEY, RUN, ignore)
    await FakeEngine(engine.world).remove(KEY)
    assert engine.world.ledger.removed[KEY] == 1
    assert engine.world.ledger.running == 0


async def test_starting_what_was_removed_is_misuse() -> None:
    engine = FakeEngine()
    await engine.start(KEY, RUN, ignore)
    await engine.wait(KEY)
    await engine.remove(KEY)
    with pytest.raises(EngineMisuse):
        await engine.start(KEY, RUN, ignore)


async def test_any_call_after_close_is_misuse() -> None:
    engine = FakeEngine()
    await engine.aclose()
    with pytest.raises(EngineMisuse):
        await engine.check()


async def test_containers_outlive_the_engine_that_started_them() -> None:
    world = FakeWorld({"build": Script(output=((Stream.STDOUT, b"hello"),), gate=True, exit_code=4)})
    await FakeEngine(world).start(KEY, RUN, ignore)
    pieces: list[bytes] = []
    second = FakeEngine(world)
    await second.adopt(KEY, RUN, lambda stream, data, at: pieces.append(data))
    world.release("build")
    outcome = await second.wait(KEY)
    assert (outcome.exit_code, pieces, world.ledger.started[KEY]) == (4, [b"hello"], 1)


async def test_a_told_failure_comes_as_often_as_told() -> None:
    engine = FakeEngine()
    engine.world.fail("start", times=2)
    for _ in range(2):
        with pytest.raises(EngineUnavailable):
            await engine.start(KEY, RUN, ignore)
    assert await engine.start(KEY, RUN, ignore) is not None


async def test_a_failure_after_the_effect_leaves_a_container_behind() -> None:
    engine = FakeEngine()
    engine.world.fail("start", after=True)
    with pytest.raises(EngineUnavailable):
        await engine.start(KEY, RUN, ignore)
    assert await engine.attempts() == [KEY]
    await engine.start(KEY, RUN, ignore)
    assert engine.world.ledger.started[KEY] == 1


async def test_a_told_hang_ends_when_its_event_is_set() -> None:
    engine = FakeEngine()
    released = engine.world.hang("check")
    checking = asyncio.create_task(engine.check())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not checking.done()
    released.set()
    assert (await checking).type == "fake"


async def test_a_wait_under_way_ends_when_the_engine_goes_down() -> None:
    engine = FakeEngine(FakeWorld(GATED))
    await engine.start(KEY, RUN, ignore)
    waiting = asyncio.create_task(engine.wait(KEY))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    engine.world.down()
    with pytest.raises(EngineUnavailable):
        await waiting
    engine.world.up()
    await engine.adopt(KEY, RUN, ignore)
    engine.world.release(KEY)
    assert (await engine.wait(KEY)).succeeded


@pytest.mark.parametrize("how", ["lose", "kill"])
async def test_a_container_that_is_taken_away_is_a_lost_step(how: str) -> None:
    engine = FakeEngine(FakeWorld(GATED))
    await engine.start(KEY, RUN, ignore)
    waiting = asyncio.create_task(engine.wait(KEY))
    await asyncio.sleep(0)
    getattr(engine.world, how)(KEY)
    with pytest.raises(StepLost):
        await waiting


async def test_an_image_that_cannot_be_pulled_is_an_outcome() -> None:
    engine = FakeEngine(FakeWorld({"build": Script(reason=Reason.IMAGE_PULL, error="denied")}))
    assert await engine.start(KEY, RUN, ignore) is None
    outcome = await engine.wait(KEY)
    assert (outcome.exit_code, outcome.reason, outcome.error) == (None, Reason.IMAGE_PULL, "denied")
    assert engine.world.ledger.started[KEY] == 0


async def test_scripts_can_differ_by_attempt() -> None:
    engine = FakeEngine(FakeWorld({"build": [Script(exit_code=1), Script()]}))
    codes = []
    for attempt in (1, 2, 3):
        key = StepKey(KEY.execution, KEY.step, attempt=attempt)
        await engine.start(key, RUN, ignore)
        codes.append((await engine.wait(key)).exit_code)
    assert codes == [1, 0, 0]


async def test_sleep_lasts_on_the_clock_of_the_world() -> None:
    clock = HandClock()
    engine = FakeEngine(FakeWorld(clock=clock))
    await engine.start(KEY, ContainerRun("busybox", command=("sh", "-c", "sleep 5; exit 2")), ignore)
    waiting = asyncio.create_task(engine.wait(KEY))
    await asyncio.sleep(0)
    assert engine.world.running() == [KEY]
    clock.advance(timedelta(seconds=5))
    outcome = await waiting
    assert outcome.exit_code == 2
    assert outcome.started_at is not None
    assert outcome.finished_at == outcome.started_at + timedelta(seconds=5)


async def test_what_ignores_term_is_killed_after_the_grace() -> None:
    clock = HandClock()
    engine = FakeEngine(FakeWorld({"build": Script(gate=True, ignores_term=True)}, clock=clock))
    await engine.start(KEY, RUN, ignore)
    stopping = asyncio.create_task(engine.stop(KEY, grace=timedelta(seconds=10)))
    await clock.asleep.wait()
    assert engine.world.running() == [KEY]
    clock.advance(timedelta(seconds=10))
    await stopping
    assert (await engine.wait(KEY)).exit_code == 137


async def test_peak_is_the_most_that_ran_at_once() -> None:
    world = FakeWorld(lambda key, run: Script(gate=key.index < 3))
    engine = FakeEngine(world)
    for index in range(5):
        await engine.start(StepKey(KEY.execution, KEY.step, index), RUN, ignore)
    assert (world.ledger.running, world.ledger.peak) == (3, 4)

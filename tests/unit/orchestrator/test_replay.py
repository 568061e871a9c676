"""A crash at every await point: the execution goes on from what is stored and what the engine holds, and ends the same.

A process is imagined by a loop that runs for so many turns and is then dropped with everything in it, in mid-air. What
outlives it is the store (what was committed) and the world (what runs in containers).
"""

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiop.bus.local import LocalBus
from aiop.engines.fake import FakeEngine, FakeWorld, Script
from aiop.model.records import Stream
from aiop.orchestrator.gate import EngineGate
from aiop.orchestrator.place import Place
from aiop.orchestrator.runner import Runner, RunnerContext
from aiop.orchestrator.slots import Slots
from aiop.orchestrator.sweep import Remover
from aiop.spec import Plan, VolumePolicy, load_definition
from graphs import documents, expected_states, expected_status, fate
from memory_store import MemoryStore

NOW = datetime(2025, 1, 1, tzinfo=UTC)
E = "0192f000-0000-7000-8000-000000000001"


class TurningClock:
    """Time goes on with each sleep, and a sleep takes one turn of the loop. Patience is endless: long ones last."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    async def sleep(self, delay: timedelta) -> None:
        if delay > timedelta(minutes=30):
            await asyncio.Event().wait()
        self.time += max(delay, timedelta(0))
        await asyncio.sleep(0)


class NoVault:
    def seal(self, plain: bytes) -> bytes:
        return plain[::-1]

    def open(self, sealed: bytes) -> bytes:
        return sealed[::-1]


class Process:
    """One life of the service: a runner for the execution on what outlives processes."""

    def __init__(self, store: MemoryStore, world: FakeWorld, *, slots: int = 3) -> None:
        self.store, self.world, self.slots = store, world, slots

    async def runner(self) -> Runner | None:
        """Take the execution up; ``None`` if it has ended."""
        engine, clock = FakeEngine(self.world), self.world.clock
        gate = EngineGate(engine, clock)
        self.engine, self.remover = engine, Remover(engine, gate)
        context = RunnerContext(
            store=self.store,
            bus=LocalBus(),
            clock=clock,
            vault=NoVault(),
            log_limit=1 << 20,
            infrastructure_attempts=5,
            files=None,  # only pipelines have some
        )
        place = Place(
            engine=engine,
            gate=gate,
            slots=Slots(self.slots),
            patience=timedelta(hours=1),
            volumes=VolumePolicy(()),
            committed=self.remover.put,
        )
        lease = self.store.claim_again(E)
        record = await self.store.load(lease)
        if record.summary.status.ended:
            return None
        return Runner(lease, record, Plan.of(load_definition(record.document)), context, place)

    async def main(self) -> None:
        runner = await self.runner()
        removing = asyncio.create_task(self.remover.run())
        if runner is not None:
            await runner.run()
        for key in await self.store.removable(await self.engine.attempts()):
            self.remover.put([key])
        await self.remover.drain()
        removing.cancel()

    def live(self, turns: int | None) -> bool:
        """Run for so many turns of the loop; tells whether it came to its end by itself."""
        loop = asyncio.new_event_loop()
        task = loop.create_task(self.main())
        try:
            spent = 0
            while not task.done() and (turns is None or spent < turns):
                loop.call_soon(loop.stop)
                loop.run_forever()
                spent += 1
                assert spent < 100_000, "the execution does not end"
            if task.done():
                task.result()
                return True
            return False
        finally:
            self._bury(loop)

    def _bury(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of what is dropped without letting it do anything more: its lease is void, its engine calls end."""
        self.store.claim_again(E)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()


def world_of(fates):
    def behaviour(key, _run):
        text = f"{key.step} attempt {key.attempt}\n".encode()
        output = [(Stream.STDOUT, text[:4]), (Stream.STDERR, b"warn\n"), (Stream.STDOUT, text[4:])]
        return Script(output=tuple(output), exit_code=fate(fates, key.step, key.attempt))

    return FakeWorld(behaviour, clock=TurningClock())


def outcome_of(store):
    row = store.executions[E]
    states = {}
    for (name, _), step in row["steps"].items():
        assert step.status.ended
        states[name] = f"{step.status}:{step.reason}" if step.status == "skipped" else str(step.status)
    return row["summary"].status, states


def check(store, world, document, fates):
    status, states = outcome_of(store)
    expected = expected_states(document, fates)
    assert states == expected
    assert status == expected_status(document, expected)
    assert not world.ledger.misuses
    assert all(times == 1 for times in world.ledger.started.values()), "no container is started twice"
    assert not world.containers, "nothing is left on the engine"
    row = store.executions[E]
    lines: dict[tuple, list[str]] = {}
    for batch in row["logs"]:
        for line in batch.lines:
            lines.setdefault((batch.step, batch.attempt, line.stream), []).append(line.text)
    for key in world.ledger.started:
        assert lines[key.step, key.attempt, Stream.STDOUT] == [f"{key.step} attempt {key.attempt}"]
        assert lines[key.step, key.attempt, Stream.STDERR] == ["warn"]
    for (name, _), step in row["steps"].items():
        if step.status == "completed":
            assert step.outputs == {"result": f"{name} attempt {step.attempt}"}


def run(document, fates, crashes):
    store, world = MemoryStore(), world_of(fates)
    store.add(E, json.dumps(document), NOW)
    for turns in crashes:
        if Process(store, world).live(turns):
            break
    assert Process(store, world).live(None)
    return store, world


DIAMOND = {
    "name": "diamond",
    "steps": [
        {"id": "a", "container": {"image": "i", "command": ["x"]}},
        {"id": "b", "container": {"image": "i"}, "depends_on": ["a"], "retries": 2},
        {"id": "c", "container": {"image": "i"}, "depends_on": ["a"]},
        {"id": "d", "container": {"image": "i"}, "depends_on": ["b", "c"], "when": "always()"},
    ],
}


def test_a_crash_at_every_single_await_point_changes_nothing():
    fates = {"a": [0], "b": [1, 0], "c": [1], "d": [0]}
    turns, ended = 1, False
    while not ended:
        store, world = MemoryStore(), world_of(fates)
        store.add(E, json.dumps(DIAMOND), NOW)
        ended = Process(store, world).live(turns)
        if not ended:
            assert Process(store, world).live(None)
        check(store, world, DIAMOND, fates)
        turns += 1
    assert turns > 30


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(documents(max_steps=8), st.lists(st.integers(1, 60), max_size=6))
def test_any_graph_with_any_crashes_ends_as_without(case, crashes):
    document, fates = case
    document.pop("fail_fast", None)
    store, world = run(document, fates, crashes)
    check(store, world, document, fates)
    assert world.ledger.peak <= 3 or crashes


@settings(max_examples=60)
@given(documents(max_steps=6), st.lists(st.integers(1, 40), max_size=3), st.integers(0, 1 << 30))
def test_an_engine_that_fails_at_random_calls_changes_nothing(case, crashes, seed):
    document, fates = case
    document.pop("fail_fast", None)
    rng = random.Random(seed)
    store, world = MemoryStore(), world_of(fates)
    store.add(E, json.dumps(document), NOW)
    for turns in [*crashes, None]:
        for method in ("start", "wait", "adopt", "remove", "stop"):
            world.fail(method, times=rng.randint(1, 2), after=rng.random() < 0.5)
        if Process(store, world).live(turns):
            break
    assert Process(store, world).live(None)
    status, states = outcome_of(store)
    expected = expected_states(document, fates)
    assert states == expected
    assert status == expected_status(document, expected)
    assert all(times == 1 for times in world.ledger.started.values())


@pytest.mark.parametrize("moment", range(1, 40, 3))
def test_a_container_that_is_lost_costs_an_attempt_of_the_infrastructure_kind(moment):
    fates = {name: [0] for name in "abcd"}
    store, world = MemoryStore(), world_of(fates)
    store.add(E, json.dumps(DIAMOND), NOW)
    Process(store, world).live(moment)
    for key in list(world.containers):
        world.lose(key)
    assert Process(store, world).live(None)
    assert outcome_of(store)[0] == "completed"
    lost = [a for a in store.executions[E]["attempts"].values() if a.infrastructure]
    assert all(attempt.reason == "engine_lost" for attempt in lost)


def test_output_that_comes_at_once_is_stored_in_batches_that_can_be_read_one_by_one():
    store = MemoryStore()
    world = FakeWorld(lambda *_: Script(output=((Stream.STDOUT, b"word\n" * 4500),)), clock=TurningClock())
    store.add(E, json.dumps({"name": "n", "steps": [{"id": "talk", "container": {"image": "i"}}]}), NOW)
    assert Process(store, world).live(None)
    batches = store.executions[E]["logs"]
    assert sum(len(batch.lines) for batch in batches) == 4500
    assert max(len(batch.lines) for batch in batches) == 1000

"""Agents at work: the supervisor and the fleet on the real store, with engines that tests take down and bring back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aiop.bus.local import LocalBus
from aiop.engines.fake import FakeEngine, FakeWorld, Script
from aiop.errors import EngineRefused
from aiop.interfaces import AGENTS, WORK, NewExecution, NewWorkflow, execution_topic
from aiop.model.agent import AgentHealth, AgentRecord, EngineAddress, EngineType
from aiop.model.ids import AgentId, ExecutionId, VersionId, WorkflowId, new_id
from aiop.model.state import WaitCode
from aiop.orchestrator.fleet import EngineSource, Fleet
from aiop.orchestrator.plans import Plans
from aiop.orchestrator.runner import RunnerContext
from aiop.orchestrator.supervisor import Supervisor
from aiop.spec import VolumePolicy
from aiop.store import open_store

GATED = Script(gate=True)


class Clock:
    """The real time, but for long waits: those last until the test says so."""

    def __init__(self) -> None:
        self._long: list[tuple[timedelta, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    offset = timedelta(0)

    async def sleep(self, delay: timedelta) -> None:
        if delay <= timedelta(0):
            await asyncio.sleep(0)
        elif delay < timedelta(minutes=1):
            # Pauses of the loops: as short as may be.
            await asyncio.sleep(min(delay.total_seconds(), 0.02))
        else:
            turn = asyncio.get_running_loop().create_future()
            self._long.append((delay, turn))
            await turn

    def skip(self, delay: timedelta) -> None:
        """Let so much time pass, for those who wait long."""
        self.offset += delay
        for _, turn in self._long:
            if not turn.done():
                turn.set_result(None)
        self._long.clear()


class NoVault:
    def seal(self, plain: bytes) -> bytes:
        return plain[::-1]

    def open(self, sealed: bytes) -> bytes:
        return sealed[::-1]


class Site:
    """The whole, but for the API."""

    def __init__(self, store, clock) -> None:
        self.store, self.clock, self.bus = store, clock, LocalBus()
        self.worlds: dict[str, FakeWorld] = {}
        self.engines: list[FakeEngine] = []
        self.unusable = {"nonsense"}

    def world(self, name: str) -> FakeWorld:
        return self.worlds.setdefault(name, FakeWorld(lambda *_: GATED, clock=self.clock))

    def build(self, agent: AgentRecord) -> FakeEngine:
        if agent.engine.endpoint in self.unusable:
            raise ValueError("no such engine")
        self.engines.append(FakeEngine(self.world(agent.engine.endpoint)))
        return self.engines[-1]

    async def register(self, name: str, *, world: str | None = None, **values) -> AgentRecord:
        self.world(world or name)
        agent = AgentRecord(
            AgentId(new_id()), name, self.clock.now(), engine=EngineAddress(EngineType.FAKE, world or name), **values
        )
        await self.store.add_agent(agent)
        self.bus.publish(AGENTS)
        return agent

    async def submit(self, steps: list[dict], requires: tuple[str, ...] = (), **options) -> ExecutionId:
        workflow, version = WorkflowId(new_id()), VersionId(new_id())
        document = json.dumps({"name": "x", "steps": steps})
        await self.store.create_workflow(NewWorkflow(workflow, version, "x", None, document))
        new = NewExecution(ExecutionId(new_id()), workflow, version, {}, options, requires=requires)
        await self.store.submit(new)
        self.bus.publish(WORK)
        return new.id

    async def ended(self, execution: ExecutionId):
        with self.bus.listen(execution_topic(execution)) as wakes:
            while not (found := await self.store.execution(execution)).status.ended:
                await wakes.wait()
        return found

    async def steps_wait(self, execution: ExecutionId, count: int) -> None:
        """Return once so many steps wait for their engine."""
        with self.bus.listen(execution_topic(execution)) as wakes:
            while True:
                found = await self.store.execution(execution)
                codes = [each.waiting.code for each in found.steps if each.waiting]
                if codes.count(WaitCode.ENGINE_UNAVAILABLE) == count:
                    return
                await wakes.wait()

    async def agent_noted(self, agent: AgentRecord, error: str) -> AgentRecord:
        with self.bus.listen(WORK) as wakes:
            while (found := await self.store.agent(agent.id)).error != error:
                await wakes.wait(timedelta(seconds=0.2))
        return found

    async def agent_is(self, agent: AgentRecord, health: AgentHealth) -> AgentRecord:
        with self.bus.listen(WORK) as wakes:
            while (found := await self.store.agent(agent.id)).health is not health:
                await wakes.wait(timedelta(seconds=0.2))
        return found


@asynccontextmanager
async def a_life(site: Site, *, patience: timedelta = timedelta(hours=1)) -> AsyncIterator[Fleet]:
    """One life of the service."""
    engines = EngineSource(lambda agent: agent.engine, site.build, lambda _: VolumePolicy(()))
    fleet = Fleet(site.store, site.bus, site.clock, engines, slots=50, patience=patience)
    context = RunnerContext(
        store=site.store,
        bus=site.bus,
        clock=site.clock,
        vault=NoVault(),
        log_limit=1 << 20,
        infrastructure_attempts=5,
        files=None,  # only pipelines have some
    )
    supervisor = Supervisor(
        "here", context, site.store, site.bus, plans=Plans().load, places=fleet, ttl=timedelta(minutes=5)
    )
    loops = [asyncio.create_task(supervisor.run()), asyncio.create_task(fleet.run())]
    try:
        yield fleet
        for loop in loops:
            assert not loop.done(), loop.exception()
        await fleet.drain()
    finally:
        for loop in loops:
            loop.cancel()
            await asyncio.wait({loop})
    assert [misuse for world in site.worlds.values() for misuse in world.ledger.misuses] == []


@pytest.fixture
async def site(tmp_path) -> AsyncIterator[Site]:
    clock = Clock()
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/aiop.db", clock=clock) as store:
        yield Site(store, clock)


def step(name: str, **values) -> dict:
    return {"id": name, "container": {"image": "i"}, **values}


def running(world: FakeWorld, count: int):
    return world.until(lambda it: len(it.running()) == count)


async def test_executions_go_to_the_least_loaded_agent_and_wait_when_all_are_full(site):
    one, two = await site.register("one", max_load=2), await site.register("two", max_load=1)
    async with a_life(site), asyncio.timeout(20):
        executions = [await site.submit([step("a")]) for _ in range(4)]
        await running(site.world("one"), 2)
        await running(site.world("two"), 1)
        assert [(await site.store.agent(agent.id)).load for agent in (one, two)] == [2, 1]
        assert (await site.store.execution(executions[3])).status == "pending"

        site.world("two").release("a")
        await running(site.world("two"), 1)  # the one that has waited

        for world in site.worlds.values():
            world.release("a")
        assert [(await site.ended(execution)).status for execution in executions] == ["completed"] * 4


async def test_agents_on_one_engine_share_it_and_it_is_closed_with_the_last(site):
    one = await site.register("one", world="shared")
    two = await site.register("two", world="shared", capabilities=("special",))
    async with a_life(site) as fleet, asyncio.timeout(20):
        await site.agent_is(one, AgentHealth.ONLINE)
        await site.agent_is(two, AgentHealth.ONLINE)
        assert len(site.engines) == 1
        assert (await fleet.place(one.id)).engine is (await fleet.place(two.id)).engine
        for agent in (one, two):
            await site.store.delete_agent(agent.id, force=False)
        site.bus.publish(AGENTS)
        with site.bus.listen(WORK) as wakes:
            while await fleet.place(one.id) is not None:
                await wakes.wait()
        assert site.engines[0]._closed


async def test_an_engine_that_goes_away_and_comes_back_is_noted_at_once(site):
    agent = await site.register("one")
    async with a_life(site), asyncio.timeout(20):
        assert (await site.agent_is(agent, AgentHealth.ONLINE)).version == "1"
        site.world("one").down()
        assert (await site.agent_is(agent, AgentHealth.OFFLINE)).error == "the engine is down"
        site.world("one").up()
        assert (await site.agent_is(agent, AgentHealth.ONLINE)).error is None
        site.world("one").fail("check", error=EngineRefused("too old"))
        assert (await site.agent_is(agent, AgentHealth.ERROR)).error == "too old"


async def test_an_agent_whose_engine_cannot_be_spoken_to_is_in_error_and_the_others_work(site):
    bad = await site.register("bad", world="nonsense")
    await site.register("good")
    async with a_life(site), asyncio.timeout(20):
        assert (await site.agent_is(bad, AgentHealth.ERROR)).error == "no such engine"
        execution = await site.submit([step("a")])
        await running(site.world("good"), 1)
        site.world("good").release("a")
        assert (await site.ended(execution)).status == "completed"


async def test_an_agent_that_dies_in_mid_run_and_comes_back_loses_nothing(site):
    agent = await site.register("one")
    async with a_life(site), asyncio.timeout(20):
        execution = await site.submit([step("a"), step("b", depends_on=["a"])])
        await running(site.world("one"), 1)
        site.world("one").down()
        await site.agent_is(agent, AgentHealth.OFFLINE)
        assert (await site.store.execution(execution)).status == "running"
        site.world("one").up()
        site.world("one").release("a")
        await site.world("one").until(lambda it: any(key.step == "b" for key in it.running()))
        site.world("one").release("b")
        assert (await site.ended(execution)).status == "completed"
    assert set(site.world("one").ledger.started.values()) == {1}
    assert site.world("one").containers == {}


async def test_a_restart_finds_executions_on_the_agents_where_they_were(site):
    await site.register("one", max_load=1)
    await site.register("two", max_load=1)
    async with a_life(site), asyncio.timeout(20):
        executions = [await site.submit([step("a")]) for _ in range(2)]
        for world in site.worlds.values():
            await running(world, 1)
    async with a_life(site), asyncio.timeout(20):
        for world in site.worlds.values():
            world.release("a")
        assert [(await site.ended(execution)).status for execution in executions] == ["completed"] * 2
    assert all(set(world.ledger.started.values()) == {1} for world in site.worlds.values())


async def test_what_runs_on_an_agent_that_cannot_be_used_any_more_fails_for_that(site):
    await site.register("one")
    async with a_life(site), asyncio.timeout(20):
        execution = await site.submit([step("a")])
        await running(site.world("one"), 1)
    site.unusable.add("one")  # its certificates were sealed with another key, say
    async with a_life(site), asyncio.timeout(20):
        ended = await site.ended(execution)
    assert (ended.status, ended.reason) == ("failed", "engine_lost")
    assert ended.error == "its agent cannot be used: no such engine"


async def test_executions_of_an_agent_deleted_by_force_are_stopped_and_fail_with_a_reason(site):
    agent = await site.register("one")
    async with a_life(site), asyncio.timeout(20):
        execution = await site.submit([step("a"), step("b", depends_on=["a"])])
        await running(site.world("one"), 1)
        await site.store.delete_agent(agent.id, force=True)
        site.bus.publish(AGENTS)
        found = await site.ended(execution)
    assert (found.status, found.reason, found.error) == ("failed", "agent_deleted", "its agent was deleted")
    assert {each.step: (each.status, each.reason) for each in found.steps} == {
        "a": ("cancelled", "agent_deleted"),
        "b": ("skipped", "agent_deleted"),
    }
    assert site.world("one").running() == []


async def test_an_agent_deleted_by_force_while_its_engine_is_away_holds_nothing_up(site):
    agent = await site.register("one")
    async with a_life(site), asyncio.timeout(20):
        execution = await site.submit([step("a")])
        await running(site.world("one"), 1)
        site.world("one").down()
        await site.agent_is(agent, AgentHealth.OFFLINE)
        await site.store.delete_agent(agent.id, force=True)
        site.bus.publish(AGENTS)
        assert (await site.ended(execution)).reason == "agent_deleted"
        site.world("one").up()


async def test_an_agent_deleted_while_the_service_was_down_fails_its_executions_at_the_start(site):
    agent = await site.register("one")
    async with a_life(site), asyncio.timeout(20):
        execution = await site.submit([step("a")])
        await running(site.world("one"), 1)
    await site.store.delete_agent(agent.id, force=True)
    async with a_life(site), asyncio.timeout(20):
        assert (await site.ended(execution)).reason == "agent_deleted"
        assert site.world("one").running() == []


async def test_an_engine_that_stays_away_fails_a_step_after_the_limit(site):
    agent = await site.register("one")
    async with a_life(site), asyncio.timeout(20):
        execution = await site.submit([step("a")])
        await running(site.world("one"), 1)
        site.world("one").down()
        await site.agent_is(agent, AgentHealth.OFFLINE)
        await site.steps_wait(execution, 1)
        site.clock.skip(timedelta(hours=2))
        found = await site.ended(execution)
        site.world("one").up()
    [only] = found.steps
    assert (found.status, only.reason) == ("failed", "engine_lost")
    assert only.error.startswith("no answer for 3600 s: ")


async def test_what_asked_for_it_goes_on_elsewhere_when_its_engine_is_lost(site):
    lost = await site.register("one", capabilities=("x",))
    again = {"retry": {"max_attempts": 2, "on": ["engine_lost"]}}
    async with a_life(site), asyncio.timeout(20):
        steps = [step("first"), *(step(name, depends_on=["first"], **again) for name in "abc")]
        execution = await site.submit([*steps, step("d", depends_on=["a", "b", "c"])], requires=("x",))
        await running(site.world("one"), 1)
        site.world("one").release("first")
        await running(site.world("one"), 3)
        await site.register("two", capabilities=("x",))
        site.world("one").down()
        await site.agent_is(lost, AgentHealth.OFFLINE)
        await site.steps_wait(execution, 3)
        site.clock.skip(timedelta(hours=2))
        two = site.world("two")
        await running(two, 3)
        for name in "abc":
            two.release(name)
        await running(two, 1)
        two.release("d")
        found = await site.ended(execution)
        assert (found.status, found.waiting) == ("completed", None)
        assert {each.step: each.attempt for each in found.steps} == {"first": 1, "a": 2, "b": 2, "c": 2, "d": 1}
        # Once the lost one is there again, what still runs there is removed.
        site.world("one").up()
        await site.world("one").until(lambda it: not it.containers)
    events = [event.type for event in await site.store.events(execution)]
    assert events.count("ExecutionDisplaced") == 1
    assert events.count("ExecutionResumed") == 1


async def test_what_has_no_place_to_go_on_can_be_cancelled(site):
    lost = await site.register("one")
    again = {"retry": {"max_attempts": 2, "on": ["engine_lost"]}}
    async with a_life(site), asyncio.timeout(20):
        execution = await site.submit([step("a", **again), step("b", depends_on=["a"])])
        await running(site.world("one"), 1)
        site.world("one").down()
        await site.agent_is(lost, AgentHealth.OFFLINE)
        await site.steps_wait(execution, 1)
        site.clock.skip(timedelta(hours=2))
        with site.bus.listen(execution_topic(execution)) as wakes:
            while (await site.store.execution(execution)).waiting is None:
                await wakes.wait()
        await site.store.request_cancel(execution)
        site.bus.publish(WORK)
        found = await site.ended(execution)
        site.world("one").up()
        await site.world("one").until(lambda it: not it.containers)
    assert (found.status, found.reason) == ("cancelled", "cancelled")
    assert all(each.status.ended for each in found.steps)


async def test_a_step_that_did_not_ask_is_not_run_twice_when_its_engine_is_lost(site):
    lost = await site.register("one")
    again = {"retry": {"max_attempts": 2, "on": ["engine_lost"]}}
    async with a_life(site), asyncio.timeout(20):
        execution = await site.submit([step("asks", **again), step("does_not")])
        await running(site.world("one"), 2)
        await site.register("two")
        site.world("one").down()
        await site.agent_is(lost, AgentHealth.OFFLINE)
        await site.steps_wait(execution, 2)
        site.clock.skip(timedelta(hours=2))
        await running(site.world("two"), 1)
        site.world("two").release("asks")
        found = await site.ended(execution)
        site.world("one").up()
    assert {each.step: (each.status, each.attempt) for each in found.steps} == {
        "asks": ("completed", 2),
        "does_not": ("failed", 1),
    }


async def test_an_execution_is_bounded_by_its_own_time_and_its_agents(site):
    await site.register("one", timeout=timedelta(hours=1))
    async with a_life(site), asyncio.timeout(20):
        execution = await site.submit([step("a"), step("b", depends_on=["a"])])
        await running(site.world("one"), 1)
        site.clock.skip(timedelta(hours=1))
        found = await site.ended(execution)
    assert (found.status, found.reason, found.error) == ("failed", "timeout", "timed out after 3600 s")
    assert {each.step: (each.status, each.reason) for each in found.steps} == {
        "a": ("cancelled", "execution_timeout"),
        "b": ("skipped", "execution_timeout"),
    }


async def test_a_probe_tells_of_an_engine_that_is_not_registered(site):
    agent = AgentRecord(AgentId(new_id()), "new", site.clock.now(), engine=EngineAddress(EngineType.FAKE, "new"))
    async with a_life(site) as fleet, asyncio.timeout(20):
        assert (await fleet.probe(agent)).health is AgentHealth.ONLINE
        assert site.engines[-1]._closed
        site.world("new").down()
        assert (await fleet.probe(agent)).health is AgentHealth.OFFLINE
        nonsense = replace(agent, engine=EngineAddress(EngineType.FAKE, "nonsense"))
        check = await fleet.probe(nonsense)
        assert (check.health, check.error) == (AgentHealth.ERROR, "no such engine")


async def test_an_engine_that_answers_late_is_away_meanwhile_and_back_at_once(site, monkeypatch):
    monkeypatch.setattr("aiop.orchestrator.fleet.CHECK_LIMIT", timedelta(milliseconds=10))
    agent = await site.register("slow")
    answer, asked = asyncio.Event(), 0
    build = site.build

    def slow(record):
        engine = build(record)
        check = engine.check

        async def late():
            nonlocal asked
            asked += 1
            await answer.wait()
            return await check()

        engine.check = late
        return engine

    site.build = slow
    async with a_life(site), asyncio.timeout(20):
        away = await site.agent_noted(agent, "it does not answer in time")
        assert away.health is AgentHealth.OFFLINE
        answer.set()
        await site.agent_is(agent, AgentHealth.ONLINE)
        assert asked == 1

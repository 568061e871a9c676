"""Agents at work: who gets what, how they are, and what becomes of those that are deleted."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from aiop.errors import EngineRefused
from aiop.interfaces import AGENTS, WORK
from aiop.model.agent import AgentHealth, AgentRecord, EngineAddress, EngineType
from aiop.model.ids import AgentId, new_id
from unit.orchestrator.fleet_lab import a_life, running, step


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

"""An engine that dies in mid run: it comes back, or stays away and what it ran goes on elsewhere, if that was asked."""

import asyncio
from datetime import timedelta

from aiop.interfaces import WORK, execution_topic
from aiop.model.agent import AgentHealth
from unit.orchestrator.fleet_lab import a_life, running, step


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

"""Which agent gets what: never more than it takes, in the order of submission, and nobody starves."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiop.interfaces import Lease
from aiop.model.agent import AgentHealth, AgentRecord, EngineCheck
from aiop.model.ids import AgentId, ExecutionId
from aiop.model.placement import reason_to_wait
from aiop.model.state import ExecutionStatus
from aiop.store import SqlStore, open_store
from contract.store.subject import AGENT, START, TTL, HandClock, Subject, a_workflow, an_agent, an_execution, ended

WORDS = ("cpu", "gpu")


async def agents_of(store: SqlStore, *agents: AgentRecord) -> None:
    await store.delete_agent(AGENT, force=True)
    for agent in agents:
        await store.add_agent(agent)


async def waiting(subject: Subject, store: SqlStore, *needs: str) -> list[ExecutionId]:
    workflow = a_workflow()
    await store.create_workflow(workflow)
    executions = []
    for need in needs:
        executions.append(await store.submit(an_execution(workflow, requires=(need,))))
        await subject.clock.advance(seconds=1)
    return executions


async def test_the_least_loaded_capable_agent_gets_the_next(subject: Subject, store: SqlStore) -> None:
    small = an_agent(capabilities=("cpu",), max_load=2)
    large = an_agent(capabilities=("cpu", "gpu"), max_load=4)
    await agents_of(store, small, large)
    await waiting(subject, store, "cpu", "cpu", "cpu", "gpu", "cpu", "cpu", "cpu")

    leases = await store.claim("a", ttl=TTL, limit=100)

    assert [lease.agent for lease in leases] == [small.id, large.id, large.id, large.id, small.id, large.id]


async def test_a_full_agent_holds_up_only_those_that_need_it(subject: Subject, store: SqlStore) -> None:
    few = an_agent(capabilities=("gpu",), max_load=1)
    many = an_agent(capabilities=("cpu",), max_load=10)
    await agents_of(store, few, many)
    executions = await waiting(subject, store, "gpu", "gpu", "cpu", "gpu", "cpu")

    leases = await store.claim("a", ttl=TTL, limit=100)

    assert [lease.execution for lease in leases] == [executions[0], executions[2], executions[4]]
    await store.commit(leases[0], ended())
    [next_one] = await store.claim("a", ttl=TTL, limit=100)
    assert next_one.execution == executions[1]


async def test_what_came_first_gets_the_last_place_whatever_queue_it_is_in(subject: Subject, store: SqlStore) -> None:
    await agents_of(store, an_agent(capabilities=("cpu", "gpu"), max_load=1))
    executions = await waiting(subject, store, "gpu", "cpu", "gpu")

    for expected in executions:
        [lease] = await store.claim("a", ttl=TTL, limit=100)
        assert lease.execution == expected
        await store.commit(lease, ended())


async def test_an_agent_that_is_away_gets_nothing_new_and_keeps_what_it_has(subject: Subject, store: SqlStore) -> None:
    agent = an_agent(capabilities=("cpu",))
    await agents_of(store, agent)
    first, second = await waiting(subject, store, "cpu", "cpu")
    await store.claim("a", ttl=TTL, limit=1)
    await store.note_check([agent.id], EngineCheck(AgentHealth.OFFLINE, START, error="gone"))
    await store.release("a")

    [again] = await store.claim("b", ttl=TTL, limit=100)

    assert (again.execution, again.agent) == (first, agent.id)
    await store.note_check([agent.id], EngineCheck(AgentHealth.ONLINE, START))
    assert [lease.execution for lease in await store.claim("b", ttl=TTL, limit=100)] == [second]


async def test_replicas_that_claim_at_once_never_overfill_an_agent(subject: Subject, store: SqlStore) -> None:
    await agents_of(store, an_agent(capabilities=("cpu",), max_load=3))
    await waiting(subject, store, *["cpu"] * 20)
    async with subject.replica() as other:
        claims = await asyncio.gather(
            *(each.claim(f"owner {n}", ttl=TTL, limit=2) for n, each in enumerate((store, other) * 4))
        )

    assert sum(map(len, claims)) == 3


async def test_a_queue_of_many_is_not_walked_through(subject: Subject, store: SqlStore) -> None:
    await agents_of(store, an_agent(capabilities=("cpu",), max_load=1), an_agent(capabilities=("gpu",), max_load=1))
    workflow = a_workflow()
    await store.create_workflow(workflow)
    await asyncio.gather(*(store.submit(an_execution(workflow, requires=("cpu",))) for _ in range(3000)))
    await subject.clock.advance(seconds=1)
    last = await store.submit(an_execution(workflow, requires=("gpu",)))
    await store.claim("a", ttl=TTL, limit=1)

    [lease] = await store.claim("a", ttl=TTL, limit=100)

    assert lease.execution == last


async def test_what_has_left_its_agent_is_placed_anew_in_its_turn_or_only_ended(
    subject: Subject, store: SqlStore
) -> None:
    first, second = an_agent(capabilities=("cpu",), max_load=2), an_agent(capabilities=("cpu",), max_load=1)
    await agents_of(store, first)
    executions = await waiting(subject, store, "cpu", "cpu")
    leases = await store.claim("a", ttl=TTL, limit=100)
    for lease in leases:
        await store.displace(lease)
    await store.note_check([first.id], EngineCheck(AgentHealth.OFFLINE, START, error="gone"))
    assert (await store.agent(first.id)).load == 0
    assert await store.claim("a", ttl=TTL, limit=100) == []

    assert await store.request_cancel(executions[1]) is ExecutionStatus.PENDING
    [ended_only] = await store.claim("a", ttl=TTL, limit=100)
    assert (ended_only.execution, ended_only.agent, ended_only.epoch) == (executions[1], "", 2)
    await store.commit(ended_only, ended(ExecutionStatus.CANCELLED))

    await store.add_agent(second)
    [again] = await store.claim("a", ttl=TTL, limit=100)
    assert (again.execution, again.agent, again.epoch) == (executions[0], second.id, 2)


def test_why_something_waits_is_said_with_the_agents_names() -> None:
    def said(*agents: AgentRecord) -> tuple[str, str]:
        waits = reason_to_wait(agents, ("cpu",))
        return str(waits.code), waits.detail

    able = {"capabilities": ("cpu",)}
    assert said(an_agent()) == ("no_agent", "no agent has the capabilities cpu")
    assert said(an_agent(name="x", **able, health=AgentHealth.OFFLINE, error="no answer")) == (
        "engine_unavailable",
        "no agent that could run it is online: x (no answer)",
    )
    assert said(an_agent(name="x", **able, max_load=2, load=2), an_agent(name="y")) == (
        "agent_capacity",
        "every agent that could run it is full: x (2 of 2)",
    )
    assert said(an_agent(**able))[0] == "agent_capacity"
    many = [an_agent(name=str(n), **able, max_load=1, load=1) for n in range(9)]
    assert said(*many)[1].endswith("3 (1 of 1), 4 (1 of 1) and 4 more")


# --- any order of anything, with crashes -----------------------------------------------------------------------

commands = st.one_of(
    st.tuples(st.just("submit"), st.sampled_from([("cpu",), ("gpu",), ("cpu", "gpu")])),
    st.tuples(st.just("claim"), st.sampled_from("ab"), st.integers(1, 4)),
    st.tuples(st.just("end"), st.integers(0, 9)),
    st.tuples(st.just("crash"), st.sampled_from("ab")),
    st.tuples(st.just("freeze"), st.sampled_from("ab")),
    st.tuples(st.just("reopen")),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(commands, max_size=40))
def test_no_agent_is_overfilled_or_leaks_a_place_whatever_crashes(script: list[Any]) -> None:
    asyncio.run(Play().run(script))


class Play:
    """Submits, claims, ends and crashes at will, and looks after each step."""

    agents = (
        an_agent(id=AgentId("agent-1"), capabilities=("cpu",), max_load=2),
        an_agent(id=AgentId("agent-2"), capabilities=("cpu", "gpu"), max_load=1),
        an_agent(id=AgentId("agent-3"), capabilities=("gpu",), max_load=1),
    )

    async def run(self, script: list[Any]) -> None:
        self.clock = HandClock()
        self.leases: dict[ExecutionId, Lease] = {}
        self.queue: dict[ExecutionId, tuple[str, ...]] = {}
        with TemporaryDirectory() as directory:
            self.url = f"sqlite+aiosqlite:///{Path(directory)}/aiop.db"
            for part in self.lives(script):
                async with open_store(self.url, clock=self.clock) as self.store:
                    if not await self.store.all_agents():
                        self.workflow = a_workflow()
                        await self.store.create_workflow(self.workflow)
                        for agent in self.agents:
                            await self.store.add_agent(agent)
                    for name, *arguments in part:
                        await getattr(self, name)(*arguments)
                        await self.check()
            async with open_store(self.url, clock=self.clock) as self.store:
                await self.finish()

    @staticmethod
    def lives(script: list[Any]) -> Iterator[list[Any]]:
        part: list[Any] = []
        for command in script:
            if command == ("reopen",):
                yield part
                part = []
            else:
                part.append(command)
        yield part

    async def submit(self, requires: tuple[str, ...]) -> None:
        execution = await self.store.submit(an_execution(self.workflow, requires=requires))
        self.queue[execution] = requires
        await self.clock.advance(seconds=0.001)

    async def claim(self, owner: str, limit: int) -> None:
        order = list(self.queue)
        new = []
        for lease in await self.store.claim(owner, ttl=TTL, limit=limit):
            held = self.leases.get(lease.execution)
            if held is not None:
                assert lease.agent == held.agent, "what was placed stays where it is"
            else:
                requires = self.queue.pop(lease.execution)
                agent = next(agent for agent in self.agents if agent.id == lease.agent)
                assert set(requires) <= set(agent.capabilities)
                new.append((order.index(lease.execution), requires))
            self.leases[lease.execution] = lease
        for requires in {each for _, each in new}:
            taken = [at for at, each in new if each == requires]
            queue = [at for at, execution in enumerate(order) if self.before(execution, order, new, requires)]
            assert taken == queue[: len(taken)], "first come, first served"
        if len(new) < limit and not any(lease.owner != owner for lease in self.leases.values()):
            self.nobody_waits_for_a_free_place()

    def before(self, execution: ExecutionId, order: list[ExecutionId], new: list[Any], requires: Any) -> bool:
        at = order.index(execution)
        return self.queue.get(execution) == requires or (at, requires) in new

    def nobody_waits_for_a_free_place(self) -> None:
        loads = Counter(lease.agent for lease in self.leases.values())
        for requires in self.queue.values():
            able = [agent for agent in self.agents if set(requires) <= set(agent.capabilities)]
            assert all(loads[agent.id] >= agent.max_load for agent in able)

    async def end(self, at: int) -> None:
        if self.leases:
            execution = list(self.leases)[at % len(self.leases)]
            await self.store.commit(self.leases.pop(execution), ended())

    async def crash(self, owner: str) -> None:
        """The owner starts again and takes up what it held."""
        for lease in await self.store.adopt_own(owner, ttl=TTL):
            assert lease.agent == self.leases[lease.execution].agent
            self.leases[lease.execution] = lease

    async def freeze(self, owner: str) -> None:
        """The leases of one owner run out; the other renews its own."""
        await self.clock.advance(seconds=TTL.total_seconds() - 1)
        for other in {"a", "b"} - {owner}:
            await self.store.renew(other, ttl=TTL)
        await self.clock.advance(seconds=1)

    async def check(self) -> None:
        loads = Counter(lease.agent for lease in self.leases.values())
        for agent in await self.store.all_agents():
            assert agent.load == loads[agent.id]
            assert agent.load <= agent.max_load

    async def finish(self) -> None:
        while self.queue or self.leases:
            await self.clock.advance(seconds=2 * TTL.total_seconds())
            await self.claim("c", 100)
            assert self.leases, "something can always go on"
            for _ in range(len(self.leases)):
                await self.end(0)
        assert all(agent.load == 0 for agent in await self.store.all_agents())

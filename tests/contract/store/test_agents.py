"""Agents as they are stored."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aiop.errors import InvalidState, NotFound
from aiop.interfaces import AgentQuery
from aiop.model.agent import Ability, AgentHealth, AgentStatus, EngineAddress, EngineCheck, EngineType, PodSettings
from aiop.model.ids import AgentId
from aiop.store import SqlStore
from contract.store.subject import AGENT, START, Subject, an_agent, claimed, ended, submitted


async def names(store: SqlStore, **query: object) -> list[str]:
    return [agent.name for agent in (await store.agents(AgentQuery(**query))).items]


async def test_an_agent_comes_back_as_it_was_stored(store: SqlStore) -> None:
    agent = an_agent(
        name="größer",
        description="one\nline",
        capabilities=("containerized_workflow", "gpu"),
        engine=EngineAddress(EngineType.DOCKER, "tcp://docker:2376"),
        container_registry="registry.example:5000/team",
        workflow_directory="/workflows",
        max_load=3,
        timeout=timedelta(seconds=1.5),
        sealed=b"\0secret",
        version="20.10",
        last_seen_at=START,
    )

    assert await store.add_agent(agent) == agent
    assert await store.agent(agent.id) == agent


async def test_how_an_agent_makes_its_pods_comes_back(store: SqlStore) -> None:
    pods = PodSettings(
        namespace="steps",
        node_selector=(("disk", "fast"),),
        tolerations=((("key", "gpu"), ("operator", "Exists")),),
        image_pull_secrets=("registry",),
        host_paths=True,
    )
    agent = an_agent(engine=EngineAddress(EngineType.KUBERNETES, None, pods))
    await store.add_agent(agent)
    assert (await store.agent(agent.id)).engine == agent.engine


async def test_agents_are_listed_by_what_they_are(subject: Subject, store: SqlStore) -> None:
    await store.add_agent(an_agent(name="Quiet", capabilities=("Gpu", "a_b")))
    await store.add_agent(an_agent(name="away", health=AgentHealth.OFFLINE, capabilities=("gpu2",)))
    await store.add_agent(an_agent(name="broken", health=AgentHealth.ERROR, capabilities=("axb",)))
    await claimed(store)

    assert await names(store, status=AgentStatus.IDLE) == ["Quiet"]
    assert await names(store, status=AgentStatus.BUSY) == ["agent"]
    assert await names(store, status=AgentStatus.OFFLINE) == ["away"]
    assert await names(store, status=AgentStatus.ERROR) == ["broken"]
    assert await names(store, capability="gpu") == ["Quiet"]
    assert await names(store, capability="a_b") == ["Quiet"]
    assert await names(store, name="UI") == ["Quiet"]
    assert await names(store, sort="name") == ["Quiet", "agent", "away", "broken"]
    page = await store.agents(AgentQuery(sort="name", limit=1, offset=1))
    assert ([agent.name for agent in page.items], page.total) == (["agent"], 4)


async def test_the_load_is_what_is_placed_there_and_nothing_else(store: SqlStore) -> None:
    leases = [await claimed(store) for _ in range(3)]
    assert (await store.agent(AGENT)).load == 3

    await store.commit(leases[0], ended())
    await store.release(leases[1].owner)

    # What was let go of is still on the agent: its containers run there.
    assert (await store.agent(AGENT)).load == 2


async def test_a_change_leaves_health_alone(subject: Subject, store: SqlStore) -> None:
    await store.note_check([AGENT], EngineCheck(AgentHealth.ERROR, START, error="too old"))
    agent = await store.agent(AGENT)
    await subject.clock.advance(seconds=5)

    changed = await store.change_agent(
        AGENT, lambda agent: replace(agent, name="other", max_load=1, health=AgentHealth.ONLINE, error=None)
    )

    assert changed == replace(agent, name="other", max_load=1, updated_at=START + timedelta(seconds=5))
    with pytest.raises(NotFound):
        await store.change_agent(AgentId("no such id"), lambda agent: agent)


async def test_changes_at_once_do_not_undo_each_other(store: SqlStore) -> None:
    await asyncio.gather(
        store.change_agent(AGENT, lambda agent: replace(agent, name="other")),
        store.change_agent(AGENT, lambda agent: replace(agent, max_load=agent.max_load + 1)),
    )

    agent = await store.agent(AGENT)
    assert (agent.name, agent.max_load) == ("other", 1_000_001)


async def test_what_an_engine_lacks_is_as_it_was_when_it_last_was_online(store: SqlStore) -> None:
    lacks = frozenset({Ability.CPU_LIMIT, Ability.MEMORY_LIMIT})
    await store.note_check([AGENT], EngineCheck(AgentHealth.ONLINE, START, lacks=lacks))
    await store.note_check([AGENT], EngineCheck(AgentHealth.OFFLINE, START, error="gone"))
    assert (await store.agent(AGENT)).lacks == lacks
    await store.note_check([AGENT], EngineCheck(AgentHealth.ONLINE, START))
    assert (await store.agent(AGENT)).lacks == frozenset()


async def test_an_engine_that_is_away_was_seen_when_it_last_answered(store: SqlStore) -> None:
    later = START + timedelta(minutes=1)
    await store.note_check([AGENT], EngineCheck(AgentHealth.ONLINE, START, version="1"))
    await store.note_check([AGENT], EngineCheck(AgentHealth.OFFLINE, later, error="gone"))

    agent = await store.agent(AGENT)

    assert (agent.health, agent.error, agent.version, agent.last_seen_at) == (AgentHealth.OFFLINE, "gone", "1", START)


async def test_an_agent_with_executions_is_deleted_by_force_only(store: SqlStore) -> None:
    lease = await claimed(store)

    with pytest.raises(InvalidState, match="1 executions are on the agent"):
        await store.delete_agent(AGENT, force=False)
    assert await store.delete_agent(AGENT, force=True) == [lease.execution]

    with pytest.raises(NotFound):
        await store.agent(AGENT)
    with pytest.raises(NotFound):
        await store.delete_agent(AGENT, force=True)
    assert await names(store) == []
    # Whoever owns the execution must still find its engine.
    [left] = await store.all_agents()
    assert (left.id, left.deleted) == (AGENT, True)
    await store.commit(lease, ended())
    assert await store.all_agents() == []


async def test_nothing_is_placed_on_a_deleted_agent(store: SqlStore) -> None:
    await store.delete_agent(AGENT, force=False)
    await submitted(store)

    assert await store.claim("a", ttl=timedelta(seconds=9), limit=9) == []


async def test_an_installation_has_one_agent_of_its_own(store: SqlStore) -> None:
    first = await store.add_agent(an_agent(name="local", installation="here", max_load=2))
    await store.add_agent(an_agent(name="local", installation="there"))

    again = await store.add_agent(an_agent(name="local", installation="here", max_load=7))
    assert again == replace(first, max_load=7)

    changed = await store.change_agent(first.id, lambda agent: replace(agent, max_load=3))
    assert await store.add_agent(an_agent(name="local", installation="here", max_load=9)) == changed

    # Deleted by its admin, it does not come back by itself.
    await store.delete_agent(first.id, force=False)
    await store.add_agent(an_agent(name="local", installation="here"))
    assert [agent.installation for agent in await store.all_agents()] == [None, "there"]

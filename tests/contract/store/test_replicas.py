"""Who is there, and what all agree on."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from aiop.model.replica import Replica, ReplicaRole
from aiop.store import SqlStore
from contract.store.subject import AGENT, START, TTL, Subject, an_agent, claimed, submitted

ONE = Replica("one", ReplicaRole.ALL, "1.0", "0001", START)
TWO = Replica("two", ReplicaRole.API, "1.1", "0002", START)


async def test_all_agree_on_what_the_first_proposed(store: SqlStore) -> None:
    assert await store.agree("id", "a") == "a"
    assert await store.agree("id", "b") == "a"
    assert await store.agree("other", "b") == "b"


async def test_those_who_propose_at_once_agree(subject: Subject, store: SqlStore) -> None:
    async with subject.replica() as second:
        answers = await asyncio.gather(
            *(each.agree("id", f"{n}") for n, each in enumerate((store, second) * 5)),
        )
    assert len(set(answers)) == 1


async def test_those_are_alive_who_were_heard_of(store: SqlStore) -> None:
    await store.beat(TWO, ttl=TTL)
    assert (await store.beat(ONE, ttl=TTL)).alive == [ONE, TWO]
    assert (await store.beat(replace(TWO, version="1.2"), ttl=TTL)).alive == [ONE, replace(TWO, version="1.2")]


async def test_who_is_silent_is_not_alive(subject: Subject, store: SqlStore) -> None:
    await store.beat(TWO, ttl=TTL)
    await subject.pass_over(TTL + timedelta(seconds=1))
    assert (await store.beat(ONE, ttl=TTL)).alive == [ONE]


async def test_who_leaves_is_not_alive(store: SqlStore) -> None:
    await store.beat(TWO, ttl=TTL)
    await store.leave("two")
    assert (await store.beat(ONE, ttl=TTL)).alive == [ONE]


async def test_who_was_silent_for_long_keeps_what_it_holds(subject: Subject, store: SqlStore) -> None:
    lease = await claimed(store, owner="two")
    await store.beat(TWO, ttl=TTL)
    await subject.pass_over(timedelta(hours=2))
    await subject.clock.advance(hours=2)
    await store.beat(ONE, ttl=TTL)

    assert [taken.execution for taken in await store.claim("one", ttl=TTL, limit=1)] == [lease.execution]


async def test_a_shared_database_tells_its_time(subject: Subject, store: SqlStore) -> None:
    first, second = [(await store.beat(ONE, ttl=TTL)).time for _ in range(2)]
    if subject.is_shared:
        assert first is not None
        assert second is not None
        assert timedelta(0) <= second - first < timedelta(minutes=1)
    else:
        assert first is None


async def test_a_renewal_waits_for_who_takes_over_and_tells_what_is_lost(subject: Subject, store: SqlStore) -> None:
    await claimed(store, owner="a")
    await subject.clock.advance(hours=1)
    async with subject.replica() as other:
        taken, kept = await asyncio.gather(other.claim("b", ttl=TTL, limit=10), store.renew("a", ttl=TTL))
    assert len(taken) + len(kept) == 1


async def test_a_local_agent_of_another_replica_gets_nothing(store: SqlStore) -> None:
    await store.delete_agent(AGENT, force=True)
    await store.add_agent(an_agent(installation="a"))
    execution = await submitted(store)

    assert await store.claim("b", ttl=TTL, limit=10) == []
    [lease] = await store.claim("a", ttl=TTL, limit=10)
    assert lease.execution == execution
    await store.release("a")
    assert await store.claim("b", ttl=TTL, limit=10) == []

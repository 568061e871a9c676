"""Who may write an execution."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aiop.errors import LeaseLost, NotFound
from aiop.interfaces import Changes, Lease, NewWorkflow
from aiop.store import SqlStore
from contract.store.subject import AGENT, TTL, Subject, a_step, an_execution, claimed, ended, running, submitted


async def test_the_oldest_are_claimed_first(subject: Subject, store: SqlStore, workflow: NewWorkflow) -> None:
    executions = []
    for _ in range(5):
        executions.append(await submitted(store, workflow))
        await subject.clock.advance(seconds=1)

    first = await store.claim("a", ttl=TTL, limit=2)
    rest = await store.claim("a", ttl=TTL, limit=10)

    assert [lease.execution for lease in (*first, *rest)] == executions
    assert {lease.epoch for lease in (*first, *rest)} == {1}


async def test_what_is_held_is_not_claimed(store: SqlStore) -> None:
    await claimed(store, owner="a")

    assert await store.claim("b", ttl=TTL, limit=10) == []
    assert await store.claim("a", ttl=TTL, limit=10) == []


async def test_an_expired_lease_is_claimed_by_others_with_a_higher_epoch(subject: Subject, store: SqlStore) -> None:
    lease = await claimed(store, owner="a")
    await subject.clock.advance(seconds=TTL.total_seconds())

    assert await store.claim("a", ttl=TTL, limit=10) == []
    [taken] = await store.claim("b", ttl=TTL, limit=10)

    assert taken == Lease(lease.execution, "b", lease.epoch + 1, AGENT)
    with pytest.raises(LeaseLost):
        await store.commit(lease, running())
    with pytest.raises(LeaseLost):
        await store.load(lease)
    await store.commit(taken, running())


async def test_an_expired_lease_that_nobody_took_still_writes(subject: Subject, store: SqlStore) -> None:
    lease = await claimed(store)
    await subject.clock.advance(hours=1)

    await store.commit(lease, running())


async def test_a_renewed_lease_is_held_longer(subject: Subject, store: SqlStore, workflow: NewWorkflow) -> None:
    lease = await claimed(store, workflow, owner="a")
    other = await claimed(store, workflow, owner="b")
    await subject.clock.advance(seconds=20)

    assert await store.renew("a", ttl=TTL) == [lease.execution]

    await subject.clock.advance(seconds=20)
    assert [taken.execution for taken in await store.claim("c", ttl=TTL, limit=10)] == [other.execution]
    await store.commit(lease, running())


async def test_a_renewal_tells_what_was_lost(subject: Subject, store: SqlStore, workflow: NewWorkflow) -> None:
    await claimed(store, workflow, owner="a")
    await subject.clock.advance(hours=1)
    await store.claim("b", ttl=TTL, limit=10)
    kept = await claimed(store, workflow, owner="a")

    assert await store.renew("a", ttl=TTL) == [kept.execution]


async def test_a_released_execution_is_claimed_at_once(store: SqlStore) -> None:
    lease = await claimed(store, owner="a")

    await store.release("a")

    with pytest.raises(LeaseLost):
        await store.commit(lease, running())
    [again] = await store.claim("a", ttl=TTL, limit=10)
    assert again == replace(lease, epoch=2)


async def test_whoever_goes_gives_back_all_also_what_his_last_claim_still_takes(
    store: SqlStore, workflow: NewWorkflow
) -> None:
    held = await claimed(store, owner="a")
    others = await claimed(store, owner="b")
    new = await submitted(store, workflow)
    claim = asyncio.create_task(store.claim("a", ttl=TTL, limit=10))
    await asyncio.sleep(0)  # it has been asked for
    claim.cancel()

    await store.release("a")

    assert await store.adopt_own("a", ttl=TTL) == []
    taken = await store.claim("c", ttl=TTL, limit=10)
    assert {lease.execution for lease in taken} == {held.execution, new}
    await store.commit(others, running())


async def test_who_has_lost_an_execution_cannot_displace_it(subject: Subject, store: SqlStore) -> None:
    lease = await claimed(store, owner="a")
    await subject.clock.advance(hours=1)
    [taken] = await store.claim("b", ttl=TTL, limit=10)

    await store.displace(lease)

    await store.commit(taken, running())


async def test_a_restart_adopts_its_own_under_new_epochs(subject: Subject, store: SqlStore) -> None:
    lease = await claimed(store, owner="a")
    await claimed(store, owner="b")

    assert await store.adopt_own("a", ttl=TTL) == [replace(lease, epoch=2)]

    with pytest.raises(LeaseLost):
        await store.commit(lease, running())


async def test_what_was_released_or_lost_is_not_adopted(subject: Subject, store: SqlStore) -> None:
    await claimed(store, owner="a")
    await store.release("a")
    assert await store.adopt_own("a", ttl=TTL) == []


async def test_an_ended_execution_is_never_claimed(subject: Subject, store: SqlStore) -> None:
    lease = await claimed(store, owner="a")
    await store.commit(lease, ended())
    await subject.clock.advance(hours=1)

    assert await store.claim("b", ttl=TTL, limit=10) == []
    assert await store.adopt_own("a", ttl=TTL) == []
    assert await store.renew("a", ttl=TTL) == []
    with pytest.raises(LeaseLost):
        await store.commit(lease, running())


async def test_each_execution_has_one_owner_when_replicas_claim_at_once(
    subject: Subject, store: SqlStore, workflow: NewWorkflow
) -> None:
    executions = [await submitted(store, workflow) for _ in range(30)]
    leases: list[Lease] = []
    async with subject.replica() as second, subject.replica() as third:

        async def claim_all(replica: SqlStore, owner: str) -> None:
            while len(leases) < len(executions):
                leases.extend(await replica.claim(owner, ttl=TTL, limit=4))

        replicas = enumerate((store, second, third) * 2)
        await asyncio.gather(*(claim_all(replica, f"owner {n}") for n, replica in replicas))

    assert sorted(lease.execution for lease in leases) == sorted(executions)


async def test_a_lease_of_another_owner_or_epoch_writes_nothing(store: SqlStore) -> None:
    lease = await claimed(store, owner="a")

    for false in (replace(lease, owner="b"), replace(lease, epoch=2), replace(lease, epoch=0)):
        with pytest.raises(LeaseLost):
            await store.commit(false, Changes(steps=[a_step()]))
    assert list((await store.load(lease)).summary.steps) == []


async def test_what_does_not_exist_cannot_be_loaded(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        await store.load(Lease("00000000-0000-7000-8000-000000000000", "a", 1, AGENT))


async def test_a_lease_is_as_long_as_was_asked(subject: Subject, store: SqlStore) -> None:
    await submitted(store)
    await store.claim("a", ttl=timedelta(seconds=1), limit=1)
    await subject.clock.advance(seconds=0.9)
    assert await store.claim("b", ttl=TTL, limit=1) == []
    await subject.clock.advance(seconds=0.2)
    assert len(await store.claim("b", ttl=TTL, limit=1)) == 1


@pytest.mark.slow
async def test_thousands_are_claimed_adopted_and_cancelled_at_once(store: SqlStore, workflow: NewWorkflow) -> None:
    count = 9000
    await asyncio.gather(*(store.submit(an_execution(workflow)) for _ in range(count)))

    assert len(await store.claim("a", ttl=TTL, limit=count)) == count
    assert len(await store.adopt_own("a", ttl=TTL)) == count
    assert len(await store.renew("a", ttl=TTL)) == count
    assert len(await store.request_delete(workflow.id)) == count
    assert len(await store.cancel_requests("a")) == count

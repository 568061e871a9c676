"""Two who write at once on PostgreSQL: whoever has waited for a lock goes by what is true then, not by what was."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import NotFound
from aiop.interfaces import Changes, NewSecret
from aiop.model.agent import AgentRecord
from aiop.model.ids import ExecutionId, TokenId, VersionId, new_id
from aiop.model.records import Role, TokenRecord, UserRecord
from aiop.model.replica import Replica, ReplicaRole
from aiop.model.state import ExecutionStatus
from aiop.store import SqlStore, tables
from aiop.store.dialect import dialect_for
from contract.store.subject import (
    AGENT,
    START,
    TTL,
    Subject,
    a_batch,
    a_pipeline,
    a_pipeline_run,
    an_agent,
    an_entry,
    claimed_run,
    ended,
    submitted,
)
from postgres_lab import Postgres

pytestmark = pytest.mark.postgres

T = TypeVar("T")


@pytest.fixture
async def subject(postgres: Postgres) -> AsyncIterator[Subject]:
    """PostgreSQL alone."""
    made = Subject(await postgres.clear_database())
    yield made
    await made.aclose()


@asynccontextmanager
async def another(subject: Subject) -> AsyncIterator[AsyncConnection]:
    """A transaction of somebody else; commits at the end."""
    engine = dialect_for(subject.url).writing_engine()
    try:
        async with engine.begin() as tx:
            yield tx
    finally:
        await engine.dispose()


_IS_WAITED_FOR = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
)


async def held_up_by(tx: AsyncConnection, call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Begin a call; returns once it waits for a lock of ``tx``."""
    task = asyncio.ensure_future(call)
    while not task.done() and not await tx.scalar(_IS_WAITED_FOR):
        pass
    assert not task.done(), "it was not held up"
    return task


async def lock(tx: AsyncConnection, table: Any, *condition: Any) -> None:
    assert (await tx.execute(select(table).where(*condition).with_for_update())).all()


async def test_a_cancel_that_waited_for_a_claim_asks_the_owner(subject: Subject, store: SqlStore) -> None:
    execution = await submitted(store)
    async with another(subject) as claim:
        await lock(claim, tables.executions, tables.executions.c.id == execution)
        cancel = await held_up_by(claim, store.request_cancel(execution))
        await claim.execute(
            insert(tables.leases).values(execution_id=execution, owner="a", epoch=1, agent_id=AGENT),
        )

    assert await cancel is ExecutionStatus.PENDING
    assert await store.cancel_requests("a") == [execution]


async def test_whoever_claims_does_not_queue_for_an_owner_who_renews_or_is_taken_over_from(
    subject: Subject, store: SqlStore
) -> None:
    execution = await submitted(store)
    await store.claim("a", ttl=TTL, limit=10)
    await subject.clock.advance(hours=1)
    async with another(subject) as other:
        await lock(other, tables.owners, tables.owners.c.id == "a")
        assert await store.claim("b", ttl=TTL, limit=10) == []

    assert [lease.execution for lease in await store.claim("b", ttl=TTL, limit=10)] == [execution]


async def test_whoever_waited_for_the_end_of_a_user_gives_him_no_token(subject: Subject, store: SqlStore) -> None:
    await store.add_user(UserRecord("bob", Role.VIEWER, "hash", START))
    token = TokenRecord(TokenId(new_id()), "bob", Role.VIEWER, "digest", "ci", START)
    async with another(subject) as end:
        await end.execute(delete(tables.users).where(tables.users.c.username == "bob"))
        giving = await held_up_by(end, store.add_token(token))

    with pytest.raises(NotFound):
        await giving
    assert await store.token("digest") is None


async def pinned(store: SqlStore) -> tuple[Any, ExecutionId, VersionId]:
    """A pipeline, and its only execution, which has ended, with its version."""
    pipeline = a_pipeline()
    await store.create_pipeline(pipeline)
    lease = await claimed_run(store, pipeline)
    await store.commit(lease, ended())
    return pipeline, lease.execution, (await store.execution(lease.execution)).version_id


async def copy_as_running(tx: AsyncConnection, execution: ExecutionId) -> None:
    """Write another execution of the same version."""
    table = tables.executions
    row = dict((await tx.execute(select(table).where(table.c.id == execution))).one()._mapping)
    changed = {"id": new_id(), "status": ExecutionStatus.RUNNING.value, "completed_at": None}
    await tx.execute(insert(table).values(row | changed))


async def test_a_version_stays_for_whoever_was_submitted_while_the_last_execution_of_it_went(
    subject: Subject, store: SqlStore
) -> None:
    _, execution, version = await pinned(store)
    async with another(subject) as submission:
        held = tables.versions.c.id == version
        await submission.execute(select(tables.versions.c.id).where(held).with_for_update(read=True, key_share=True))
        purge = await held_up_by(submission, store.purge([execution]))
        await copy_as_running(submission, execution)
    await purge

    with pytest.raises(NotFound):
        await store.execution(execution)
    assert await store.document(version)


async def test_a_version_that_goes_while_somebody_submits_is_stored_again(subject: Subject, store: SqlStore) -> None:
    pipeline, _, version = await pinned(store)
    async with another(subject) as retention:
        await lock(retention, tables.versions, tables.versions.c.id == version)
        submission = await held_up_by(retention, store.submit(a_pipeline_run(pipeline)))
        await retention.execute(delete(tables.versions).where(tables.versions.c.id == version))

    again = (await store.execution(await submission)).version_id
    assert again != version
    assert await store.document(again)


async def test_an_entry_of_the_cache_that_goes_takes_the_log_with_it_that_was_just_written(
    subject: Subject, store: SqlStore
) -> None:
    pipeline = a_pipeline()
    await store.create_pipeline(pipeline)
    lease = await claimed_run(store, pipeline)
    await store.commit(lease, Changes(logs=[a_batch(1, "old")], entries=[an_entry(lease)]))
    logs = tables.cache_logs
    async with another(subject) as commit:
        await lock(commit, tables.cache_entries, tables.cache_entries.c.key == "k1")
        forget = await held_up_by(commit, store.forget("k1"))
        await commit.execute(insert(logs).values(key="k1", seq=2, encoding=0, lines=b""))
    await forget

    async with another(subject) as later:
        assert await later.scalar(select(func.count()).select_from(logs)) == 0


async def test_a_former_value_stays_for_whoever_was_given_it_while_it_was_replaced(
    subject: Subject, store: SqlStore
) -> None:
    _, execution, _ = await pinned(store)
    await store.put_secret(NewSecret("TOKEN", b"1", None, "admin"))
    async with another(subject) as slow:
        await slow.execute(text("LOCK TABLE audit IN SHARE MODE"))
        put = await held_up_by(slow, store.put_secret(NewSecret("TOKEN", b"2", None, "admin")))
        async with another(subject) as claim:
            await copy_as_running(claim, execution)
        assert [each.sealed for each in await store.sealed_secrets(["TOKEN"])] == [b"1"]
    await put

    assert [each.sealed for each in await store.sealed_secrets(["TOKEN"])] == [b"2", b"1"]


async def test_a_value_that_is_replaced_during_a_purge_stays_for_whoever_was_given_it(
    subject: Subject, store: SqlStore
) -> None:
    _, execution, _ = await pinned(store)
    await store.put_secret(NewSecret("TOKEN", b"1", None, "admin"))
    table = tables.secret_values
    async with another(subject) as earlier:
        await earlier.execute(insert(table).values(name="OTHER", id=new_id(), sealed=b"", replaced_at=1))
    async with another(subject) as put:
        await put.execute(text("LOCK TABLE secret_values IN SHARE MODE"))
        purge = await held_up_by(put, store.purge_replaced_secrets())
        async with another(subject) as claim:
            await copy_as_running(claim, execution)
        await put.execute(update(table).where(table.c.name == "TOKEN").values(replaced_at=2))

    assert await purge == 1
    assert [each.sealed for each in await store.sealed_secrets(["TOKEN"])] == [b"1"]


async def test_what_was_changed_by_hand_stays_while_the_installation_starts(subject: Subject, store: SqlStore) -> None:
    agent = await store.add_agent(an_agent(installation="here", max_load=2))
    agents = tables.agents
    async with another(subject) as change:
        await lock(change, agents, agents.c.id == agent.id)
        start = await held_up_by(change, store.add_agent(an_agent(installation="here", max_load=9)))
        await change.execute(update(agents).where(agents.c.id == agent.id).values(max_load=3, updated_at=1))

    assert (await start).max_load == 3


async def test_who_changes_an_agent_is_told_of_what_was_placed_meanwhile(subject: Subject, store: SqlStore) -> None:
    execution = await submitted(store)
    seen: list[int] = []

    def look(agent: AgentRecord) -> AgentRecord:
        seen.append(agent.load)
        return agent

    async with another(subject) as claim:
        await dialect_for(subject.url).lock_placement(claim, wait=True)
        change = await held_up_by(claim, store.change_agent(AGENT, look))
        await claim.execute(
            insert(tables.leases).values(execution_id=execution, owner="a", epoch=1, agent_id=AGENT),
        )
    await change

    assert seen == [1]


async def test_a_sign_of_life_that_is_still_on_its_way_does_not_bring_back_who_leaves(
    subject: Subject, store: SqlStore
) -> None:
    one, two = (Replica(name, ReplicaRole.ALL, "1.0", "0001", START) for name in ("one", "two"))
    async with another(subject) as slow:
        await slow.execute(text("LOCK TABLE owners IN EXCLUSIVE MODE"))
        renewal = await held_up_by(slow, store.renew("one", ttl=TTL))
        last = asyncio.gather(store.beat(one, ttl=TTL), store.leave("one"))
        await asyncio.sleep(0)
        await submitted(store)  # whatever was to be written beside the leases is written
    await asyncio.gather(renewal, last)

    assert (await store.beat(two, ttl=TTL)).alive == [two]

"""Faults of the world on PostgreSQL: a server that restarts, connections that are cut, others in between, no space."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import StorageUnavailable
from aiop.interfaces import Changes, ExecutionQuery, Idempotency, NewWorkflow, WorkflowQuery
from aiop.store import SqlStore, tables
from aiop.store.dialect import dialect_for
from contract.store.subject import (
    TTL,
    HandClock,
    Subject,
    a_step,
    a_workflow,
    an_event,
    an_execution,
    claimed,
    ended,
    roomy_store,
)
from contract.store.test_outage import large_batch, wait_out
from postgres_lab import Postgres, connected
from small_disk import SmallDisk

pytestmark = pytest.mark.postgres


@pytest.fixture
async def subject(postgres: Postgres) -> AsyncIterator[Subject]:
    """PostgreSQL alone."""
    made = Subject(await postgres.clear_database())
    yield made
    await made.aclose()


async def cut_connections(url: str) -> None:
    """End those of the store, as a failing network does."""
    async with connected(url) as admin:
        await admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name IN ('aiop writer', 'aiop reader')"
        )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_restart_is_waited_out_by_owners_and_told_to_users(
    subject: Subject, store: SqlStore, workflow: NewWorkflow, postgres: Postgres, how: signal.Signals
) -> None:
    lease = await claimed(store, workflow)
    await asyncio.to_thread(postgres.stop, how)
    try:
        commits = [asyncio.ensure_future(store.commit(lease, Changes(events=[an_event(n)]))) for n in range(2, 5)]
        await subject.clock.somebody_sleeps()
        assert isinstance(store.health, StorageUnavailable)
        with pytest.raises(StorageUnavailable):
            await store.submit(an_execution(workflow))
        with pytest.raises(StorageUnavailable):
            await store.executions(ExecutionQuery())
        assert not any(commit.done() for commit in commits)
    finally:
        await asyncio.to_thread(postgres.start)
    later = asyncio.ensure_future(store.commit(lease, Changes(events=[an_event(5)])))
    await wait_out(subject.clock)
    await asyncio.gather(*commits, later)

    assert store.health is None
    assert [event.seq for event in await store.events(lease.execution)] == [1, 2, 3, 4, 5]
    assert (await store.executions(ExecutionQuery())).total == 1
    await store.submit(an_execution(workflow))


async def test_connections_that_were_cut_are_made_again(
    subject: Subject, store: SqlStore, workflow: NewWorkflow
) -> None:
    lease = await claimed(store, workflow)
    await store.executions(ExecutionQuery())
    await cut_connections(subject.url)

    commit = asyncio.ensure_future(store.commit(lease, Changes(steps=[a_step()])))
    await wait_out(subject.clock)
    await commit
    await read_again(lambda: store.executions(ExecutionQuery()))
    assert len((await store.execution(lease.execution)).steps) == 1


async def read_again(read: Callable[[], Awaitable[object]]) -> None:
    """Each connection of the pool may have been cut, and says so once."""
    for _ in range(5):
        try:
            await read()
        except StorageUnavailable:
            continue
        return
    raise AssertionError("the database is never read again")


async def test_one_key_is_one_execution_though_two_replicas_are_given_it_at_once(
    subject: Subject, store: SqlStore, workflow: NewWorkflow
) -> None:
    async with subject.replica() as other:
        for n in range(10):
            key = Idempotency("ann", f"key {n}", "digest")
            answers = await asyncio.gather(
                *(each.submit(an_execution(workflow), key) for each in (store, other, store, other))
            )
            assert len(set(answers)) == 1
    assert (await store.executions(ExecutionQuery())).total == 10
    assert sum((await store.counts()).values()) == 10


async def test_replicas_that_submit_and_end_crosswise_do_not_wait_for_each_other_for_ever(
    subject: Subject, store: SqlStore
) -> None:
    workflows = [a_workflow(f"w{n}") for n in range(8)]
    for each in workflows:
        await store.create_workflow(each)
    async with subject.replica() as other:

        async def work(replica: SqlStore, owner: str, chosen: list[NewWorkflow]) -> None:
            for _ in range(15):
                await asyncio.gather(*(replica.submit(an_execution(each)) for each in chosen))
                leases = await replica.claim(owner, ttl=TTL, limit=8)
                await asyncio.gather(*(replica.commit(lease, ended()) for lease in leases))

        async with asyncio.timeout(60):
            await asyncio.gather(work(store, "a", workflows), work(other, "b", workflows[::-1]))
    async with connected(subject.url) as admin:
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await admin.fetchval(deadlocks) == 0
    assert sum((await store.counts()).values()) == 2 * 15 * 8


async def test_a_transaction_that_another_breaks_is_tried_again(subject: Subject, store: SqlStore) -> None:
    first, second = a_workflow("first"), a_workflow("second")
    for each in (first, second):
        await store.create_workflow(each)
    lock = "SELECT 1 FROM workflows WHERE id = $1 FOR UPDATE"
    async with connected(subject.url) as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("SET LOCAL deadlock_timeout = '10s'")  # so it is the store's that is broken
        await other.fetch(lock, second.id)

        tries, reached = 0, asyncio.Event()

        async def lock_both(tx: AsyncConnection) -> int:
            nonlocal tries
            tries += 1
            for each in (first, second):
                await tx.execute(select(tables.workflows).where(tables.workflows.c.id == each.id).with_for_update())
                reached.set()
            return tries

        write = asyncio.ensure_future(store._db.write(lock_both))
        await reached.wait()
        await other.fetch(lock, first.id)
        await transaction.commit()
        assert await write == 2


async def test_the_server_ends_who_stops_in_the_middle_of_a_transaction(store: SqlStore) -> None:
    writer = await store._db.writer._connect()
    shown = [
        (await writer.exec_driver_sql(f"SHOW {name}")).scalar_one()
        for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
    ]
    await writer.rollback()
    assert shown == ["10s", "15s", "30s"]


async def test_readers_cannot_write_and_see_one_state(store: SqlStore) -> None:
    async with store._db.reading() as tx:
        before = (await tx.exec_driver_sql("SELECT count(*) FROM workflows")).scalar_one()
        await store.create_workflow(a_workflow())
        after = (await tx.exec_driver_sql("SELECT count(*) FROM workflows")).scalar_one()
    assert (before, after) == (0, 0)
    assert (await store.workflows(WorkflowQuery())).total == 1
    async with store._db._readers.connect() as tx:
        with pytest.raises(DBAPIError, match="read-only"):
            await tx.exec_driver_sql("DELETE FROM workflows")


async def test_more_readers_than_connections_wait_for_their_turn(store: SqlStore, workflow: NewWorkflow) -> None:
    await store.submit(an_execution(workflow))
    pages = await asyncio.gather(*(store.executions(ExecutionQuery()) for _ in range(100)))
    assert {page.total for page in pages} == {1}


def test_only_faults_of_the_world_are_outages() -> None:
    dialect = dialect_for("postgresql://nobody@nowhere/none")

    def raised(state: str | None) -> OperationalError:
        error = Exception("x")
        error.sqlstate = state  # type: ignore[attr-defined]
        return OperationalError("statement", {}, error)

    for state in ("53100", "53300", "57P01", "57P03", "57014", "08006", "55P03", "25P03", "25006", "28P01", "58030"):
        assert dialect.is_outage(raised(state)), state
        assert not dialect.is_conflict(raised(state)), state
    for state in ("40001", "40P01", "23505"):
        assert dialect.is_conflict(raised(state)), state
        assert not dialect.is_outage(raised(state)), state
    for state in ("22001", "42601", "22003", None):
        assert not dialect.is_outage(raised(state)), state
        assert not dialect.is_conflict(raised(state)), state
    assert dialect.is_full(raised("53100"))
    assert not dialect.is_full(raised("53300"))
    assert dialect.is_outage(TimeoutError())
    assert not dialect.is_outage(ValueError())


async def test_a_disk_of_the_server_that_is_full_loses_nothing() -> None:
    root = Path(tempfile.mkdtemp(prefix="aiop-postgres-"))
    disk = SmallDisk(root, 160 * 1024 * 1024)
    try:
        await fill_up(disk, Postgres(root=root, wal_level="minimal", max_wal_senders="0", max_wal_size="32MB"))
    finally:
        disk.close()
        root.rmdir()


async def fill_up(disk: SmallDisk, server: Postgres) -> None:
    clock = HandClock()
    try:
        async with roomy_store(await server.new_database(), clock=clock) as store:
            workflow = a_workflow()
            await store.create_workflow(workflow)
            lease = await claimed(store, workflow)
            disk.fill()
            batches = [large_batch(n) for n in range(1, 120)]
            commits = [
                asyncio.ensure_future(store.commit(lease, Changes(events=[an_event(n + 1)], logs=[batch])))
                for n, batch in enumerate(batches, 1)
            ]
            await clock.somebody_sleeps()
            with pytest.raises(StorageUnavailable):
                await store.create_workflow(a_workflow(document="x" * 4_000_000))

            disk.free()
            while not all(commit.done() for commit in commits):
                if not server.is_running:  # without space for its log it may have ended
                    await asyncio.to_thread(server.start)
                await clock.advance(seconds=60)
                await asyncio.sleep(0.1)  # another process: there is no event to await
            await asyncio.gather(*commits)
            await store.commit(lease, ended())
            assert sum(len(each.lines) for each in await store.logs(lease.execution, limit=1000)) == len(batches)
            await store.submit(an_execution(workflow))
    finally:
        server.close()

"""Faults of the world on SQLite: a full disk, a lock that somebody else holds, a file that is none."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from aiop.auth import AuthService, Principal
from aiop.errors import StorageUnavailable
from aiop.interfaces import Changes, ExecutionQuery, NewWorkflow
from aiop.model.records import LogBatch, Role
from aiop.store import SqlStore, open_store
from aiop.store.sqlite_connection import SqliteConnection
from contract.store.subject import (
    HandClock,
    Subject,
    a_batch,
    a_step,
    a_workflow,
    an_event,
    an_execution,
    claimed,
    ended,
    roomy_store,
)
from small_disk import SmallDisk

LARGE = 400_000


def large_batch(seq: int) -> LogBatch:
    """A batch that hardly compresses."""
    return a_batch(seq, random.Random(seq).randbytes(LARGE // 2).hex())


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the database lies."""
    return tmp_path / "aiop.db"


@pytest.fixture
async def subject(database: Path) -> AsyncIterator[Subject]:
    """SQLite alone."""
    made = Subject(f"sqlite+aiosqlite:///{database}")
    yield made
    await made.aclose()


class Disk:
    """A limit of the size of the database, for connections that are opened from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._limit: tuple[str, ...] = ()
        connect = SqliteConnection.open

        async def open_limited(path: str, *, pragmas: Sequence[str], busy_seconds: float) -> SqliteConnection:
            return await connect(path, pragmas=(*pragmas, *self._limit), busy_seconds=busy_seconds)

        monkeypatch.setattr(SqliteConnection, "open", open_limited)

    def limit(self, database: Path, *, spare_pages: int) -> None:
        with closing(sqlite3.connect(database)) as connection:
            [pages] = connection.execute("PRAGMA page_count").fetchone()
        self._limit = (f"max_page_count={pages + spare_pages}",)

    def free(self) -> None:
        self._limit = ()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk that gets full."""
    return Disk(monkeypatch)


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program writes."""
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.rollback()
    other.close()


async def until(condition: Callable[[], bool]) -> None:
    """Let the others run until it is so."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never was")


async def wait_out(clock: HandClock) -> None:
    """Let the writer's pause pass."""
    await clock.somebody_sleeps()
    await clock.advance(seconds=60)


async def test_a_full_disk_is_waited_out_by_owners_and_told_to_users(
    subject: Subject, database: Path, disk: Disk
) -> None:
    async with subject.replica() as before:
        workflow = a_workflow()
        await before.create_workflow(workflow)
    disk.limit(database, spare_pages=30)
    store = await subject.open()
    lease = await claimed(store, workflow)

    commits = [
        asyncio.ensure_future(store.commit(lease, Changes(events=[an_event(n + 1)], logs=[large_batch(n)])))
        for n in range(1, 6)
    ]
    await subject.clock.somebody_sleeps()

    assert isinstance(store.health, StorageUnavailable)
    assert "full" in str(store.health)
    with pytest.raises(StorageUnavailable, match="full"):
        await store.submit(an_execution(workflow))
    await store.ping()
    assert (await store.execution(lease.execution)).id == lease.execution
    assert not any(commit.done() for commit in commits)

    disk.free()
    later = asyncio.ensure_future(store.commit(lease, Changes(events=[an_event(7)])))
    await wait_out(subject.clock)
    await asyncio.gather(*commits, later)

    assert store.health is None
    assert [event.seq for event in await store.events(lease.execution)] == list(range(1, 8))
    assert await store.logs(lease.execution) == [large_batch(n) for n in range(1, 6)]
    assert (await store.executions(ExecutionQuery())).total == 1
    await store.submit(an_execution(workflow))


async def test_a_write_that_does_not_fit_is_not_half_written(subject: Subject, database: Path, disk: Disk) -> None:
    async with subject.replica() as before:
        workflow = a_workflow()
        await before.create_workflow(workflow)
    disk.limit(database, spare_pages=30)
    store = await subject.open()

    answers = await asyncio.gather(
        store.submit(an_execution(workflow)),
        store.create_workflow(a_workflow(document="x" * LARGE)),
        return_exceptions=True,
    )

    assert {type(answer) for answer in answers} == {StorageUnavailable}
    assert sum((await store.counts()).values()) == 0
    await store.submit(an_execution(workflow))
    assert store.health is None
    assert (await store.executions(ExecutionQuery())).total == 1


async def test_a_lock_is_waited_out_by_owners_and_told_to_users(
    subject: Subject, store: SqlStore, workflow: NewWorkflow, database: Path
) -> None:
    lease = await claimed(store, workflow)
    with locked(database):
        commits = [asyncio.ensure_future(store.commit(lease, Changes(events=[an_event(n)]))) for n in range(2, 5)]
        await subject.clock.somebody_sleeps()

        with pytest.raises(StorageUnavailable, match="locked"):
            await store.submit(an_execution(workflow))
        assert (await store.executions(ExecutionQuery())).total == 1
    await wait_out(subject.clock)
    await asyncio.gather(*commits)

    assert store.health is None
    assert [event.seq for event in await store.events(lease.execution)] == [1, 2, 3, 4]


async def test_who_shows_a_token_may_read_though_its_use_cannot_be_noted(
    subject: Subject, store: SqlStore, database: Path
) -> None:
    auth = AuthService(store, subject.clock, secret="s" * 32, remember=timedelta(0))
    user = await auth.users.create("reader", "a-long-password", Role.VIEWER)
    token = await auth.tokens.create(Principal(user.username, user.role), "laptop")

    with locked(database):
        assert (await auth.authenticate(token.text)).username == "reader"


async def test_a_commit_that_comes_while_another_fails_stays_behind_it(
    subject: Subject, store: SqlStore, database: Path
) -> None:
    lease = await claimed(store)
    with locked(database):
        first = asyncio.ensure_future(store.commit(lease, Changes(steps=[a_step(error="first")])))
        await asyncio.sleep(0)
        await until(lambda: not store._db.writer._queue)
        second = asyncio.ensure_future(store.commit(lease, Changes(steps=[a_step(error="second")])))
        await subject.clock.somebody_sleeps()
    await wait_out(subject.clock)
    await asyncio.gather(first, second)

    [step] = (await store.execution(lease.execution)).steps
    assert step.error == "second"


async def test_the_outage_and_its_end_are_logged_once_each(
    subject: Subject, store: SqlStore, workflow: NewWorkflow, database: Path
) -> None:
    lease = await claimed(store, workflow)
    with capture_logs() as lines:
        with locked(database):
            commit = asyncio.ensure_future(store.commit(lease, Changes(events=[an_event(2)])))
            for _ in range(2):
                await subject.clock.somebody_sleeps()
                with pytest.raises(StorageUnavailable):
                    await store.submit(an_execution(workflow))
        await wait_out(subject.clock)
        await commit

    warnings = [line["event"] for line in lines if line["log_level"] == "warning"]
    assert len(warnings) == 2
    assert "unavailable" in warnings[0]
    assert "again" in warnings[1]


async def test_the_next_user_succeeds_once_the_lock_is_gone(
    store: SqlStore, workflow: NewWorkflow, database: Path
) -> None:
    with locked(database), pytest.raises(StorageUnavailable):
        await store.submit(an_execution(workflow))

    await store.submit(an_execution(workflow))

    assert store.health is None


async def test_the_end_of_an_outage_is_found_without_a_writer(
    subject: Subject, store: SqlStore, workflow: NewWorkflow, database: Path
) -> None:
    with locked(database):
        with pytest.raises(StorageUnavailable):
            await store.submit(an_execution(workflow))
        await wait_out(subject.clock)
        await subject.clock.somebody_sleeps()
        assert store.health is not None
    with capture_logs() as lines:
        await wait_out(subject.clock)
        await until(lambda: store.health is None)

    assert [line["event"] for line in lines] == ["storage is available again"]


async def test_closing_in_an_outage_tells_the_owners(subject: Subject, store: SqlStore, database: Path) -> None:
    lease = await claimed(store)
    with locked(database):
        commit = asyncio.ensure_future(store.commit(lease, Changes(events=[an_event(2)])))
        await subject.clock.somebody_sleeps()
        await store.aclose()
        with pytest.raises(StorageUnavailable):
            await commit


async def test_an_owner_that_lost_its_lease_in_the_outage_is_told(
    subject: Subject, store: SqlStore, database: Path
) -> None:
    lease = await claimed(store)
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    commit = asyncio.ensure_future(store.commit(lease, Changes(steps=[a_step()])))
    await subject.clock.somebody_sleeps()
    other.execute("UPDATE leases SET owner = 'b', epoch = epoch + 1")
    other.execute("COMMIT")
    other.close()
    await wait_out(subject.clock)

    with pytest.raises(Exception, match="not held"):
        await commit
    assert list((await store.execution(lease.execution)).steps) == []


@pytest.fixture
def not_a_database(database: Path) -> None:
    """A file of something else."""
    database.write_bytes(b"no database at all, but long enough to look like one" * 100)


@pytest.mark.usefixtures("not_a_database")
async def test_a_file_that_is_no_database_is_unavailable(database: Path) -> None:
    with pytest.raises(StorageUnavailable, match="not a database"):
        async with open_store(f"sqlite+aiosqlite:///{database}", clock=HandClock()):
            pass


async def test_a_url_without_a_driver_is_refused() -> None:
    with pytest.raises(ValueError, match="no store"):
        async with open_store("mysql://here/aiop", clock=HandClock()):
            pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A real file system of 6 MB."""
    disk = SmallDisk(tmp_path / "small", 6 * 1024 * 1024)
    yield disk
    disk.close()


async def test_a_disk_that_is_really_full_loses_nothing(small_disk: SmallDisk) -> None:
    clock = HandClock()
    async with roomy_store(f"sqlite+aiosqlite:///{small_disk.path}/aiop.db", clock=clock) as store:
        workflow = a_workflow()
        await store.create_workflow(workflow)
        lease = await claimed(store, workflow)
        small_disk.fill()

        commits = [
            asyncio.ensure_future(store.commit(lease, Changes(events=[an_event(n + 1)], logs=[large_batch(n)])))
            for n in range(1, 4)
        ]
        await clock.somebody_sleeps()
        with pytest.raises(StorageUnavailable, match=r"full|disk") as refusal:
            await store.create_workflow(a_workflow(document="x" * LARGE))
        assert refusal.value.full
        assert (await store.execution(lease.execution)).id == lease.execution

        small_disk.free()
        await wait_out(clock)
        await asyncio.gather(*commits)
        await store.commit(lease, ended())
        assert await store.logs(lease.execution) == [large_batch(n) for n in range(1, 4)]
        await store.submit(an_execution(workflow))


async def test_a_writer_that_was_cancelled_lets_all_its_callers_go(store: SqlStore) -> None:
    begun = asyncio.Event()

    async def write_for_ever(_: AsyncConnection) -> None:
        begun.set()
        await asyncio.Event().wait()

    waiting = [asyncio.ensure_future(store._db.write(write_for_ever))]
    await begun.wait()
    waiting.append(asyncio.ensure_future(store.create_workflow(a_workflow())))
    await until(lambda: len(store._db.writer._queue) == 1)
    [writer] = [task for task in asyncio.all_tasks() if task.get_name() == "store-writer"]
    writer.cancel()

    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
    assert [type(answer) for answer in answers] == [StorageUnavailable] * 2
    with pytest.raises(StorageUnavailable):
        await store.create_workflow(a_workflow())
    assert isinstance(store.health, StorageUnavailable)

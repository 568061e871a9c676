"""What is particular to SQLite."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from aiop.interfaces import NewWorkflow, WorkflowQuery
from aiop.model.ids import VersionId, WorkflowId, new_id
from aiop.store import SqlStore, open_store
from aiop.store.dialect import dialect_for
from aiop.store.sqlite_connection import SqliteConnection
from aiop.store.sqlite_dialect import SqliteDialect


class StillClock:
    def now(self) -> datetime:
        return datetime(2025, 3, 1, tzinfo=UTC)

    async def sleep(self, delay: timedelta) -> None:
        raise AssertionError("nothing sleeps")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "aiop.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    async with open_store(f"sqlite+aiosqlite:///{path}", clock=StillClock()) as opened:
        yield opened


@pytest.fixture
def small_log(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(SqliteDialect, "_LOG_BYTES", 500_000)
    return 500_000


def size_of(file: Path) -> int:
    return file.stat().st_size


async def write(store: SqlStore, size: int) -> None:
    new = NewWorkflow(WorkflowId(new_id()), VersionId(new_id()), "name", None, "x" * size)
    await store.create_workflow(new)


async def test_the_writer_syncs_each_commit_and_overwrites_what_it_deletes(store: SqlStore) -> None:
    connection = await store._db.writer._connect()
    plain = (await connection.get_raw_connection()).driver_connection
    assert isinstance(plain, SqliteConnection)

    def settings(of: sqlite3.Connection) -> list[object]:
        return [of.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "secure_delete")]

    assert await plain.in_thread(settings) == ["wal", 2, 1]


async def test_readers_cannot_write(store: SqlStore) -> None:
    async with store._db.reading() as tx:
        with pytest.raises(OperationalError, match="readonly"):
            await tx.exec_driver_sql("DELETE FROM workflows")


async def test_a_snapshot_does_not_change(store: SqlStore) -> None:
    async with store._db.reading() as tx:
        before = (await tx.exec_driver_sql("SELECT count(*) FROM workflows")).scalar_one()
        await write(store, 10)
        after = (await tx.exec_driver_sql("SELECT count(*) FROM workflows")).scalar_one()
    assert (before, after) == (0, 0)
    assert (await store.workflows(WorkflowQuery())).total == 1


async def test_the_log_stays_small_under_readers_without_a_gap(small_log: int, store: SqlStore, path: Path) -> None:
    log = Path(f"{path}-wal")
    written = asyncio.Event()

    async def read() -> None:
        while not written.is_set():
            await store.workflows(WorkflowQuery())

    readers = [asyncio.ensure_future(read()) for _ in range(6)]
    sizes = []
    for _ in range(40):
        await write(store, 100_000)
        sizes.append(size_of(log))
    written.set()
    await asyncio.gather(*readers)

    assert sum(each > 3 * small_log for each in sizes) == 0
    assert any(later < earlier for earlier, later in pairwise(sizes))


async def test_the_log_is_gone_after_closing(path: Path) -> None:
    async with open_store(f"sqlite+aiosqlite:///{path}", clock=StillClock()) as store:
        await write(store, 10)
    assert [file.name for file in sorted(path.parent.iterdir())] == ["aiop.db"]


def test_only_faults_of_the_world_are_outages() -> None:
    dialect = dialect_for("sqlite+aiosqlite:////nowhere")

    def raised(code: int) -> OperationalError:
        error = sqlite3.OperationalError("x")
        error.sqlite_errorcode = code
        return OperationalError("statement", {}, error)

    for code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CANTOPEN):
        assert dialect.is_outage(raised(code))
    for code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_TOOBIG):
        assert not dialect.is_outage(raised(code))
    assert dialect.is_outage(OSError())
    assert not dialect.is_outage(ValueError())

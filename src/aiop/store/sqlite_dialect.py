"""SQLite: one file, one process."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from aiop.store.dialect import is_system_fault, system_says_full
from aiop.store.sqlite_connection import SqliteConnection

__all__ = ["SqliteDialect"]

_SNAPSHOT = "aiop_snapshot"


class SqliteDialect:
    """One file in WAL mode: one writer, and readers that it never blocks.

    ``synchronous=FULL`` syncs the log at each commit, so what was answered survives a loss of power.
    ``secure_delete`` overwrites what is deleted; an older copy of a page lives on in the ``-wal`` file until a
    checkpoint (each 4,000 pages, and when the last connection closes) lets new frames take its place. Readers that
    come one after the other without a gap would keep that from happening for ever: ``tidy`` makes the gap.
    """

    is_shared = False
    clock: ColumnElement[int] | None = None
    snapshot: Mapping[str, Any] = {_SNAPSHOT: True}

    _OUTAGES = frozenset(
        {
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
            sqlite3.SQLITE_NOMEM,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_PROTOCOL,
            sqlite3.SQLITE_NOTADB,
        }
    )
    _WRITER_PRAGMAS = (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        "wal_autocheckpoint=4000",
        "journal_size_limit=33554432",
        "cache_size=-16000",
        "temp_store=MEMORY",
    )
    _READER_PRAGMAS = ("query_only=ON", "cache_size=-4000", "temp_store=MEMORY")
    _BUSY_SECONDS = 1.0
    _PATIENT_SECONDS = 600.0
    _READERS = 4

    _LOG_BYTES = 33_554_432

    def __init__(self, url: URL) -> None:
        self._url = url
        self._path = Path(url.database or "")
        self._log = Path(f"{self._path}-wal")
        self._log_limit = self._LOG_BYTES

    def prepare(self) -> None:
        """Create directory and file for the owner alone; SQLite gives its other files the mode of this one."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        self._path.chmod(0o600)

    def writing_engine(self, *, patient: bool = False) -> AsyncEngine:
        """Make the engine of the writer."""
        busy_seconds = self._PATIENT_SECONDS if patient else self._BUSY_SECONDS
        engine = self._engine(self._WRITER_PRAGMAS, busy_seconds, poolclass=NullPool)
        event.listen(engine.sync_engine, "begin", _begin_writing)
        return engine

    def reading_engine(self) -> AsyncEngine:
        """Make the engine of the readers."""
        engine = self._engine(
            self._READER_PRAGMAS,
            self._BUSY_SECONDS,
            pool_size=self._READERS,
            max_overflow=0,
            pool_timeout=10,
            pool_use_lifo=True,  # the one with the warmest cache
            pool_reset_on_return=None,  # a connection rolls back as it is let go
        )
        event.listen(engine.sync_engine, "begin", _begin_reading)
        return engine

    def insert(self, table: Table) -> sqlite.Insert:
        """Begin an ``INSERT``."""
        return sqlite.insert(table)

    async def lock_placement(self, tx: AsyncConnection, *, wait: bool) -> bool:  # noqa: ARG002 - as the protocol has it
        """Do nothing: whoever writes is alone."""
        return True

    async def tidy(self, connection: AsyncConnection) -> None:
        """Empty a large log, for which readers are waited out; new ones go on in the file meanwhile."""
        if self._log_size() <= self._log_limit:
            return
        with suppress(sqlite3.Error):
            plain = (await connection.get_raw_connection()).driver_connection
            assert isinstance(plain, SqliteConnection)  # noqa: S101 - what _engine connects
            await plain.in_thread(_empty_log)
        self._log_limit = self._log_size() + self._LOG_BYTES

    def _log_size(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    async def damages(self, tx: AsyncConnection) -> Sequence[str]:
        """Have SQLite check its pages, and that its indexes hold what the tables hold."""
        found = [str(row[0]) for row in await tx.exec_driver_sql("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    def is_outage(self, error: BaseException) -> bool:
        """Look at SQLite's primary result code."""
        if is_system_fault(error):
            return True
        if not isinstance(error, DBAPIError):
            return False
        code = getattr(error.orig, "sqlite_errorcode", None)
        return error.connection_invalidated or (code is not None and code & 0xFF in self._OUTAGES)

    def is_conflict(self, error: BaseException) -> bool:  # noqa: ARG002 - as the protocol has it
        """Say no: whoever writes is alone."""
        return False

    def is_full(self, error: BaseException) -> bool:
        """Look at SQLite's code, or the system's."""
        origin = getattr(error, "orig", None) or error
        return system_says_full(origin) or getattr(origin, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL

    def _engine(self, pragmas: tuple[str, ...], busy_seconds: float, **options: Any) -> AsyncEngine:
        async def connect(*_: Any, **__: Any) -> SqliteConnection:
            return await SqliteConnection.open(str(self._path), pragmas=pragmas, busy_seconds=busy_seconds)

        # Without the values, which an error would show in our log.
        return create_async_engine(
            self._url, connect_args={"async_creator_fn": connect}, hide_parameters=True, **options
        )


def _empty_log(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    """Spare a single statement the transaction: it sees one state anyway."""
    if connection.get_execution_options().get(_SNAPSHOT):
        connection.exec_driver_sql("BEGIN")

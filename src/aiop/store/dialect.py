"""All that differs between databases: how to connect, which faults are the world's, the upsert construct."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Table, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

__all__ = ["Dialect", "SqliteDialect", "dialect_for"]


class Dialect(Protocol):
    """One kind of database."""

    def prepare(self) -> None:
        """Make ready what must exist before the first connection."""

    def writing_engine(self) -> AsyncEngine:
        """Make the engine of the one writer: transactions take the right to write as they begin."""

    def reading_engine(self) -> AsyncEngine:
        """Make the engine of the readers: connections refuse to write, transactions see one snapshot."""

    def insert(self, table: Table) -> sqlite.Insert:
        """Begin an ``INSERT`` that may go on with ``on_conflict_do_update``."""

    def is_outage(self, error: BaseException) -> bool:
        """Tell a fault of the world (disk full, locked, gone) from a fault of the statement."""


def dialect_for(url: str) -> Dialect:
    """Choose by the scheme; raises ``ValueError`` for one that is not known."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite+aiosqlite" and parsed.database:
        return SqliteDialect(parsed)
    raise ValueError(f"no store for {parsed.render_as_string()}: use sqlite+aiosqlite:///PATH")


class SqliteDialect:
    """One file in WAL mode: one writer, and readers that it never blocks.

    ``synchronous=FULL`` syncs the log at each commit, so what was answered survives a loss of power.
    ``secure_delete`` overwrites what is deleted; an older copy of a page lives on in the ``-wal`` file until a
    checkpoint (each 4,000 pages, and when the last connection closes) lets new frames take its place.
    """

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
        "journal_size_limit=67108864",
        "cache_size=-16000",
        "temp_store=MEMORY",
    )
    _READER_PRAGMAS = ("query_only=ON", "cache_size=-4000", "temp_store=MEMORY")
    _BUSY_SECONDS = 1.0
    _READERS = 4

    def __init__(self, url: URL) -> None:
        self._url = url
        self._path = Path(url.database or "")

    def prepare(self) -> None:
        """Create directory and file for the owner alone; SQLite gives its other files the mode of this one."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        self._path.chmod(0o600)

    def writing_engine(self) -> AsyncEngine:
        """Make the engine of the writer."""
        engine = create_async_engine(self._url, poolclass=NullPool, connect_args={"timeout": self._BUSY_SECONDS})
        return self._configured(engine, "BEGIN IMMEDIATE", self._WRITER_PRAGMAS)

    def reading_engine(self) -> AsyncEngine:
        """Make the engine of the readers."""
        engine = create_async_engine(
            self._url,
            pool_size=self._READERS,
            max_overflow=0,
            pool_timeout=10,
            pool_reset_on_return=None,
            connect_args={"timeout": self._BUSY_SECONDS},
        )
        return self._configured(engine, "BEGIN", self._READER_PRAGMAS)

    def insert(self, table: Table) -> sqlite.Insert:
        """Begin an ``INSERT``."""
        return sqlite.insert(table)

    def is_outage(self, error: BaseException) -> bool:
        """Look at SQLite's primary result code."""
        if isinstance(error, OSError | PoolTimeout):
            return True
        if not isinstance(error, DBAPIError):
            return False
        code = getattr(error.orig, "sqlite_errorcode", None)
        return error.connection_invalidated or (code is not None and code & 0xFF in self._OUTAGES)

    @staticmethod
    def _configured(engine: AsyncEngine, begin: str, pragmas: tuple[str, ...]) -> AsyncEngine:
        """Take transactions out of the driver's hands, which would begin them late and not around reads."""

        def on_connect(connection: Any, _record: object) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        def on_begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        event.listen(engine.sync_engine, "connect", on_connect)
        event.listen(engine.sync_engine, "begin", on_begin)
        return engine

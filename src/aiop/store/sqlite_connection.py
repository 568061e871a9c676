"""An aiosqlite connection that crosses to its thread once for each statement.

aiosqlite crosses once to open a cursor, once to execute, once to fetch and once to close; each crossing costs more
than a short statement does. SQLAlchemy takes this connection by its ``async_creator_fn``.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any

import aiosqlite

__all__ = ["SqliteConnection", "SqliteCursor"]


class SqliteConnection(aiosqlite.Connection):
    """Leaves transactions to the statements ``BEGIN`` and ``COMMIT``: the driver would begin them late."""

    @classmethod
    async def open(cls, path: str, *, pragmas: Sequence[str], busy_seconds: float) -> SqliteConnection:
        """Connect and set the pragmas; raises what ``sqlite3`` raises."""

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
            try:
                for pragma in pragmas:
                    _set(connection, pragma, until=time.monotonic() + busy_seconds)
            except sqlite3.Error:
                connection.close()
                raise
            return connection

        opened = cls(connect, iter_chunk_size=64)
        opened._thread.daemon = True
        try:
            await opened
        except BaseException:
            await asyncio.to_thread(opened._thread.join)  # it still has a word for the loop, which may end now
            raise
        return opened

    async def rollback(self) -> None:
        """Roll back, if there is something to roll back."""
        if self.in_transaction:
            await super().rollback()

    def cursor(self) -> SqliteCursor:  # type: ignore[override]
        """Open a cursor."""
        return SqliteCursor(self)

    async def in_thread(self, run: Any, *arguments: Any) -> Any:
        """Run a function of the plain connection and the arguments in the connection's thread."""
        return await self._execute(lambda: run(self._conn, *arguments))  # type: ignore[no-untyped-call]


def _set(connection: sqlite3.Connection, pragma: str, *, until: float) -> None:
    """Set a pragma. SQLite does not wait by itself for who turns on WAL at this moment."""
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


class SqliteCursor:
    """What SQLAlchemy asks of a cursor. All rows of a statement are fetched as it is executed."""

    arraysize = 1

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Sequence[Any] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> SqliteCursor:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> SqliteCursor:
        """Execute and fetch."""
        await self._connection.in_thread(self._run, sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> SqliteCursor:
        """Execute once for each."""
        await self._connection.in_thread(self._run_many, sql, parameters)
        return self

    async def fetchall(self) -> list[Any]:
        """Hand over the rows."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Do nothing: the plain cursor is closed already."""

    def _run(self, connection: sqlite3.Connection, sql: str, parameters: Iterable[Any]) -> None:
        cursor = connection.execute(sql, tuple(parameters))
        try:
            self._rows = cursor.fetchall()
            self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()

    def _run_many(self, connection: sqlite3.Connection, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        cursor = connection.executemany(sql, parameters)
        self.rowcount, self.description = cursor.rowcount, None
        cursor.close()

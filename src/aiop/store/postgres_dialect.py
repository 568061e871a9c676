"""PostgreSQL: many processes, each with one writing connection and a few that read.

Nothing that a replica holds here may outlive its being able to answer: a session that stops in the middle of a
transaction is ended by the server after a few seconds, and its locks go with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, cast, event, extract, func, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from aiop.store.dialect import is_system_fault, system_says_full

if TYPE_CHECKING:
    import asyncpg

__all__ = ["PostgresDialect", "connect"]

_SCHEMA_LOCK = 0x61696F70_0001
_PLACEMENT_LOCK = 0x61696F70_0002
"""Keys of advisory locks; the first bytes spell the project."""

_PATIENT_MS = 600_000
_COMMON = {
    "jit": "off",  # compiling takes longer than any of our statements
    "statement_timeout": "30000",
}
_WRITER = {
    **_COMMON,
    "application_name": "aiop writer",
    "lock_timeout": "15000",
    "idle_in_transaction_session_timeout": "10000",
}
_READER = {
    **_COMMON,
    "application_name": "aiop reader",
    "default_transaction_read_only": "on",
    "idle_in_transaction_session_timeout": "60000",
}
_MIGRATOR = {
    "application_name": "aiop migration",
    "statement_timeout": str(_PATIENT_MS),
    "lock_timeout": str(_PATIENT_MS),
}

_OUTAGE_CLASSES = ("08", "28", "3D", "53", "57", "58", "XX")
"""SQLSTATE: connection, authorization, no such database, resources, operator, system, internal."""
_OUTAGES = frozenset(
    {
        "25006",  # the server is a standby now
        "25P03",  # we were idle in a transaction: this process was stopped for a while
        "55P03",  # somebody holds a lock for long
    }
)
_CONFLICTS = frozenset(
    {
        "23505",  # another made the row that we looked for in vain
        "40001",
        "40P01",
        "0A000",  # the plan of a statement is older than the schema
    }
)
_FULL = "53100"


async def connect(url: URL, settings: dict[str, str], *, command_seconds: float | None = 40) -> asyncpg.Connection:
    """Connect as libpq would with this URL; what is missing there comes from its variables and ``.pgpass``."""
    import asyncpg

    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection: asyncpg.Connection = await asyncpg.connect(
        plain, timeout=10, command_timeout=command_seconds, server_settings=settings
    )
    return connection


class PostgresDialect:
    """One database of a server. Text is compared byte by byte (``COLLATE "C"``), as on SQLite."""

    is_shared = True
    clock: ColumnElement[int] | None = cast(extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
    snapshot: Mapping[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    _READERS = 5

    def __init__(self, url: URL) -> None:
        self._url = url

    def prepare(self) -> None:
        """Do nothing: the database is there, or it is not."""

    def writing_engine(self, *, patient: bool = False) -> AsyncEngine:
        """Make the engine of the writer, or of whoever changes the schema."""
        if not patient:
            return self._engine(_WRITER, poolclass=NullPool)
        engine = self._engine(_MIGRATOR, command_seconds=None, poolclass=NullPool)
        event.listen(engine.sync_engine, "begin", _lock_schema)
        return engine

    def reading_engine(self) -> AsyncEngine:
        """Make the engine of the readers: a single statement needs no transaction."""
        return self._engine(
            _READER,
            isolation_level="AUTOCOMMIT",
            pool_size=self._READERS,
            max_overflow=0,
            pool_timeout=10,
            pool_use_lifo=True,
        )

    def insert(self, table: Table) -> postgresql.Insert:
        """Begin an ``INSERT``."""
        return postgresql.insert(table)

    async def lock_placement(self, tx: AsyncConnection, *, wait: bool) -> bool:
        """Take the lock, in a statement before those that read under it: one sees the state at its start."""
        if wait:
            await tx.execute(text(f"SELECT pg_advisory_xact_lock({_PLACEMENT_LOCK})"))
            return True
        return bool(await tx.scalar(text(f"SELECT pg_try_advisory_xact_lock({_PLACEMENT_LOCK})")))

    async def tidy(self, connection: AsyncConnection) -> None:
        """Do nothing: the server's own vacuum does."""

    async def damages(self, tx: AsyncConnection) -> Sequence[str]:
        """Look for indexes that were not made to the end; pages are checked by ``pg_amcheck``."""
        broken = text("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1")
        return [f"the index {name} is not valid" for name in await tx.scalars(broken)]

    def is_outage(self, error: BaseException) -> bool:
        """Look at the SQLSTATE."""
        if is_system_fault(error):
            return True
        if not isinstance(error, DBAPIError):
            return False
        state = _state(error)
        return error.connection_invalidated or state[:2] in _OUTAGE_CLASSES or state in _OUTAGES

    def is_conflict(self, error: BaseException) -> bool:
        """Look at the SQLSTATE."""
        return _state(error) in _CONFLICTS

    def is_full(self, error: BaseException) -> bool:
        """Look at the SQLSTATE, or the system's code."""
        return _state(error) == _FULL or system_says_full(error)

    def _engine(self, settings: dict[str, str], *, command_seconds: float | None = 40, **options: Any) -> AsyncEngine:
        async def opened(*_: Any, **__: Any) -> asyncpg.Connection:
            return await connect(self._url, settings, command_seconds=command_seconds)

        # Without the values, which an error would show in our log.
        return create_async_engine(
            "postgresql+asyncpg://", connect_args={"async_creator_fn": opened}, hide_parameters=True, **options
        )


def _state(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error
    return getattr(origin, "sqlstate", None) or ""


def _lock_schema(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")

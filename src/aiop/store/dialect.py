"""All that differs between databases: how to connect, which faults are the world's, the upsert construct."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

__all__ = ["Dialect", "Upsert", "dialect_for", "is_system_fault", "system_says_full"]

Upsert: TypeAlias = sqlite.Insert | postgresql.Insert
"""An ``INSERT`` that may go on with ``on_conflict_do_update``."""


class Dialect(Protocol):
    """One kind of database."""

    is_shared: bool
    """Whether several processes may work on it at once."""

    snapshot: Mapping[str, Any]
    """Execution options of a reading connection all of whose statements are to see one state."""

    clock: ColumnElement[int] | None
    """The database's own time in microseconds, at the moment of asking; ``None`` if it has that of this machine."""

    def prepare(self) -> None:
        """Make ready what must exist before the first connection."""

    def writing_engine(self, *, patient: bool = False) -> AsyncEngine:
        """Make the engine of the one writer of this process.

        A patient one is for changing the schema: its transactions exclude each other, and wait as long as a large
        change may take.
        """

    def reading_engine(self) -> AsyncEngine:
        """Make the engine of the readers: connections refuse to write, and know ``snapshot``."""

    def insert(self, table: Table) -> Upsert:
        """Begin an ``INSERT`` that may go on with ``on_conflict_do_update``."""

    async def lock_placement(self, tx: AsyncConnection, *, wait: bool) -> bool:
        """Keep other replicas from placing executions until the end of the transaction; ``False`` if one does just
        now and is not to be waited for.
        """

    async def tidy(self, connection: AsyncConnection) -> None:
        """Do what is to be done now and then between two transactions of the writer; never raises."""

    async def damages(self, tx: AsyncConnection) -> Sequence[str]:
        """Have the database look itself through; returns a sentence for each thing that is broken."""

    def is_outage(self, error: BaseException) -> bool:
        """Tell a fault of the world (disk full, locked, gone) from a fault of the statement."""

    def is_conflict(self, error: BaseException) -> bool:
        """Tell whether another process got in between, so that the same transaction may succeed now."""

    def is_full(self, error: BaseException) -> bool:
        """Tell whether it is space that is wanting."""


def dialect_for(url: str) -> Dialect:
    """Choose by the scheme; raises ``ValueError`` for one that is not known."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("the database's URL cannot be read") from error
    scheme = parsed.drivername.partition("+")[0]
    if parsed.drivername == "sqlite+aiosqlite" and parsed.database:
        from aiop.store.sqlite_dialect import SqliteDialect

        return SqliteDialect(parsed)
    if scheme in ("postgresql", "postgres"):
        from aiop.store.postgres_dialect import PostgresDialect

        return PostgresDialect(parsed)
    raise ValueError(
        f"no store for {parsed.render_as_string()}: use sqlite+aiosqlite:///PATH or postgresql://USER@HOST/DATABASE"
    )


def is_system_fault(error: BaseException) -> bool:
    """Tell whether the system, or the pool of connections, is at fault."""
    return isinstance(error, OSError | PoolTimeout)


def system_says_full(error: BaseException) -> bool:
    """Tell whether the system says that there is no space."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)

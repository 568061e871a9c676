"""What the parts of the store share: readers, the writer, the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Insert, Select, Table, Update, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import StorageUnavailable
from aiop.interfaces import Clock
from aiop.store import tables
from aiop.store.audit_log import AuditLog
from aiop.store.bulk import Bulk
from aiop.store.codec import AnyRow, micros
from aiop.store.dialect import Dialect
from aiop.store.ledger import Ledger
from aiop.store.writer import Calls, Writer

__all__ = ["Database", "Part"]

T = TypeVar("T")


class Database:
    """One open database."""

    def __init__(self, dialect: Dialect, clock: Clock, *, series_limit: int, traced: bool, shard: int) -> None:
        self.clock = clock
        self.series_limit = series_limit
        self.traced = traced
        self.dialect = dialect
        self.shard = shard
        writing = dialect.writing_engine()
        self._sql_dialect = writing.dialect
        self.ledger = Ledger(self)
        self.writer = Writer(dialect, writing, self.ledger, clock)
        self.leases = self.writer
        """For leases, where others may take them: they must not wait behind what is long."""
        if dialect.is_shared:
            self.leases = Writer(dialect, dialect.writing_engine(), Ledger(self), clock)
        self.audit = AuditLog(self.bulk(insert(tables.audit)), self.ledger, self.now)
        self._calls = Calls()
        self._readers = dialect.reading_engine()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a snapshot: its statements see one state. Raises ``StorageUnavailable``."""
        async with self._connected() as connection:
            yield await connection.execution_options(**self.dialect.snapshot)

    async def rows(self, statement: Select[Any], values: Mapping[str, Any] | None = None) -> Sequence[AnyRow]:
        """Read the rows of a single statement; raises ``StorageUnavailable``."""
        async with self._connected() as connection:
            rows: Sequence[AnyRow] = (await connection.execute(statement, values)).all()
            return rows

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._readers.connect() as connection:
                yield connection
        except Exception as error:
            if self.dialect.is_outage(error):
                raise StorageUnavailable(f"the database cannot be read: {getattr(error, 'orig', error)}") from error
            raise

    async def write(self, call: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run ``call`` in the writer's transaction. It may run twice, and must raise before it writes."""
        result: T = await self.writer.run(self._calls, call)
        return result

    async def write_lease(self, call: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run ``call``, which is about leases alone, in a transaction that does not wait behind others of ours."""
        result: T = await self.leases.run(self._calls, call)
        return result

    def start(self) -> None:
        """Begin to write; needs a running loop."""
        self.writer.start()
        if self.leases is not self.writer:
            self.leases.start()

    def now(self) -> int:
        """Return the time as it is stored."""
        return micros(self.clock.now())

    def bulk(self, statement: Insert | Update, columns: Sequence[str] | None = None) -> Bulk:
        """Prepare a statement for many rows; an ``INSERT`` takes all columns of its table if none are named."""
        return Bulk(self._sql_dialect, statement, columns)

    def upsert(self, table: Table) -> Bulk:
        """Prepare an ``INSERT`` of whole rows that replaces the row with the same key."""
        new = self.dialect.insert(table)
        statement = new.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={column.name: new.excluded[column.name] for column in table.c if not column.primary_key},
        )
        return self.bulk(statement)

    async def aclose(self) -> None:
        """Finish writing, then close every connection."""
        await self.writer.aclose()
        if self.leases is not self.writer:
            await self.leases.aclose()
        await self._readers.dispose()


class Part:
    """One consumer's part of the store."""

    def __init__(self, db: Database) -> None:
        self._db = db

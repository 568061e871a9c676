"""Copying a database whole into another one, of whatever kind: all of it, or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, text, tuple_
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import InvalidState, StorageUnavailable
from aiop.store import tables
from aiop.store.bulk import Bulk
from aiop.store.codec import AnyRow
from aiop.store.dialect import dialect_for
from aiop.store.schema import HEAD, create, revision_of

__all__ = ["CopiedTable", "copy"]

_AT_ONCE = 500
_LEFT_OUT = frozenset({tables.replicas.name})
"""Of the moment."""
_NOT_CONTENT = _LEFT_OUT | {tables.installation.name}
"""What a database has that nobody has used yet."""
_MODULUS = 2**128


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """What a table holds: ``digest`` is equal for equal rows, whatever their order."""

    name: str
    rows: int
    digest: str


async def copy(source: str, target: str, *, copied: Callable[[CopiedTable], None]) -> None:
    """Copy all rows from one URL to the other, in one transaction that ends once both are found to be equal.

    ``copied`` is told of each table. Nobody else may write to either. Raises ``InvalidState`` if the target holds
    something, if one of them has not the schema of this release, or if what was written is read back otherwise;
    ``StorageUnavailable``.
    """
    dialect_for(target).prepare()
    writers = dialect_for(target).writing_engine(patient=True)
    try:
        async with _opened(source) as snapshot, writers.begin() as to:
            await _check_target(to)
            await to.execute(delete(tables.installation))
            for table in tables.metadata.sorted_tables:
                if table.name not in _LEFT_OUT:
                    copied(await _copy_table(table, snapshot, to))
            await to.execute(text("ANALYZE"))
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable(f"the database cannot be copied: {getattr(error, 'orig', error)}") from error
    finally:
        await writers.dispose()


@asynccontextmanager
async def _opened(source: str) -> AsyncIterator[AsyncConnection]:
    """Open the source, all of whose rows are seen as they are at one moment; raises ``InvalidState``."""
    dialect = dialect_for(source)
    engine = dialect.reading_engine()
    try:
        async with AsyncExitStack() as stack:
            try:
                plain = await stack.enter_async_context(engine.connect())
                snapshot = await plain.execution_options(**dialect.snapshot)
                revision = await snapshot.run_sync(revision_of)
            except SQLAlchemyError as error:
                raise InvalidState(f"the source cannot be read: {getattr(error, 'orig', error)}") from error
            if revision is None:
                raise InvalidState("the source is empty: is it the right file?")
            if revision != HEAD:
                raise InvalidState(f"the source has the schema {revision}, and {HEAD} is needed: upgrade it")
            yield snapshot
    finally:
        await engine.dispose()


async def _check_target(tx: AsyncConnection) -> None:
    revision = await tx.run_sync(revision_of)
    if revision is None:
        await tx.run_sync(create)
    elif revision != HEAD:
        raise InvalidState(f"the target has the schema {revision}, and {HEAD} is needed")
    for table in tables.metadata.sorted_tables:
        if table.name not in _NOT_CONTENT and await tx.scalar(select(func.count()).select_from(table)):
            raise InvalidState(f"the target is not empty: there is something in {table.name}")


async def _copy_table(table: Table, source: AsyncConnection, target: AsyncConnection) -> CopiedTable:
    names = [column.name for column in table.c]
    new = Bulk(target.dialect, insert(table), names)
    sent = _Sum()
    async for rows in _pieces(table, source):
        await new.execute(target, [dict(zip(names, row, strict=True)) for row in rows])
        sent.add(rows)
    found = _Sum()
    async for rows in _pieces(table, target):
        found.add(rows)
    if (sent.rows, sent.total) != (found.rows, found.total):
        raise InvalidState(f"{table.name}: {sent.rows} rows were written, and {found.rows} others are there")
    return CopiedTable(table.name, found.rows, f"{found.total:032x}")


async def _pieces(table: Table, tx: AsyncConnection) -> AsyncIterator[Sequence[AnyRow]]:
    """Read all rows in the order of the primary key, some at a time."""
    key = list(table.primary_key.columns)
    places = [list(table.c).index(column) for column in key]
    chosen = select(table).order_by(*key).limit(_AT_ONCE)
    rows: Sequence[AnyRow] = (await tx.execute(chosen)).all()
    while rows:
        yield rows
        last: tuple[Any, ...] = tuple(rows[-1][place] for place in places)
        beyond = tuple_(*key) > tuple_(*last) if len(key) > 1 else key[0] > last[0]
        rows = (await tx.execute(chosen.where(beyond))).all()


class _Sum:
    """Adds up digests of rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.total = 0

    def add(self, rows: Sequence[AnyRow]) -> None:
        for row in rows:
            digest = hashlib.blake2b(repr(tuple(row)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
            self.total = (self.total + int.from_bytes(digest)) % _MODULUS
        self.rows += len(rows)

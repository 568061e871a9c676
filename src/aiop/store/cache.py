"""The cache: entries by key, which of them go, and which files nobody needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, select

from aiop.interfaces import CachedResult
from aiop.model.artifacts import Garbage
from aiop.model.ids import UploadId
from aiop.store import tables, workspaces
from aiop.store.bulk import batched
from aiop.store.codec import AnyRow
from aiop.store.database import Database, Part
from aiop.store.executions import OPEN
from aiop.store.figures import whole_sum
from aiop.store.logs import LogCodec
from aiop.store.workspaces import EntryTable

__all__ = ["CachePart"]

K = TypeVar("K", bound=str)

_AT_ONCE = 500
_UPLOAD = "source:"


class CachePart(Part):
    """``CacheStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._entries = EntryTable(db)
        self._cache_codec = LogCodec()

    async def cached(self, key: str) -> CachedResult | None:
        """Read an entry with its log."""
        entries, logs = tables.cache_entries, tables.cache_logs
        async with self._db.reading() as tx:
            row: AnyRow | None = (await tx.execute(select(entries).where(entries.c.key == key))).one_or_none()
            if row is None:
                return None
            rows = (await tx.execute(select(logs).where(logs.c.key == key).order_by(logs.c.seq))).all()
        log = [line for each in rows for line in self._cache_codec.lines(each)]
        return CachedResult(workspaces.entry(row), log)

    async def forget(self, key: str) -> None:
        """Delete an entry."""

        async def delete(tx: Any) -> None:
            await self._entries.delete(tx, [key])

        await self._db.write(delete)

    async def evict(self, limit: int) -> int:
        """Delete the entries used least recently, in pieces."""
        entries = tables.cache_entries.c
        evicted = 0
        async with self._db.reading() as tx:
            over = (await tx.scalar(select(whole_sum(entries.size))) or 0) - limit
        while over > 0:
            oldest = await self._db.rows(
                select(entries.key, entries.size).order_by(entries.used_at, entries.key).limit(_AT_ONCE)
            )
            keys: list[str] = []
            for row in oldest:
                if over <= 0:
                    break
                keys.append(row.key)
                over -= row.size
            if not keys:
                break

            async def delete(tx: Any, keys: list[str] = keys) -> None:
                await self._entries.delete(tx, keys)

            await self._db.write(delete)
            evicted += len(keys)
        return evicted

    async def needless(self, held: Garbage) -> Garbage:
        """Ask for each kind who refers to it."""
        executions, places, pipelines = tables.executions.c, tables.workspaces.c, tables.pipelines.c
        under_way = (executions.pipeline_id.is_not(None), executions.status.in_(OPEN))
        async with self._db.reading() as tx:

            async def found(statement: Select[Any]) -> set[str]:
                return {value for value in await tx.scalars(statement) if value is not None}

            async def among(column: ColumnElement[Any], ids: Iterable[str], *only: ColumnElement[bool]) -> set[str]:
                known: set[str] = set()
                for some in batched(sorted(ids), _AT_ONCE):
                    known |= await found(select(column).where(column.in_(some), *only))
                return known

            open_places = (places.execution_id == executions.id, *under_way)
            snapshots = await found(select(executions.source).where(*under_way))
            snapshots |= await found(select(places.source).where(*open_places))
            snapshots |= await among(pipelines.snapshot, held.snapshots, pipelines.deleted_at.is_(None))
            layers = await found(select(places.layer).where(*open_places))
            layers |= await among(tables.cache_entries.c.layer, held.layers)
            names = [f"{_UPLOAD}{upload}" for upload in held.uploads]
            uploads = await among(func.lower(pipelines.source_directory), names, pipelines.deleted_at.is_(None))
            kept = await among(executions.id, held.outputs)
        return Garbage(
            snapshots=_without(held.snapshots, snapshots),
            layers=_without(held.layers, layers),
            uploads=_without(held.uploads, {UploadId(name.removeprefix(_UPLOAD)) for name in uploads}),
            outputs=_without(held.outputs, kept),
        )


def _without(held: frozenset[K], needed: Iterable[str]) -> frozenset[K]:
    gone = set(needed)
    return frozenset(each for each in held if each not in gone)

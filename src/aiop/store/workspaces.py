"""What steps of pipelines leave: workspaces, named outputs and cache entries as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.model.artifacts import OutputKind
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, StepId
from aiop.model.pipelines import CacheEntry, CacheOff, CacheUse, OutputRecord, WorkspaceRecord
from aiop.store import tables
from aiop.store.bulk import batched
from aiop.store.codec import AnyRow, clean, dump, dump_optional, load, load_optional
from aiop.store.database import Database

__all__ = ["EntryTable", "entry", "entry_row", "output", "output_row", "workspace", "workspace_row"]

_AT_ONCE = 500


def workspace_row(execution: ExecutionId, record: WorkspaceRecord) -> dict[str, Any]:
    """Encode a workspace; the pipeline is filled in where it is written."""
    return {
        "execution_id": execution,
        "step": record.step,
        "fan_index": record.index,
        "source": record.source,
        "layer": record.layer,
        "digest": record.digest,
        "size": record.size,
        "cache_use": record.use.value,
        "cache_key": record.key,
        "origin": record.origin,
        "reason": record.reason.value if record.reason else None,
        "parts": dump_optional(record.parts),
    }


def workspace(row: AnyRow) -> WorkspaceRecord:
    """Decode a row."""
    return WorkspaceRecord(
        step=StepId(row.step),
        index=row.fan_index,
        source=None if row.source is None else SnapshotId(row.source),
        layer=None if row.layer is None else LayerId(row.layer),
        digest=row.digest,
        size=row.size,
        use=CacheUse(row.cache_use),
        reason=None if row.reason is None else CacheOff(row.reason),
        key=row.cache_key,
        origin=None if row.origin is None else ExecutionId(row.origin),
        parts=load_optional(row.parts),
    )


def output_row(execution: ExecutionId, record: OutputRecord) -> dict[str, Any]:
    """Encode a named output."""
    return {
        "execution_id": execution,
        "name": record.name,
        "step": record.step,
        "kind": record.kind.value,
        "size": record.size,
        "sha256": record.sha256,
        "path": clean(record.path),
    }


def output(row: AnyRow) -> OutputRecord:
    """Decode a row."""
    return OutputRecord(
        name=row.name, step=StepId(row.step), path=row.path, kind=OutputKind(row.kind), size=row.size, sha256=row.sha256
    )


def entry_row(record: CacheEntry) -> dict[str, Any]:
    """Encode a cache entry; the times are filled in where it is written."""
    return {
        "key": record.key,
        "execution_id": record.execution,
        "step": record.step,
        "fan_index": record.index,
        "attempt": record.attempt,
        "size": record.size,
        "layer": record.layer,
        "digest": record.digest,
        "image_digest": record.image_digest,
        "outputs_truncated": record.outputs_truncated,
        "outputs": dump(record.outputs),
        "sealed": record.sealed,
    }


def entry(row: AnyRow) -> CacheEntry:
    """Decode a row."""
    return CacheEntry(
        key=row.key,
        execution=ExecutionId(row.execution_id),
        step=StepId(row.step),
        index=row.fan_index,
        attempt=row.attempt,
        layer=LayerId(row.layer),
        digest=row.digest,
        size=row.size,
        image_digest=row.image_digest,
        outputs=load(row.outputs),
        outputs_truncated=row.outputs_truncated,
        sealed=row.sealed,
    )


class EntryTable:
    """Writes cache entries with their logs, which are copied as they are stored."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._upsert = db.upsert(tables.cache_entries)

    async def add(self, tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
        """Insert or replace entries; the log of each attempt must have been written."""
        now = self._db.now()
        await self._upsert.execute(tx, [{**row, "created_at": now, "used_at": now} for row in rows])
        for row in rows:
            await tx.execute(_FORGET_LOG, {"keys": [row["key"]]})
            await tx.execute(
                _COPY_LOG,
                {
                    "entry": row["key"],
                    "execution": row["execution_id"],
                    "of_step": row["step"],
                    "of_index": row["fan_index"],
                    "of_attempt": row["attempt"],
                },
            )

    async def use(self, tx: AsyncConnection, keys: Sequence[str]) -> None:
        """Note that these have served."""
        for some in batched(keys, _AT_ONCE):
            await tx.execute(_USE, {"keys": some, "now": self._db.now()})

    async def delete(self, tx: AsyncConnection, keys: Sequence[str]) -> None:
        """Delete entries with their logs, in the order of ``add``: one that writes just now is waited for."""
        for some in batched(keys, _AT_ONCE):
            await tx.execute(_FORGET, {"keys": some})
            await tx.execute(_FORGET_LOG, {"keys": some})


_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_FORGET = delete(tables.cache_entries).where(tables.cache_entries.c.key.in_(_KEYS))
_FORGET_LOG = delete(tables.cache_logs).where(tables.cache_logs.c.key.in_(_KEYS))
_USE = update(tables.cache_entries).where(tables.cache_entries.c.key.in_(_KEYS)).values(used_at=bindparam("now"))
_COPY_LOG = insert(tables.cache_logs).from_select(
    ["key", "seq", "encoding", "lines"],
    select(
        bindparam("entry", type_=tables.cache_logs.c.key.type),
        tables.logs.c.seq,
        tables.logs.c.encoding,
        tables.logs.c.lines,
    ).where(
        tables.logs.c.execution_id == bindparam("execution"),
        tables.logs.c.step == bindparam("of_step"),
        tables.logs.c.fan_index == bindparam("of_index"),
        tables.logs.c.attempt == bindparam("of_attempt"),
    ),
)

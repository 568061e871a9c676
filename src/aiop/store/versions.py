"""Versions of pipelines: each document that was executed, once."""

from __future__ import annotations

import hashlib

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import NewExecution
from aiop.model.ids import VersionId
from aiop.store import tables

__all__ = ["drop_versions", "pipeline_version"]


async def pipeline_version(tx: AsyncConnection, new: NewExecution, now: int) -> VersionId:
    """Return the version with the document of the execution, stored if it is new; note its source as the newest."""
    document = new.document or ""
    digest = hashlib.sha256(document.encode("utf-8", "surrogatepass")).hexdigest()
    versions, pipelines = tables.versions, tables.pipelines
    await tx.execute(update(pipelines).where(pipelines.c.id == new.pipeline_id).values(snapshot=new.source))
    known = await tx.scalar(
        select(versions.c.id)
        .where(
            versions.c.pipeline_id == new.pipeline_id,
            versions.c.digest == digest,
            # Said once more for the planner, which does not derive it from a parameter: the index is partial.
            versions.c.pipeline_id.is_not(None),
        )
        .with_for_update(read=True, key_share=True)  # so that it does not go meanwhile
    )
    if known is not None:
        return VersionId(known)
    row = {
        "id": new.version_id,
        "pipeline_id": new.pipeline_id,
        "digest": digest,
        "created_at": now,
        "document": document,
    }
    await tx.execute(insert(versions).values(row))
    return new.version_id


async def drop_versions(tx: AsyncConnection, versions: set[str]) -> None:
    """Delete those of these versions, all of pipelines, that no execution is pinned to any more."""
    table, executions = tables.versions.c, tables.executions.c
    chosen = (table.id.in_(versions), table.pipeline_id.is_not(None))
    # Two statements: whoever submits just now is waited for, and only the next one sees his execution.
    await tx.execute(select(table.id).where(*chosen).order_by(table.id).with_for_update())
    pinned = select(executions.id).where(executions.version_id == table.id, executions.pipeline_id.is_not(None))
    await tx.execute(delete(tables.versions).where(*chosen, ~pinned.exists()))

"""Deleting, in pieces: each piece is one write among the others, so nobody waits for a large execution to go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import Counted
from aiop.model.ids import ExecutionId
from aiop.store import tables
from aiop.store.bulk import batched
from aiop.store.database import Database
from aiop.store.executions import ENDED, OPEN, ExecutionTable
from aiop.store.ledger import counted_as

__all__ = ["purge_executions", "purge_workflows"]

_ROWS = 500
_EXECUTIONS = 20
_OF_EXECUTIONS = (
    tables.logs,
    tables.events,
    tables.attempts,
    tables.steps,
    tables.workspaces,
    tables.outputs,
    tables.idempotency,
    tables.leases,
    tables.traces_due,
)


async def purge_executions(db: Database, executions: Sequence[ExecutionId]) -> None:
    """Delete those that have ended. The execution's own row goes last: what is interrupted is found again."""
    for group in batched(executions, _EXECUTIONS):
        async with db.reading() as tx:
            row = tables.executions.c
            ended = list(await tx.scalars(select(row.id).where(row.id.in_(group), row.status.in_(ENDED))))
        for table in (tables.logs, tables.events):
            for execution in await _large(db, table, ended):
                await _delete_by_seq(db, table, execution)
        await db.write(_deletion_of(ExecutionTable(db), ended))


async def _large(db: Database, table: Table, executions: Sequence[str]) -> Sequence[str]:
    """Choose the executions that have more rows than should go at once."""
    key = table.c.execution_id
    rows = await db.rows(select(key).where(key.in_(executions)).group_by(key).having(func.count() > _ROWS))
    return [row.execution_id for row in rows]


async def _delete_by_seq(db: Database, table: Table, execution: str) -> None:
    """Delete all rows of an execution but the last piece, which goes with the execution itself."""
    seq = table.c.seq
    beyond = select(seq).where(table.c.execution_id == execution).order_by(seq).offset(_ROWS).limit(1)
    while edge := await db.rows(beyond):
        await db.write(_run(delete(table).where(table.c.execution_id == execution, seq < edge[0].seq)))


def _deletion_of(table_of_executions: ExecutionTable, executions: Sequence[str]) -> Any:
    async def remove(tx: AsyncConnection) -> None:
        for table in _OF_EXECUTIONS:
            await tx.execute(delete(table).where(table.c.execution_id.in_(executions)))
        await table_of_executions.delete(tx, executions)

    return remove


def _run(statement: Any) -> Any:
    async def execute(tx: AsyncConnection) -> None:
        await tx.execute(statement)

    return execute


async def purge_workflows(db: Database) -> int:
    """Delete hidden workflows and pipelines all of whose executions have ended; returns how many."""
    executions = tables.executions.c
    purged = 0
    for table, parent in ((tables.workflows, executions.workflow_id), (tables.pipelines, executions.pipeline_id)):
        under_way = select(executions.id).where(parent == table.c.id, executions.status.in_(OPEN))
        async with db.reading() as tx:
            hidden = select(table.c.id).where(table.c.deleted_at.is_not(None), ~under_way.exists())
            gone = list(await tx.scalars(hidden))
        for each in gone:
            await _purge(db, table, parent, each)
        purged += len(gone)
    return purged


async def _purge(db: Database, table: Table, parent: Any, chosen: str) -> None:
    executions = tables.executions.c
    while True:
        async with db.reading() as tx:
            ended = select(executions.id).where(parent == chosen, executions.status.in_(ENDED))
            group = list(await tx.scalars(ended.limit(_ROWS)))
        if not group:
            break
        await purge_executions(db, [ExecutionId(each) for each in group])

    async def remove(tx: AsyncConnection) -> None:
        counts, tallies, series = tables.execution_counts, tables.tallies, tables.workflow_series
        await tx.execute(delete(counts).where(counts.c.workflow_id.in_((chosen, counted_as(None, chosen)))))
        await tx.execute(
            delete(tallies).where(tallies.c.counted == Counted.WORKFLOW.value, tallies.c.workflow == chosen)
        )
        await tx.execute(delete(series).where(series.c.workflow_id == chosen))
        if table is tables.workflows:  # those of pipelines go with the executions that are pinned to them
            await tx.execute(delete(tables.versions).where(tables.versions.c.workflow_id == chosen))
        await tx.execute(delete(table).where(table.c.id == chosen))

    await db.write(remove)

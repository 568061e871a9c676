"""Ending executions that nobody owns, and asking the owners of the others."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.model.ids import ExecutionId
from aiop.store import tables
from aiop.store.codec import AnyRow
from aiop.store.executions import OPEN, ExecutionTable

__all__ = ["cancel_all", "lock_cancellable"]

_FOUND = select(
    tables.executions.c.id,
    tables.executions.c.status,
    tables.executions.c.cancel_requested_at,
    tables.leases.c.epoch,
).outerjoin(tables.leases, tables.leases.c.execution_id == tables.executions.c.id)


async def lock_cancellable(tx: AsyncConnection, chosen: ColumnElement[bool]) -> Sequence[AnyRow]:
    """Keep the chosen executions from being claimed, and read them; ``epoch`` is ``None`` for what was never claimed.

    Two statements: what one joins is as it was when it began, and somebody may claim while it waits for the lock.
    """
    executions = tables.executions.c
    await tx.execute(select(executions.id).where(chosen).order_by(executions.id).with_for_update())
    return (await tx.execute(_FOUND.where(chosen))).all()


async def cancel_all(
    tx: AsyncConnection, table: ExecutionTable, chosen: ColumnElement[bool], now: int
) -> Sequence[ExecutionId]:
    """Cancel the chosen executions that nobody has claimed, and request it of the owners of the others under way."""
    executions = tables.executions.c
    rows = await lock_cancellable(tx, and_(chosen, executions.status.in_(OPEN)))
    await table.cancel_unclaimed(tx, [row.id for row in rows if row.epoch is None], now)
    await tx.execute(
        update(tables.executions)
        .where(chosen, executions.status.in_(OPEN), executions.cancel_requested_at.is_(None))
        .values(cancel_requested_at=now)
    )
    return [ExecutionId(row.id) for row in rows]

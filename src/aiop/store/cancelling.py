"""Ending executions that nobody owns, and asking the owners of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.model.ids import ExecutionId
from aiop.store import tables
from aiop.store.executions import OPEN, ExecutionTable

__all__ = ["CANCELLABLE", "cancel_all"]

CANCELLABLE = (
    select(
        tables.executions.c.id,
        tables.executions.c.status,
        tables.executions.c.cancel_requested_at,
        tables.leases.c.epoch,
    )
    .outerjoin(tables.leases, tables.leases.c.execution_id == tables.executions.c.id)
    .with_for_update(of=tables.executions)
)
"""``epoch`` is ``None`` for what was never claimed."""


async def cancel_all(
    tx: AsyncConnection, table: ExecutionTable, chosen: ColumnElement[bool], now: int
) -> Sequence[ExecutionId]:
    """Cancel the chosen executions that nobody has claimed, and request it of the owners of the others under way."""
    executions = tables.executions.c
    rows: Sequence[Any] = (await tx.execute(CANCELLABLE.where(chosen, executions.status.in_(OPEN)))).all()
    await table.cancel_unclaimed(tx, [row.id for row in rows if row.epoch is None], now)
    await tx.execute(
        update(tables.executions)
        .where(chosen, executions.status.in_(OPEN), executions.cancel_requested_at.is_(None))
        .values(cancel_requested_at=now)
    )
    return [ExecutionId(row.id) for row in rows]

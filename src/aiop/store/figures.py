"""For monitoring: a few short reads, whatever the database holds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import Figures, Tally
from aiop.interfaces.figures import OTHER_WORKFLOWS
from aiop.model.state import ExecutionStatus, StepStatus
from aiop.store import tables
from aiop.store.codec import moment
from aiop.store.database import Part
from aiop.store.ledger import ALL_WORKFLOWS
from aiop.store.tallies import tally

__all__ = ["FigurePart"]


class FigurePart(Part):
    """``FigureStore``."""

    async def activity(self) -> Figures:
        """Read what is under way."""
        async with self._db.reading() as tx:
            return await _activity(tx, ())

    async def figures(self) -> Figures:
        """Read what is under way and all tallies."""
        async with self._db.reading() as tx:
            return await _activity(tx, [tally(row) for row in await tx.execute(_TALLIES)])


async def _activity(tx: AsyncConnection, tallies: list[Tally] | tuple[()]) -> Figures:
    counts = {row.status: row.executions for row in await tx.execute(_COUNTS)}
    return Figures(
        running_executions=counts.get(ExecutionStatus.RUNNING.value, 0),
        pending_executions=counts.get(ExecutionStatus.PENDING.value, 0),
        oldest_pending=moment(await tx.scalar(_OLDEST)),
        running_steps=await tx.scalar(_RUNNING_STEPS) or 0,
        tallies=tallies,
    )


def whole_sum(column: ColumnElement[int]) -> ColumnElement[int]:
    """Add up; PostgreSQL would answer with a decimal number."""
    return cast(func.sum(column), BigInteger)


def counts_by_status(chosen: ColumnElement[bool]) -> Select[Any]:
    """Add up the kept counts over the shards."""
    counts = tables.execution_counts.c
    return select(counts.status, whole_sum(counts.executions).label("executions")).where(chosen).group_by(counts.status)


_executions, _steps, _tallies = tables.executions.c, tables.steps.c, tables.tallies.c
_COUNTS = counts_by_status(tables.execution_counts.c.workflow_id == ALL_WORKFLOWS)
_OLDEST = select(func.min(_executions.created_at)).where(_executions.status == ExecutionStatus.PENDING.value)
# The literal lets the database use the index that holds the running steps alone.
_RUNNING_STEPS = (
    select(func.count())
    .select_from(tables.steps.join(tables.executions, _executions.id == _steps.execution_id))
    .where(
        _steps.status == literal_column(f"'{StepStatus.RUNNING}'"),
        _executions.status == ExecutionStatus.RUNNING.value,
    )
)
_KEY = (_tallies.counted, _tallies.workflow, _tallies.label, _tallies.bucket)
_TALLIES = (
    select(*_KEY, whole_sum(_tallies.times).label("times"), whole_sum(_tallies.micros).label("micros"))
    .where(
        or_(
            _tallies.workflow.in_(("", OTHER_WORKFLOWS)),
            _tallies.workflow.in_(select(tables.workflow_series.c.workflow_id)),
        )
    )
    .group_by(*_KEY)
)

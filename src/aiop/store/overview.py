"""For pictures of the whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, bindparam, cast, func, select

from aiop.interfaces import Ended, ExecutionQuery, Glance, Page
from aiop.model.ids import PipelineId, WorkflowId
from aiop.model.state import ExecutionStatus, StepStatus
from aiop.store import executions, tables
from aiop.store.codec import micros
from aiop.store.database import Database, Part
from aiop.store.execution_list import ExecutionList

__all__ = ["OverviewPart"]

_MICROSECOND = timedelta(microseconds=1)


class OverviewPart(Part):
    """``OverviewStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._pages = ExecutionList()

    async def glances(self, query: ExecutionQuery) -> Page[Glance]:
        """Read a page, with one count over the steps of all its executions."""
        counts: dict[str, dict[StepStatus, int]] = defaultdict(dict)
        async with self._db.reading() as tx:
            rows, total = await self._pages.page(tx, query)
            for row in await tx.execute(_STEP_COUNTS, {"executions": [row.id for row in rows]}):
                counts[row.execution_id][StepStatus(row.status)] = row.steps
        return Page([Glance(executions.summary(row, ()), counts[row.id]) for row in rows], total)

    async def names(self, workflows: Iterable[WorkflowId], pipelines: Iterable[PipelineId]) -> Mapping[str, str]:
        """Read names by id."""
        found: dict[str, str] = {}
        for table, ids in ((tables.workflows, set(workflows)), (tables.pipelines, set(pipelines))):
            if ids:
                rows = await self._db.rows(select(table.c.id, table.c.name).where(table.c.id.in_(ids)))
                found.update((row.id, row.name) for row in rows)
        return found

    async def ended(self, since: datetime, *, width: timedelta) -> Sequence[Ended]:
        """Count by an index on the ends."""
        values = {"since": micros(since), "width": width // _MICROSECOND}
        rows = await self._db.rows(_ENDED, values)
        return [
            Ended(row.bucket, ExecutionStatus(row.status), row.executions, _duration(row.mean), _duration(row.longest))
            for row in rows
        ]


def _duration(value: Any) -> timedelta | None:
    # Two clocks may have made it negative.
    return None if value is None else max(timedelta(microseconds=int(value)), timedelta(0))


_STEP_COUNTS = (
    select(tables.steps.c.execution_id, tables.steps.c.status, func.count().label("steps"))
    .where(tables.steps.c.execution_id.in_(bindparam("executions", expanding=True)))
    .group_by(tables.steps.c.execution_id, tables.steps.c.status)
)
_took = tables.executions.c.completed_at - tables.executions.c.started_at
_bucket = (tables.executions.c.completed_at - bindparam("since", type_=BigInteger)) // bindparam(
    "width", type_=BigInteger
)
_ENDED = (
    select(
        _bucket.label("bucket"),
        tables.executions.c.status,
        func.count().label("executions"),
        cast(func.avg(_took), BigInteger).label("mean"),
        func.max(_took).label("longest"),
    )
    .where(
        tables.executions.c.completed_at >= bindparam("since", type_=BigInteger),
        tables.executions.c.status.in_(executions.ENDED),
    )
    .group_by("bucket", tables.executions.c.status)
    .order_by("bucket", tables.executions.c.status)
)

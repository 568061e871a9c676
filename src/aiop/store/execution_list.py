"""The list of executions: rows of a page, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import ExecutionQuery
from aiop.store import executions, tables
from aiop.store.codec import AnyRow
from aiop.store.figures import counts_by_status
from aiop.store.ledger import ALL_WORKFLOWS, counted_as
from aiop.store.lists import Listing

__all__ = ["ExecutionList"]


class ExecutionList:
    """Reads pages of executions, without their steps."""

    def __init__(self) -> None:
        self._listing = Listing(
            tables.executions,
            sorts=("id", "status", "created_at", "started_at", "completed_at"),
            unique="id",
            columns=executions.SHOWN,
            filters={
                "status": tables.executions.c.status == bindparam("status"),
                "workflow": tables.executions.c.workflow_id == bindparam("workflow"),
                "pipeline": tables.executions.c.pipeline_id == bindparam("pipeline"),
            },
        )

    async def page(self, tx: AsyncConnection, query: ExecutionQuery) -> tuple[Sequence[AnyRow], int]:
        """Read the rows of a page, and the count of all that the filter lets through."""
        if query.workflow and query.pipeline:  # none is of both
            return (), 0
        total = await self._count(tx, query)
        chosen = {"workflow": query.workflow, "pipeline": query.pipeline, "status": query.status}
        return await self._listing.rows(tx, query, total=total, **chosen), total

    @staticmethod
    async def _count(tx: AsyncConnection, query: ExecutionQuery) -> int:
        """Add up the kept counts."""
        every = query.workflow is None and query.pipeline is None
        parent = ALL_WORKFLOWS if every else counted_as(query.workflow, query.pipeline)
        counts = {row.status: row.executions for row in await tx.execute(_COUNTS, {"workflow": parent})}
        return sum(counts.values()) if query.status is None else counts.get(query.status, 0)


_COUNTS = counts_by_status(tables.execution_counts.c.workflow_id == bindparam("workflow"))

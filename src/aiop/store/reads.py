"""For answers: one snapshot each, and never in the way of the writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import NotFound
from aiop.interfaces import ExecutionQuery, Page, WorkflowQuery
from aiop.model.ids import ExecutionId, StepId, VersionId, WorkflowId
from aiop.model.records import (
    AttemptRecord,
    Event,
    ExecutionSummary,
    LogBatch,
    StepRecord,
    WorkflowRecord,
    WorkflowSummary,
)
from aiop.model.state import ExecutionStatus
from aiop.store import events, executions, steps, tables, workflows
from aiop.store.database import Database, Part
from aiop.store.lists import Listing
from aiop.store.logs import LogCodec, tail_start

__all__ = ["ReadPart"]


class ReadPart(Part):
    """``ReadStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._lines = LogCodec()
        self._workflow_list = Listing(
            tables.workflows, sorts=("id", "name", "status", "created_at", "updated_at"), unique="id"
        )
        self._execution_list = Listing(
            tables.executions, sorts=("id", "status", "created_at", "started_at", "completed_at"), unique="id"
        )

    async def ping(self) -> None:
        """Read something."""
        await self._db.rows(select(literal(1)).select_from(tables.workflows).limit(1))

    async def workflow(self, workflow: WorkflowId) -> WorkflowRecord:
        """Read one."""
        table = tables.workflows.c
        rows = await self._db.rows(workflows.NEWEST.where(table.id == workflow, table.deleted_at.is_(None)))
        if not rows:
            raise NotFound(f"there is no workflow {workflow}")
        return workflows.record(rows[0])

    async def workflows(self, query: WorkflowQuery) -> Page[WorkflowSummary]:
        """Read a page."""
        table = tables.workflows.c
        where: list[ColumnElement[bool]] = [table.deleted_at.is_(None)]
        if query.status is not None:
            where.append(table.status == query.status.value)
        if query.name is not None:
            where.append(table.name_folded.contains(workflows.fold(query.name), autoescape=True))
        async with self._db.reading() as tx:
            rows, total = await self._workflow_list.page(tx, query, columns=tuple(table), where=where)
        return Page([workflows.summary(row) for row in rows], total)

    async def document(self, version: VersionId) -> str:
        """Read a definition's JSON text."""
        rows = await self._db.rows(select(tables.versions.c.document).where(tables.versions.c.id == version))
        if not rows:
            raise NotFound(f"there is no version {version}")
        return str(rows[0].document)

    async def execution(self, execution: ExecutionId) -> ExecutionSummary:
        """Read one with its steps."""
        async with self._db.reading() as tx:
            chosen = select(*executions.SHOWN).where(tables.executions.c.id == execution)
            row = (await tx.execute(chosen)).one_or_none()
            if row is None:
                raise NotFound(f"there is no execution {execution}")
            found = await _steps_of(tx, [execution], steps.shown_columns())
        return executions.summary(row, found.get(execution, ()))

    async def executions(self, query: ExecutionQuery) -> Page[ExecutionSummary]:
        """Read a page, the steps of all its executions at once."""
        table = tables.executions.c
        where: list[ColumnElement[bool]] = []
        if query.workflow is not None:
            where.append(table.workflow_id == query.workflow)
        if query.status is not None:
            where.append(table.status == query.status.value)
        async with self._db.reading() as tx:
            rows = await self._execution_list.rows(tx, query, columns=executions.SHOWN, where=where)
            found = await _steps_of(tx, [row.id for row in rows], steps.small_columns())
            total = await tx.scalar(_count_of(query))
        return Page([executions.summary(row, found.get(row.id, ())) for row in rows], total or 0)

    async def attempts(self, execution: ExecutionId, step: StepId) -> Sequence[AttemptRecord]:
        """Read the attempts of a step."""
        table = tables.attempts.c
        rows = await self._db.rows(
            select(tables.attempts)
            .where(table.execution_id == execution, table.step == step)
            .order_by(table.fan_index, table.attempt)
        )
        return [steps.attempt(row) for row in rows]

    async def events(self, execution: ExecutionId, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """Read events in order."""
        table = tables.events.c
        chosen = select(tables.events).where(table.execution_id == execution, table.seq > after)
        return [events.event(row) for row in await self._db.rows(chosen.order_by(table.seq).limit(limit))]

    async def logs(
        self, execution: ExecutionId, *, after: int = 0, step: StepId | None = None, limit: int = 100
    ) -> Sequence[LogBatch]:
        """Read batches in order."""
        table = tables.logs.c
        chosen = select(tables.logs).where(table.execution_id == execution, table.seq > after)
        if step is not None:
            chosen = chosen.where(table.step == step)
        return self._lines.batches(await self._db.rows(chosen.order_by(table.seq).limit(limit)))

    async def log_tail(self, execution: ExecutionId, *, size: int) -> Sequence[LogBatch]:
        """Read the newest batches; the sizes are stored, so only these are decoded."""
        table = tables.logs.c
        async with self._db.reading() as tx:
            start = await tail_start(tx, execution, size)
            chosen = select(tables.logs).where(table.execution_id == execution, table.seq >= start)
            rows = (await tx.execute(chosen.order_by(table.seq))).all()
        return self._lines.batches(rows)

    async def counts(self) -> Mapping[ExecutionStatus, int]:
        """Count executions by status; a status without executions is 0."""
        counts = tables.execution_counts.c
        rows = await self._db.rows(
            select(counts.status, counts.executions).where(counts.workflow_id == executions.ALL_WORKFLOWS)
        )
        found = {row.status: row.executions for row in rows}
        return {each: found.get(each.value, 0) for each in ExecutionStatus}


def _count_of(query: ExecutionQuery) -> Select[Any]:
    counts = tables.execution_counts.c
    total = select(func.sum(counts.executions)).where(
        counts.workflow_id == (query.workflow or executions.ALL_WORKFLOWS)
    )
    return total if query.status is None else total.where(counts.status == query.status.value)


async def _steps_of(tx: AsyncConnection, chosen: Sequence[str], columns: Sequence[Any]) -> dict[str, list[StepRecord]]:
    key = tables.steps.c.execution_id
    rows = await tx.execute(select(*columns).where(key.in_(chosen)).order_by(*tables.steps.primary_key.columns))
    return {
        execution: [steps.step(row) for row in group]
        for execution, group in groupby(rows, key=lambda row: row.execution_id)
    }

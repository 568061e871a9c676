"""For answers: one snapshot each, and never in the way of the writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Integer, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import NotFound
from aiop.interfaces import ExecutionQuery, Page, PageQuery, WorkflowQuery
from aiop.model.ids import ExecutionId, StepId, VersionId, WorkflowId
from aiop.model.records import (
    AttemptRecord,
    Event,
    ExecutionSummary,
    LogBatch,
    StepRecord,
    VersionRecord,
    VersionSummary,
    WorkflowRecord,
    WorkflowSummary,
)
from aiop.model.state import ExecutionStatus
from aiop.store import events, executions, steps, tables, workflows
from aiop.store.codec import moment
from aiop.store.database import Database, Part
from aiop.store.execution_list import ExecutionList
from aiop.store.figures import counts_by_status
from aiop.store.ledger import ALL_WORKFLOWS
from aiop.store.lists import Listing
from aiop.store.logs import LogCodec, tail_start

__all__ = ["ReadPart"]


class ReadPart(Part):
    """``ReadStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._lines = LogCodec()
        self._workflow_list = Listing(
            tables.workflows,
            sorts=("id", "name", "status", "created_at", "updated_at"),
            unique="id",
            filters={
                "status": tables.workflows.c.status == bindparam("status"),
                "name": tables.workflows.c.name_folded.contains(bindparam("name"), escape=workflows.ESCAPE),
            },
            always=[tables.workflows.c.deleted_at.is_(None)],
        )
        self._version_list = Listing(
            tables.versions,
            sorts=("number",),
            unique="id",
            newest="number",
            columns=[tables.versions.c.number, tables.versions.c.created_at],
            filters={"workflow": tables.versions.c.workflow_id == bindparam("workflow")},
        )
        self._execution_list = ExecutionList()

    async def ping(self) -> None:
        """Read something."""
        await self._db.rows(_PING)

    async def workflow(self, workflow: WorkflowId) -> WorkflowRecord:
        """Read one."""
        rows = await self._db.rows(_WORKFLOW, {"workflow": workflow})
        if not rows:
            raise NotFound("Workflow not found")
        return workflows.record(rows[0])

    async def workflows(self, query: WorkflowQuery) -> Page[WorkflowSummary]:
        """Read a page."""
        name = None if query.name is None else workflows.pattern(query.name)
        async with self._db.reading() as tx:
            rows, total = await self._workflow_list.page(tx, query, status=query.status, name=name)
        return Page([workflows.summary(row) for row in rows], total)

    async def versions(self, workflow: WorkflowId, query: PageQuery) -> Page[VersionSummary]:
        """Read a page."""
        async with self._db.reading() as tx:
            rows, total = await self._version_list.page(tx, query, workflow=workflow)
        return Page([VersionSummary(row.number, moment(row.created_at)) for row in rows], total)

    async def version(self, workflow: WorkflowId, number: int) -> VersionRecord:
        """Read one."""
        rows = await self._db.rows(_VERSION, {"workflow": workflow, "number": number})
        if not rows:
            raise NotFound("Version not found")
        return VersionRecord(rows[0].number, moment(rows[0].created_at), rows[0].document)

    async def document(self, version: VersionId) -> str:
        """Read a definition's JSON text."""
        rows = await self._db.rows(_DOCUMENT, {"version": version})
        if not rows:
            raise NotFound("Version not found")
        return str(rows[0].document)

    async def execution(self, execution: ExecutionId, *, values: bool = True) -> ExecutionSummary:
        """Read one with its steps."""
        async with self._db.reading() as tx:
            row = (await tx.execute(_EXECUTION, {"execution": execution})).one_or_none()
            if row is None:
                raise NotFound("Execution not found")
            found = await _steps_of(tx, [execution], _SHOWN_STEPS if values else _SMALL_STEPS)
        return executions.summary(row, found.get(execution, ()))

    async def executions(self, query: ExecutionQuery) -> Page[ExecutionSummary]:
        """Read a page, the steps of all its executions at once."""
        async with self._db.reading() as tx:
            rows, total = await self._execution_list.page(tx, query)
            found = await _steps_of(tx, [row.id for row in rows], _SMALL_STEPS)
        return Page([executions.summary(row, found.get(row.id, ())) for row in rows], total)

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
        rows = await self._db.rows(_EVENTS, {"execution": execution, "after": after, "limit": limit})
        return [events.event(row) for row in rows]

    async def last_event(self, execution: ExecutionId) -> int:
        """Read the number of the newest event."""
        [row] = await self._db.rows(_LAST_EVENT, {"execution": execution})
        return row.seq or 0

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
        rows = await self._db.rows(_COUNTS, {"workflow": ALL_WORKFLOWS})
        found = {row.status: row.executions for row in rows}
        return {each: found.get(each.value, 0) for each in ExecutionStatus}


async def _steps_of(tx: AsyncConnection, chosen: Sequence[str], statement: Select[Any]) -> dict[str, list[StepRecord]]:
    rows = await tx.execute(statement, {"executions": chosen})
    return {
        execution: [steps.step(row) for row in group]
        for execution, group in groupby(rows, key=lambda row: row.execution_id)
    }


def _steps(columns: Sequence[Any]) -> Select[Any]:
    chosen = tables.steps.c.execution_id.in_(bindparam("executions", expanding=True))
    return select(*columns).where(chosen).order_by(*tables.steps.primary_key.columns)


# Built once: building one takes longer than running it.
_PING = select(tables.workflows.c.id).limit(1)
_WORKFLOW = workflows.NEWEST.where(
    tables.workflows.c.id == bindparam("workflow"), tables.workflows.c.deleted_at.is_(None)
)
_VERSION = select(tables.versions).where(
    tables.versions.c.workflow_id == bindparam("workflow"), tables.versions.c.number == bindparam("number")
)
_DOCUMENT = select(tables.versions.c.document).where(tables.versions.c.id == bindparam("version"))
_EXECUTION = select(*executions.SHOWN).where(tables.executions.c.id == bindparam("execution"))
_SMALL_STEPS = _steps(steps.small_columns())
_SHOWN_STEPS = _steps(steps.shown_columns())
_COUNTS = counts_by_status(tables.execution_counts.c.workflow_id == bindparam("workflow"))
_LAST_EVENT = select(func.max(tables.events.c.seq).label("seq")).where(
    tables.events.c.execution_id == bindparam("execution")
)
_EVENTS = (
    select(tables.events)
    .where(tables.events.c.execution_id == bindparam("execution"), tables.events.c.seq > bindparam("after"))
    .order_by(tables.events.c.seq)
    .limit(bindparam("limit", type_=Integer))
)

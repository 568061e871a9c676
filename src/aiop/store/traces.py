"""For traces: what is due, and what they tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import NotFound
from aiop.interfaces import DueTrace, TracedExecution, TracedStep
from aiop.model.ids import ExecutionId, PipelineId, StepId, WorkflowId
from aiop.model.records import AttemptRecord
from aiop.model.state import ExecutionStatus
from aiop.store import tables
from aiop.store.codec import load, moment
from aiop.store.database import Part
from aiop.store.steps import attempt, reason, small_columns, step

__all__ = ["TracePart"]


class TracePart(Part):
    """``TraceStore``."""

    async def due_traces(self, *, after: ExecutionId | None, limit: int) -> Sequence[DueTrace]:
        """List what is due."""
        due = tables.traces_due
        chosen = select(due).order_by(due.c.execution_id).limit(limit)
        if after is not None:
            chosen = chosen.where(due.c.execution_id > after)
        return [DueTrace(ExecutionId(row.execution_id), moment(row.ended_at)) for row in await self._db.rows(chosen)]

    async def traced_execution(self, execution: ExecutionId) -> TracedExecution:
        """Read an ended execution."""
        table, workflows, pipelines = tables.executions.c, tables.workflows, tables.pipelines
        rows = await self._db.rows(
            select(tables.executions, func.coalesce(workflows.c.name, pipelines.c.name).label("name"))
            .outerjoin(workflows, workflows.c.id == table.workflow_id)
            .outerjoin(pipelines, pipelines.c.id == table.pipeline_id)
            .where(table.id == execution, table.completed_at.is_not(None))
        )
        if not rows:
            raise NotFound("Execution not found")
        row = rows[0]
        return TracedExecution(
            id=ExecutionId(row.id),
            workflow_id=None if row.workflow_id is None else WorkflowId(row.workflow_id),
            pipeline_id=None if row.pipeline_id is None else PipelineId(row.pipeline_id),
            name=row.name,
            status=ExecutionStatus(row.status),
            reason=reason(row),
            error=row.error,
            created_at=moment(row.created_at),
            started_at=moment(row.started_at),
            completed_at=moment(row.completed_at),
            options=load(row.options),
        )

    async def traced_steps(
        self, execution: ExecutionId, *, after: tuple[StepId, int] | None, limit: int
    ) -> Sequence[TracedStep]:
        """Read steps, and the attempts that lie between the first and the last of them."""
        steps, attempts = tables.steps.c, tables.attempts.c
        chosen = select(*small_columns()).where(steps.execution_id == execution)
        if after is not None:
            chosen = chosen.where(tuple_(steps.step, steps.fan_index) > tuple_(*after))
        async with self._db.reading() as tx:
            found = [step(row) for row in await tx.execute(chosen.order_by(steps.step, steps.fan_index).limit(limit))]
            if not found:
                return []
            place = tuple_(attempts.step, attempts.fan_index)
            rows = await tx.execute(
                select(tables.attempts)
                .where(
                    attempts.execution_id == execution,
                    place >= tuple_(found[0].step, found[0].index),
                    place <= tuple_(found[-1].step, found[-1].index),
                )
                .order_by(*tables.attempts.primary_key.columns)
            )
            made: defaultdict[tuple[StepId, int], list[AttemptRecord]] = defaultdict(list)
            for row in rows:
                made[StepId(row.step), row.fan_index].append(attempt(row))
        return [TracedStep(record, made[record.step, record.index]) for record in found]

    async def settle_traces(self, executions: Sequence[ExecutionId]) -> None:
        """Strike these off."""
        due = tables.traces_due

        async def settle(tx: AsyncConnection) -> None:
            await tx.execute(delete(due).where(due.c.execution_id.in_(executions)))

        await self._db.write(settle)

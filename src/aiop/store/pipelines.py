"""Pipelines: what users do with them, and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from aiop.errors import NotFound
from aiop.interfaces import NewPipeline, Page, PipelineQuery, PreviousRun
from aiop.model.audit import AuditAction
from aiop.model.ids import ExecutionId, PipelineId, StepId
from aiop.model.pipelines import OutputRecord, PipelineRecord, WorkspaceRecord
from aiop.model.state import StepStatus
from aiop.store import tables, workspaces
from aiop.store.cancelling import cancel_all
from aiop.store.codec import AnyRow, clean, moment
from aiop.store.database import Database, Part
from aiop.store.executions import ExecutionTable
from aiop.store.lists import Listing
from aiop.store.workflows import ESCAPE, fold, pattern

__all__ = ["PipelinePart"]


class PipelinePart(Part):
    """``PipelineStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._table = ExecutionTable(db)
        self._pipeline_list = Listing(
            tables.pipelines,
            sorts=("id", "name", "created_at", "updated_at"),
            unique="id",
            filters={"name": tables.pipelines.c.name_folded.contains(bindparam("name"), escape=ESCAPE)},
            always=[tables.pipelines.c.deleted_at.is_(None)],
        )

    async def create_pipeline(self, new: NewPipeline) -> PipelineRecord:
        """Store a pipeline."""
        row = {
            "id": new.id,
            **_columns(
                {
                    "name": new.name,
                    "description": new.description,
                    "source_directory": new.source_directory,
                    "definition": new.definition,
                    "caching_enabled": new.caching_enabled,
                    "timeout_seconds": new.timeout_seconds,
                }
            ),
            "created_at": self._db.now(),
        }

        call = self._db.audit.call()

        async def create(tx: Any) -> PipelineRecord:
            made = (await tx.execute(insert(tables.pipelines).values(row).returning(*_SHOWN))).one()
            await call.write(tx, AuditAction.PIPELINE_CREATED, new.id, name=new.name)
            return _record(made)

        return await self._db.write(create)

    async def update_pipeline(self, pipeline: PipelineId, changes: Mapping[str, Any]) -> PipelineRecord:
        """Set the fields that were sent."""
        values = {**_columns(changes), "updated_at": self._db.now()}
        statement = update(tables.pipelines).where(*_present(pipeline)).values(values).returning(*_SHOWN)
        call = self._db.audit.call()

        async def change(tx: Any) -> PipelineRecord:
            row = (await tx.execute(statement)).one_or_none()
            if row is None:
                raise NotFound(_MISSING)
            await call.write(tx, AuditAction.PIPELINE_CHANGED, pipeline, name=row.name, fields=sorted(changes))
            return _record(row)

        return await self._db.write(change)

    async def request_delete_pipeline(self, pipeline: PipelineId) -> Sequence[ExecutionId]:
        """Hide the pipeline and request the cancel of its executions under way."""
        now, call = self._db.now(), self._db.audit.call()
        # A lock that who submits takes too, which a mere change would not be.
        present = select(tables.pipelines.c.id).where(*_present(pipeline)).with_for_update()
        hidden = update(tables.pipelines).where(tables.pipelines.c.id == pipeline).values(deleted_at=now)

        async def hide(tx: Any) -> Sequence[ExecutionId]:
            if (await tx.execute(present)).one_or_none() is None:
                raise NotFound(_MISSING)
            await tx.execute(hidden)
            cancelled = await cancel_all(tx, self._table, tables.executions.c.pipeline_id == pipeline, now)
            await call.write(tx, AuditAction.PIPELINE_DELETED, pipeline, executions_cancelled=len(cancelled))
            return cancelled

        return await self._db.write(hide)

    async def pipeline(self, pipeline: PipelineId) -> PipelineRecord:
        """Read one."""
        rows = await self._db.rows(select(*_SHOWN).where(*_present(pipeline)))
        if not rows:
            raise NotFound(_MISSING)
        return _record(rows[0])

    async def pipelines(self, query: PipelineQuery) -> Page[PipelineRecord]:
        """Read a page."""
        name = None if query.name is None else pattern(query.name)
        async with self._db.reading() as tx:
            rows, total = await self._pipeline_list.page(tx, query, name=name)
        return Page([_record(row) for row in rows], total)

    async def outputs(self, execution: ExecutionId) -> Sequence[OutputRecord]:
        """Read the named outputs of an execution."""
        table = tables.outputs
        rows = await self._db.rows(select(table).where(table.c.execution_id == execution).order_by(table.c.name))
        return [workspaces.output(row) for row in rows]

    async def workspace(self, execution: ExecutionId, step: StepId) -> WorkspaceRecord | None:
        """Read what a step saw and changed."""
        table = tables.workspaces
        rows = await self._db.rows(
            select(table).where(table.c.execution_id == execution, table.c.step == step, table.c.fan_index == 0)
        )
        return workspaces.workspace(rows[0]) if rows else None

    async def previous_run(self, pipeline: PipelineId, execution: ExecutionId, step: StepId) -> PreviousRun | None:
        """Look through the older ones, whose ids sort by time, for one whose key is known."""
        table, steps = tables.workspaces, tables.steps
        rows = await self._db.rows(
            select(table, steps.c.status)
            .outerjoin(
                steps,
                (steps.c.execution_id == table.c.execution_id)
                & (steps.c.step == table.c.step)
                & (steps.c.fan_index == table.c.fan_index),
            )
            .where(
                table.c.pipeline_id == pipeline,
                table.c.step == step,
                table.c.execution_id < execution,
                table.c.fan_index == 0,
                table.c.parts.is_not(None),
            )
            .order_by(table.c.execution_id.desc())
            .limit(1)
        )
        if not rows:
            return None
        row = rows[0]
        completed = row.status == StepStatus.COMPLETED.value
        return PreviousRun(ExecutionId(row.execution_id), workspaces.workspace(row), completed)


_MISSING = "Pipeline not found"
_SHOWN = [column for column in tables.pipelines.c if column.name not in ("name_folded", "snapshot", "deleted_at")]


def _present(pipeline: PipelineId) -> tuple[Any, Any]:
    return tables.pipelines.c.id == pipeline, tables.pipelines.c.deleted_at.is_(None)


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    columns = {name: clean(value) if isinstance(value, str) else value for name, value in fields.items()}
    if "name" in fields:
        columns["name_folded"] = fold(fields["name"])
    return columns


def _record(row: AnyRow) -> PipelineRecord:
    return PipelineRecord(
        id=PipelineId(row.id),
        name=row.name,
        description=row.description,
        source_directory=row.source_directory,
        definition=row.definition,
        caching_enabled=row.caching_enabled,
        timeout_seconds=row.timeout_seconds,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )

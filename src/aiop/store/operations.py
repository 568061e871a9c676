"""For what users do: workflows, submit, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import AiopError, IdempotencyConflict, InvalidState, NotFound
from aiop.interfaces import Idempotency, NewExecution, NewWorkflow, current_actor
from aiop.model.audit import Actor, AuditAction
from aiop.model.ids import ExecutionId, VersionId, WorkflowId
from aiop.model.records import WorkflowRecord
from aiop.model.state import ExecutionStatus
from aiop.store import tables
from aiop.store.audit_log import AuditLog
from aiop.store.cancelling import cancel_all, lock_cancellable
from aiop.store.codec import AnyRow, moment
from aiop.store.database import Database, Part
from aiop.store.executions import ExecutionTable, new_row
from aiop.store.versions import pipeline_version
from aiop.store.workflows import NEWEST, new_version_row, new_workflow_row, record, replaced_columns
from aiop.store.writer import Work

__all__ = ["OperationsPart"]


@dataclass(frozen=True, slots=True)
class _Submission:
    new: NewExecution
    idempotency: Idempotency | None
    at: int
    actor: Actor


class _Submissions(Work[_Submission, ExecutionId]):
    """Submissions, grouped by table: one row for the execution, one for its event, one for the audit log."""

    turn = 1

    def __init__(self, executions: ExecutionTable, audit: AuditLog) -> None:
        self._executions = executions
        self._audit = audit

    async def apply(self, tx: AsyncConnection, items: Sequence[_Submission]) -> Sequence[ExecutionId | AiopError]:
        known = await self._answered(tx, items)
        present = await self._present(tx, items)
        results: list[ExecutionId | AiopError] = []
        fresh: list[_Submission] = []
        for item in items:
            key = item.idempotency
            first = known.get((key.scope, key.key)) if key else None
            if key and first:
                results.append(_first_answer(key, *first))
            elif (item.new.workflow_id or item.new.pipeline_id) not in present:
                results.append(_gone(item.new))
            else:
                if key:
                    known[key.scope, key.key] = (key.digest, item.new.id)
                fresh.append(item)
                results.append(item.new.id)
        if fresh:
            await self._write(tx, fresh)
        return results

    @staticmethod
    async def _answered(
        tx: AsyncConnection, items: Sequence[_Submission]
    ) -> dict[tuple[str, str], tuple[str, ExecutionId]]:
        keys = {(item.idempotency.scope, item.idempotency.key) for item in items if item.idempotency}
        if not keys:
            return {}
        table = tables.idempotency
        found = await tx.execute(select(table).where(tuple_(table.c.scope, table.c.key).in_(keys)))
        return {(row.scope, row.key): (row.digest, ExecutionId(row.execution_id)) for row in found}

    @staticmethod
    async def _present(tx: AsyncConnection, items: Sequence[_Submission]) -> set[str]:
        workflows = {item.new.workflow_id for item in items if item.new.workflow_id}
        pipelines = {item.new.pipeline_id for item in items if item.new.pipeline_id}
        present: set[str] = set()
        if workflows:
            present.update(await tx.scalars(_PRESENT, {"workflows": workflows}))
        if pipelines:
            present.update(await tx.scalars(_PRESENT_PIPELINES, {"pipelines": pipelines}))
        return present

    async def _write(self, tx: AsyncConnection, fresh: Sequence[_Submission]) -> None:
        # In an order that all replicas keep, as it locks the pipelines.
        of_pipelines = sorted((item for item in fresh if item.new.document), key=lambda item: str(item.new.pipeline_id))
        versions = {item.new.id: await pipeline_version(tx, item.new, item.at) for item in of_pipelines}
        rows = [new_row(item.new, item.at) for item in fresh]
        for row in rows:
            row["version_id"] = versions.get(row["id"], row["version_id"])
        await self._executions.add(tx, rows)
        submitted = AuditAction.EXECUTION_SUBMITTED
        await self._audit.write(
            tx, [self._audit.row(item.actor, submitted, item.new.id, _parent(item.new)) for item in fresh]
        )
        keyed = [
            {"scope": key.scope, "key": key.key, "digest": key.digest, "execution_id": item.new.id}
            for item in fresh
            if (key := item.idempotency)
        ]
        if keyed:
            await tx.execute(insert(tables.idempotency), keyed)


class OperationsPart(Part):
    """``OperationsStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._executions = ExecutionTable(db)
        self._submissions = _Submissions(self._executions, db.audit)

    async def submit(self, new: NewExecution, idempotency: Idempotency | None = None) -> ExecutionId:
        """Store the execution as pending, with its event."""
        submission = _Submission(new, idempotency, self._db.now(), current_actor())
        return await self._db.writer.run(self._submissions, submission)

    async def submitted(self, idempotency: Idempotency) -> ExecutionId | None:
        """Look the key up."""
        table = tables.idempotency.c
        found = await self._db.rows(
            select(tables.idempotency).where(table.scope == idempotency.scope, table.key == idempotency.key)
        )
        if not found:
            return None
        answer = _first_answer(idempotency, found[0].digest, ExecutionId(found[0].execution_id))
        if isinstance(answer, IdempotencyConflict):
            raise answer
        return answer

    async def create_workflow(self, new: NewWorkflow) -> WorkflowRecord:
        """Store a workflow with version 1."""
        now, call = self._db.now(), self._db.audit.call()

        async def create(tx: AsyncConnection) -> WorkflowRecord:
            await tx.execute(insert(tables.workflows).values(new_workflow_row(new, now)))
            await tx.execute(insert(tables.versions).values(new_version_row(new, 1, now)))
            await call.write(tx, AuditAction.WORKFLOW_CREATED, new.id, name=new.name)
            return WorkflowRecord(
                id=new.id,
                version=1,
                version_id=new.version_id,
                document=new.document,
                status=ExecutionStatus.PENDING,
                created_at=moment(now),
                updated_at=None,
            )

        return await self._db.write(create)

    async def update_workflow(self, new: NewWorkflow, *, base: VersionId) -> WorkflowRecord:
        """Store the next version."""
        now, call = self._db.now(), self._db.audit.call()

        async def change(tx: AsyncConnection) -> WorkflowRecord:
            present = await _present_workflow(tx, new.id)
            if present.version_id != base:
                raise InvalidState("The workflow was changed meanwhile; read it again")
            number = present.version + 1
            await tx.execute(insert(tables.versions).values(new_version_row(new, number, now)))
            await tx.execute(
                update(tables.workflows)
                .where(tables.workflows.c.id == new.id)
                .values(**replaced_columns(new), version=number, version_id=new.version_id, updated_at=now)
            )
            await call.write(tx, AuditAction.WORKFLOW_CHANGED, new.id, name=new.name, version=number)
            return record((await tx.execute(NEWEST.where(tables.workflows.c.id == new.id))).one())

        return await self._db.write(change)

    async def request_delete(self, workflow: WorkflowId) -> Sequence[ExecutionId]:
        """Hide the workflow and request the cancel of its executions under way."""
        now, call = self._db.now(), self._db.audit.call()

        async def hide(tx: AsyncConnection) -> Sequence[ExecutionId]:
            await _present_workflow(tx, workflow)
            await tx.execute(update(tables.workflows).where(tables.workflows.c.id == workflow).values(deleted_at=now))
            cancelled = await cancel_all(tx, self._executions, tables.executions.c.workflow_id == workflow, now)
            await call.write(tx, AuditAction.WORKFLOW_DELETED, workflow, executions_cancelled=len(cancelled))
            return cancelled

        return await self._db.write(hide)

    async def request_cancel(self, execution: ExecutionId) -> ExecutionStatus:
        """Ask the owner to cancel, or cancel here what nobody has claimed."""
        now, call = self._db.now(), self._db.audit.call()

        async def cancel(tx: AsyncConnection) -> ExecutionStatus:
            found = await lock_cancellable(tx, tables.executions.c.id == execution)
            if not found:
                raise NotFound("Execution not found")
            (row,) = found
            status = ExecutionStatus(row.status)
            if status.ended:
                raise InvalidState(f"The execution has ended: it is {status}")
            if row.cancel_requested_at is None:
                await call.write(tx, AuditAction.EXECUTION_CANCEL_REQUESTED, execution)
            if row.epoch is None:
                await self._executions.cancel_unclaimed(tx, [execution], now)
                return ExecutionStatus.CANCELLED
            if row.cancel_requested_at is None:
                await tx.execute(
                    update(tables.executions).where(tables.executions.c.id == execution).values(cancel_requested_at=now)
                )
            return status

        return await self._db.write(cancel)


def _first_answer(key: Idempotency, digest: str, execution: ExecutionId) -> ExecutionId | IdempotencyConflict:
    if digest == key.digest:
        return execution
    return IdempotencyConflict("The `Idempotency-Key` was used before with another request")


def _parent(new: NewExecution) -> dict[str, Any]:
    if new.workflow_id is not None:
        return {"workflow_id": new.workflow_id}
    return {"pipeline_id": new.pipeline_id, "source": new.source}


def _gone(new: NewExecution) -> NotFound:
    return NotFound("Workflow not found" if new.workflow_id else "Pipeline not found")


# A key-share lock keeps them from being hidden meanwhile, and lets others submit and change the status.
_PRESENT_PIPELINES = (
    select(tables.pipelines.c.id)
    .where(tables.pipelines.c.id.in_(bindparam("pipelines", expanding=True)), tables.pipelines.c.deleted_at.is_(None))
    .with_for_update(read=True, key_share=True)
)
_PRESENT = (
    select(tables.workflows.c.id)
    .where(tables.workflows.c.id.in_(bindparam("workflows", expanding=True)), tables.workflows.c.deleted_at.is_(None))
    .with_for_update(read=True, key_share=True)
)


async def _present_workflow(tx: AsyncConnection, workflow: WorkflowId) -> AnyRow:
    workflows = tables.workflows.c
    row = (
        await tx.execute(
            select(workflows.version_id, workflows.version)
            .where(workflows.id == workflow, workflows.deleted_at.is_(None))
            .with_for_update()
        )
    ).one_or_none()
    if row is None:
        raise NotFound("Workflow not found")
    return row

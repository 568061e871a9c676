"""For the owner of an execution: load it, commit its changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import AiopError, LeaseLost, NotFound
from aiop.interfaces import Changes, Lease
from aiop.model.ids import ExecutionId
from aiop.model.records import ExecutionRecord
from aiop.store import tables
from aiop.store.codec import load
from aiop.store.database import Database, Part
from aiop.store.events import event_row
from aiop.store.executions import ExecutionTable, change_row, summary
from aiop.store.logs import LogCodec
from aiop.store.steps import attempt, attempt_row, step, step_row
from aiop.store.tallies import Count, counts_of
from aiop.store.workspaces import EntryTable, entry_row, output_row, workspace, workspace_row
from aiop.store.writer import Work

__all__ = ["RunnerPart"]

Rows = list[dict[str, Any]]


@dataclass(slots=True)
class _Commit:
    """Changes as rows. They are encoded in the caller, so that a batch costs the loop little at once."""

    lease: Lease
    execution: dict[str, Any] | None
    ended: bool
    steps: Rows
    attempts: Rows
    events: Rows
    logs: Rows
    counts: list[Count]
    workspaces: Rows
    outputs: Rows
    entries: Rows
    uses: list[str]


class _Commits(Work[_Commit, None]):
    """Commits of many executions, grouped by table.

    Rows are written as upserts also where they are new: a commit of which it is not known whether it took (the
    connection broke) is simply written again.
    """

    turn = 0
    patient = True

    def __init__(self, db: Database) -> None:
        self._executions = ExecutionTable(db)
        self._steps = db.upsert(tables.steps)
        self._attempts = db.upsert(tables.attempts)
        self._events = db.upsert(tables.events)
        self._logs = db.upsert(tables.logs)
        self._ledger = db.ledger
        self._workspaces = db.upsert(tables.workspaces)
        self._outputs = db.upsert(tables.outputs)
        self._entries = EntryTable(db)

    async def apply(self, tx: AsyncConnection, items: Sequence[_Commit]) -> Sequence[AiopError | None]:
        held, newest = await self._held(tx, {item.lease.execution for item in items})
        results: list[AiopError | None] = []
        valid: list[_Commit] = []
        for item in items:
            lease = item.lease
            if held.get(lease.execution) != (lease.owner, lease.epoch):
                results.append(LeaseLost(f"execution {lease.execution} is not held by {lease.owner} any more"))
                continue
            if item.ended:
                del held[lease.execution]
            valid.append(item)
            results.append(None)
        if valid:
            await self._write(tx, valid)
            self._ledger.tally(_fresh(valid, newest))
        return results

    @staticmethod
    async def _held(
        tx: AsyncConnection, executions: set[ExecutionId]
    ) -> tuple[dict[ExecutionId, tuple[str, int]], dict[ExecutionId, int]]:
        """Return who holds each execution, and the newest event of each that the store has."""
        found = await tx.execute(_LEASES, {"executions": executions})
        held = {ExecutionId(row.execution_id): (row.owner, row.epoch) for row in found}
        # A statement of its own: one sees what was there as it began, and the locks may have been waited for.
        newest = await tx.execute(_NEWEST, {"executions": list(held)})
        return held, {ExecutionId(row.execution_id): row.newest for row in newest}

    async def _write(self, tx: AsyncConnection, commits: Sequence[_Commit]) -> None:
        """Write what is left of the batch when for each key only the last row counts."""
        await self._steps.execute(tx, _newest_by(_STEP, [commit.steps for commit in commits]))
        await self._attempts.execute(tx, _newest_by(_ATTEMPT, [commit.attempts for commit in commits]))
        await self._events.execute(tx, [row for commit in commits for row in commit.events])
        await self._logs.execute(tx, [row for commit in commits for row in commit.logs])
        await self._write_files(tx, commits)
        changes = {commit.lease.execution: commit.execution for commit in commits if commit.execution is not None}
        if changes:
            await self._executions.change(tx, list(changes.values()))

    async def _write_files(self, tx: AsyncConnection, commits: Sequence[_Commit]) -> None:
        """Write what the steps of pipelines leave; the logs that entries take with them are written."""
        places = _newest_by(_STEP, [commit.workspaces for commit in commits])
        if places:
            found = await tx.execute(_PIPELINES, {"executions": {row["execution_id"] for row in places}})
            pipelines = {row.id: row.pipeline_id for row in found}
            await self._workspaces.execute(
                tx, [{**row, "pipeline_id": pipelines[row["execution_id"]]} for row in places]
            )
        await self._outputs.execute(tx, _newest_by(_OUTPUT, [commit.outputs for commit in commits]))
        await self._entries.add(tx, _newest_by(itemgetter("key"), [commit.entries for commit in commits]))
        await self._entries.use(tx, [key for commit in commits for key in commit.uses])


_OUTPUT = itemgetter("execution_id", "name")
_PIPELINES = select(tables.executions.c.id, tables.executions.c.pipeline_id).where(
    tables.executions.c.id.in_(bindparam("executions", expanding=True))
)
_STEP = itemgetter("execution_id", "step", "fan_index")
_ATTEMPT = itemgetter("execution_id", "step", "fan_index", "attempt")
_LEASES = (
    select(
        tables.leases.c.execution_id,
        tables.leases.c.owner,
        tables.leases.c.epoch,
    )
    .where(tables.leases.c.execution_id.in_(bindparam("executions", expanding=True)))
    .order_by(tables.leases.c.execution_id)
    .with_for_update()
)
_NEWEST = (
    select(tables.events.c.execution_id, func.max(tables.events.c.seq).label("newest"))
    .where(tables.events.c.execution_id.in_(bindparam("executions", expanding=True)))
    .group_by(tables.events.c.execution_id)
)


def _fresh(commits: Sequence[_Commit], newest: dict[ExecutionId, int]) -> Iterator[Count]:
    """Yield what is to be counted: not what the store has already of a commit that is written again."""
    for commit in commits:
        known = newest.get(commit.lease.execution, 0)
        for count in commit.counts:
            if count.seq > known:
                newest[commit.lease.execution] = count.seq
                yield count


def _newest_by(key: Callable[[dict[str, Any]], Any], groups: Iterable[Rows]) -> Rows:
    return list({key(row): row for group in groups for row in group}.values())


class RunnerPart(Part):
    """``RunnerStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._commits = _Commits(db)
        self._log_codec = LogCodec()

    async def commit(self, lease: Lease, changes: Changes) -> None:
        """Write the changes durably."""
        execution, state = lease.execution, changes.execution
        await self._db.writer.run(
            self._commits,
            _Commit(
                lease=lease,
                execution=None if state is None else change_row(execution, state),
                ended=state is not None and state.status.ended,
                steps=[step_row(execution, record) for record in changes.steps],
                attempts=[attempt_row(execution, record) for record in changes.attempts],
                events=[event_row(execution, event) for event in changes.events],
                logs=[self._log_codec.row(execution, batch) for batch in changes.logs],
                counts=counts_of(changes),
                workspaces=[workspace_row(execution, record) for record in changes.workspaces],
                outputs=[output_row(execution, record) for record in changes.outputs],
                entries=[entry_row(record) for record in changes.entries],
                uses=changes.uses,
            ),
        )

    async def load(self, lease: Lease) -> ExecutionRecord:
        """Read all that is stored of the execution."""
        executions, versions, leases = tables.executions, tables.versions, tables.leases
        async with self._db.reading() as tx:
            row = (
                await tx.execute(
                    select(executions, versions.c.document, leases.c.owner, leases.c.epoch)
                    .join(versions, versions.c.id == executions.c.version_id)
                    .outerjoin(leases, leases.c.execution_id == executions.c.id)
                    .where(executions.c.id == lease.execution)
                )
            ).one_or_none()
            if row is None:
                raise NotFound("Execution not found")
            if (row.owner, row.epoch) != (lease.owner, lease.epoch):
                raise LeaseLost(f"execution {lease.execution} is not held by {lease.owner} any more")
            steps = await tx.execute(_of(tables.steps, lease))
            attempts = await tx.execute(_of(tables.attempts, lease))
            last_event = await tx.scalar(_highest(tables.events, lease))
            last_batch = await tx.scalar(_highest(tables.logs, lease))
            places = [] if row.pipeline_id is None else (await tx.execute(_of(tables.workspaces, lease))).all()
        return ExecutionRecord(
            summary=summary(row, [step(each) for each in steps]),
            document=row.document,
            options=load(row.options),
            sealed=row.sealed,
            attempts=[attempt(each) for each in attempts],
            last_event=last_event or 0,
            last_batch=last_batch or 0,
            source=row.source,
            workspaces=[workspace(each) for each in places],
        )


def _of(table: Any, lease: Lease) -> Any:
    return select(table).where(table.c.execution_id == lease.execution).order_by(*table.primary_key.columns)


def _highest(table: Any, lease: Lease) -> Any:
    return select(func.max(table.c.seq)).where(table.c.execution_id == lease.execution)

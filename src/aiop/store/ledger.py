"""Rows that every transaction writes: kept back to its end, and written in one order.

Who submits or ends an execution adds to the same few rows: the newest execution of its workflow, the counts, the
tallies. Written on the way, they would make other replicas wait until the end of the transaction, and two replicas
that came by them in another order would wait for each other for ever. Counts and tallies have a row for each shard, and
a replica adds to its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, bindparam, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.store import tables
from aiop.store.tallies import Count, EndedExecution, TallyTable

if TYPE_CHECKING:
    from aiop.store.database import Database

__all__ = ["ALL_WORKFLOWS", "DAY", "Ledger", "counted_as"]

ALL_WORKFLOWS = ""
"""Stands for the sum in ``execution_counts``."""

DAY = 86_400_000_000
"""In microseconds."""


def counted_as(workflow: str | None, pipeline: str | None) -> str:
    """Return by what ``execution_counts`` knows a workflow or a pipeline."""
    return f"pipeline:{pipeline}" if workflow is None else workflow


class Ledger:
    """What the transaction under way adds; the writer settles it before the commit, or drops it."""

    def __init__(self, db: Database) -> None:
        table, workflows = tables.execution_counts.c, tables.workflows.c
        counts = db.dialect.insert(tables.execution_counts)
        self._add_counts = db.bulk(
            counts.on_conflict_do_update(
                index_elements=list(tables.execution_counts.primary_key.columns),
                set_={"executions": table.executions + counts.excluded.executions},
            )
        )
        self._set_status = db.bulk(
            update(tables.workflows)
            .where(
                workflows.id == bindparam("workflow"),
                or_(bindparam("submitted", type_=Boolean), workflows.newest_execution == bindparam("execution")),
            )
            .values(newest_execution=bindparam("execution"), status=bindparam("new_status"))
        )
        audited = db.dialect.insert(tables.audit_counts)
        self._add_audited = db.bulk(
            audited.on_conflict_do_update(
                index_elements=list(tables.audit_counts.primary_key.columns),
                set_={"entries": tables.audit_counts.c.entries + audited.excluded.entries},
            )
        )
        self._tallies = TallyTable(db)
        self._shard = db.shard
        self.drop()

    def drop(self) -> None:
        """Forget what was noted."""
        self._workflows: dict[tuple[str, str], dict[str, Any]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._audited: Counter[tuple[int, str, str]] = Counter()
        self._tallied: list[Count] = []
        self._ended: list[EndedExecution] = []

    def submitted(self, workflow: str, execution: str, status: str) -> None:
        """Make this the newest execution of its workflow."""
        self._workflows.pop((workflow, execution), None)
        self._workflows[workflow, execution] = _status_row(workflow, execution, status, submitted=True)

    def moved(self, workflow: str, execution: str, status: str) -> None:
        """Give the workflow this status if the execution is its newest."""
        known = self._workflows.get((workflow, execution))
        if known is not None:
            known["new_status"] = status
        else:
            self._workflows[workflow, execution] = _status_row(workflow, execution, status, submitted=False)

    def count(self, parent: str, status: str, executions: int) -> None:
        """Add to the number of executions of a workflow or pipeline (``counted_as``) in a status, and to the sum."""
        self._counts[parent, status] += executions
        self._counts[ALL_WORKFLOWS, status] += executions

    def audited(self, at: int, actor: str | None, action: str, entries: int) -> None:
        """Add to the number of entries of the audit log on the day of ``at``."""
        self._audited[at - at % DAY, actor or "", action] += entries

    def tally(self, counts: Iterable[Count]) -> None:
        """Count each."""
        self._tallied.extend(counts)

    def ended(self, execution: EndedExecution) -> None:
        """Count an end, under the workflow of the execution if that has a series."""
        self._ended.append(execution)

    async def settle(self, tx: AsyncConnection) -> None:
        """Write all that was noted, and begin anew."""
        # Of one workflow in the order of the calls, which sorting keeps: the last submission wins.
        statuses = sorted(self._workflows.values(), key=lambda row: str(row["workflow"]))
        await self._set_status.execute(tx, statuses)
        await self._add_counts.execute(
            tx,
            [
                {"workflow_id": parent, "status": status, "shard": self._shard, "executions": n}
                for (parent, status), n in sorted(self._counts.items())
                if n
            ],
        )
        await self._add_audited.execute(
            tx,
            [
                {"day": day, "actor": actor, "action": action, "shard": self._shard, "entries": n}
                for (day, actor, action), n in sorted(self._audited.items())
                if n
            ],
        )
        await self._tallies.add(tx, self._tallied, self._ended)
        self.drop()


def _status_row(workflow: str, execution: str, status: str, *, submitted: bool) -> dict[str, Any]:
    return {"workflow": workflow, "execution": execution, "new_status": status, "submitted": submitted}

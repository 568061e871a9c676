"""Every list finds its page in an index: no scan of a table, no sort of more than the page."""

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from aiop.interfaces import AuditQuery, ExecutionQuery, PipelineQuery, WorkflowQuery
from aiop.model.audit import AuditAction
from aiop.model.ids import ExecutionId, PipelineId, StepId, WorkflowId
from aiop.model.state import ExecutionStatus
from aiop.store import SqlStore, open_store

NOW = datetime(2025, 3, 1, tzinfo=UTC)


class StillClock:
    def now(self) -> datetime:
        return NOW

    async def sleep(self, delay: timedelta) -> None:
        raise AssertionError("nothing sleeps")


class Plans:
    """A store, and the plans of what it has read."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.statements: list[tuple[str, Any]] = []
        event.listen(store._db._readers.sync_engine, "before_cursor_execute", self._note)

    def _note(self, _c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        self.statements.append((statement, parameters))

    async def taken(self) -> list[str]:
        chosen, self.statements = self.statements, []
        details: list[str] = []
        async with self.store._db.reading() as tx:
            for statement, parameters in chosen:
                if statement.startswith("SELECT"):
                    rows = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                    details.extend(row.detail for row in rows)
        self.statements.clear()
        return details


@pytest.fixture
async def plans(tmp_path: Path) -> AsyncIterator[Plans]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/aiop.db", clock=StillClock()) as store:
        yield Plans(store)


def check(plan: list[str], table: str, *, indexed: bool) -> None:
    """The keys come from a covering index (in the order asked for); the only sort is that of the page."""
    scans = [step for step in plan if step.split()[:2] == ["SCAN", table]]
    assert [step for step in scans if "USING COVERING INDEX" not in step] == []
    assert sum("TEMP B-TREE" in step for step in plan) <= 1
    if indexed:
        inside = plan[plan.index("MATERIALIZE anon_1") + 1]
        assert f"{table} USING COVERING INDEX" in inside, plan


@pytest.mark.parametrize("sort", [None, "id", "status", "created_at", "started_at", "completed_at"])
async def test_executions(plans: Plans, sort: str | None) -> None:
    for descending, status, workflow in itertools.product(
        (False, True), (None, ExecutionStatus.RUNNING), (None, WorkflowId("w"))
    ):
        query = ExecutionQuery(sort=sort, descending=descending, status=status, workflow=workflow)
        await plans.store.executions(query)
        check(await plans.taken(), "executions", indexed=True)


@pytest.mark.parametrize("sort", [None, "id", "created_at", "started_at", "completed_at"])
async def test_executions_of_a_pipeline(plans: Plans, sort: str | None) -> None:
    for descending, status in itertools.product((False, True), (None, ExecutionStatus.RUNNING)):
        query = ExecutionQuery(sort=sort, descending=descending, status=status, pipeline=PipelineId("p"))
        await plans.store.executions(query)
        check(await plans.taken(), "executions", indexed=True)


@pytest.mark.parametrize("sort", [None, "id", "name", "created_at", "updated_at"])
async def test_pipelines(plans: Plans, sort: str | None) -> None:
    for descending in (False, True):
        await plans.store.pipelines(PipelineQuery(sort=sort, descending=descending))
        check(await plans.taken(), "pipelines", indexed=True)


async def test_what_an_execution_of_a_pipeline_leaves_is_found_in_indexes(plans: Plans) -> None:
    await plans.store.previous_run(PipelineId("p"), ExecutionId("e"), StepId("s"))
    await plans.store.outputs(ExecutionId("e"))
    await plans.store.cached("k")
    plan = await plans.taken()
    assert plan
    assert [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step] == []


@pytest.mark.parametrize("sort", [None, "id", "name", "status", "created_at", "updated_at"])
async def test_workflows(plans: Plans, sort: str | None) -> None:
    for descending in (False, True):
        await plans.store.workflows(WorkflowQuery(sort=sort, descending=descending))
        check(await plans.taken(), "workflows", indexed=True)


@pytest.mark.parametrize(
    "filters", [{}, {"actor": "ann"}, {"action": AuditAction.SECRET_REPLACED}, {"target": "KEY"}], ids=str
)
@pytest.mark.parametrize("span", [{}, {"since": NOW}, {"since": NOW, "until": NOW}], ids=len)
async def test_the_audit_log(plans: Plans, filters: dict[str, Any], span: dict[str, Any]) -> None:
    for sort, descending in ((None, False), ("at", False), ("at", True)):
        await plans.store.audit(AuditQuery(sort=sort, descending=descending, **filters, **span))
        check(await plans.taken(), "audit", indexed=True)

"""Fills a store with executions and prints how long each list takes, for each filter, sort and a deep page.

python bench/lists.py [--executions 100000] [--rounds 100] [--database PATH | --postgres]

A database that exists is measured as it is. Exits with 1 if a 99th percentile is over the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from aiop.interfaces import (
    Changes,
    ExecutionChange,
    ExecutionQuery,
    Lease,
    NewExecution,
    NewWorkflow,
    PageQuery,
    Store,
    WorkflowQuery,
)
from aiop.model.agent import AgentHealth, AgentRecord
from aiop.model.ids import AgentId, ExecutionId, StepId, VersionId, WorkflowId, new_id
from aiop.model.records import AttemptRecord, Event, EventType, StepRecord
from aiop.model.state import ExecutionStatus, StepStatus
from aiop.store import open_store

WORKFLOWS = 200
STEPS = 3
AT_ONCE = 2000
LIMIT_MS = 20.0


async def a_database(stack: ExitStack) -> str:
    """Start PostgreSQL, with the settings that it comes with, until the end; returns the URL of a database."""
    from postgres_lab import Postgres

    server = Postgres(fsync="on", full_page_writes="on", shared_buffers="128MB")
    stack.callback(server.close)
    return await server.new_database()


async def vacuum(url: str) -> None:
    """Do what the server does by itself, a minute later."""
    from postgres_lab import connected

    async with connected(url) as plain:
        await plain.execute("VACUUM ANALYZE")


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(delay.total_seconds())


def roomy_agent() -> AgentRecord:
    """An agent with a place for whatever comes."""
    now = datetime.now(UTC)
    return AgentRecord(AgentId(new_id()), "bench", now, max_load=1_000_000, health=AgentHealth.ONLINE)


async def fill(store: Store, executions: int) -> None:
    """Half of the executions are of one workflow; one in fifty still runs, one in ten has failed."""
    workflows = [
        NewWorkflow(WorkflowId(new_id()), VersionId(new_id()), f"Workflow {n:04}", None, '{"name": "x", "steps": []}')
        for n in range(WORKFLOWS)
    ]
    await asyncio.gather(*(store.create_workflow(new) for new in workflows))
    await store.add_agent(roomy_agent())
    for start in range(0, executions, AT_ONCE):
        chosen = [workflows[0 if n % 2 else n % WORKFLOWS] for n in range(start, min(start + AT_ONCE, executions))]
        await asyncio.gather(*(store.submit(execution_of(workflow)) for workflow in chosen))
        leases = await store.claim("bench", ttl=timedelta(hours=1), limit=AT_ONCE)
        await asyncio.gather(*(run(store, lease, start + n) for n, lease in enumerate(leases)))
        print(f"\rfilled {start + len(chosen):,}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def execution_of(workflow: NewWorkflow) -> NewExecution:
    return NewExecution(ExecutionId(new_id()), workflow.id, workflow.version_id, {"param1": "value1"}, {})


async def run(store: Store, lease: Lease, n: int) -> None:
    now = datetime.now(UTC)
    if n % 50 == 0:
        await store.commit(lease, Changes(execution=ExecutionChange(ExecutionStatus.RUNNING, now)))
        return
    status = ExecutionStatus.FAILED if n % 10 == 1 else ExecutionStatus.COMPLETED
    steps = [StepId(f"step{n}") for n in range(STEPS)]
    ended = {"started_at": now, "completed_at": now, "exit_code": 0}
    await store.commit(
        lease,
        Changes(
            execution=ExecutionChange(status, now, now, outputs={"result": "success"}),
            steps=[
                StepRecord(step, StepStatus.COMPLETED, attempt=1, outputs={"result": "done"}, **ended) for step in steps
            ],
            attempts=[AttemptRecord(step, 0, 1, StepStatus.COMPLETED, **ended) for step in steps],
            events=[Event(n + 2, EventType.STEP_FINISHED, now, {"step": step}) for n, step in enumerate(steps)],
        ),
    )


def queries(executions: int, workflow: WorkflowId) -> Iterator[ExecutionQuery]:
    sorts = [(None, False)] + [
        (sort, descending)
        for sort in ("id", "status", "created_at", "started_at", "completed_at")
        for descending in (False, True)
    ]
    for chosen in (None, workflow):
        for status in (None, ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.RUNNING):
            for sort, descending in sorts:
                for offset in (0, executions * 2 // 5, executions // 2):
                    yield ExecutionQuery(
                        offset=offset, sort=sort, descending=descending, workflow=chosen, status=status
                    )


async def measure(store: Store, executions: int, rounds: int) -> float:
    page = await store.workflows(WorkflowQuery(limit=1, sort="created_at"))
    lists = (
        [("executions", store.executions, query) for query in queries(executions, page.items[0].id)]
        + [
            ("workflows", store.workflows, WorkflowQuery(sort=sort, descending=True, status=status, name=name))
            for sort in (None, "id", "name", "status", "created_at", "updated_at")
            for status in (None, ExecutionStatus.COMPLETED)
            for name in (None, "FLOW 00")
        ]
        + [("users", store.users, PageQuery())]
    )
    worst = 0.0
    print(f"{'p50 ms':>8} {'p99 ms':>8} {'total':>8}  list")
    for name, read, query in lists:
        took = []
        for _ in range(rounds):
            began = time.perf_counter()
            answer = await read(query)
            took.append((time.perf_counter() - began) * 1000)
        took.sort()
        p99 = took[min(len(took) - 1, int(len(took) * 0.99))]
        worst = max(worst, p99)
        print(f"{took[len(took) // 2]:8.2f} {p99:8.2f} {answer.total:8}  {name} {shown(query)}")
    return worst


def shown(query: PageQuery) -> str:
    sort = "newest" if query.sort is None else f"{query.sort}:{'desc' if query.descending else 'asc'}"
    filters = [name for name in ("workflow", "status", "name") if getattr(query, name, None) is not None]
    status = getattr(query, "status", None)
    return f"sort={sort} offset={query.offset} filter={'+'.join(filters) or '-'}{f' ({status})' if status else ''}"


async def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--executions", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=100)
    options.add_argument("--database", type=Path)
    options.add_argument("--postgres", action="store_true", help="on a PostgreSQL server that is started for it")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        path = given.database or Path(directory) / "aiop.db"
        url = await a_database(stack) if given.postgres else f"sqlite+aiosqlite:///{path}"
        present = path.exists()
        async with open_store(url, clock=SystemClock()) as store:
            if not present:
                began = time.perf_counter()
                await fill(store, given.executions)
                print(f"filled in {time.perf_counter() - began:.0f} s")
                if given.postgres:
                    await vacuum(url)
            worst = await measure(store, given.executions, given.rounds)
    print(f"slowest 99th percentile: {worst:.1f} ms")
    return 0 if worst <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

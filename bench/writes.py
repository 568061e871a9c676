"""Measures the writer: submits called at once, and commits that each finish a step (step, attempt, two events).

python bench/writes.py [--submits 5000] [--steps 30000] [--executions 50] [--clients 200] [--directory DIR] [--postgres]

``lone`` is one caller who waits for each answer: the price of a sync. The others show how writes group.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lists import SystemClock, a_database, roomy_agent

from aiop.interfaces import Changes, Lease, NewExecution, NewWorkflow, Store
from aiop.model.ids import ExecutionId, StepId, VersionId, WorkflowId, new_id
from aiop.model.records import AttemptRecord, Event, EventType, StepRecord
from aiop.model.state import StepStatus
from aiop.store import open_store


async def timed(name: str, clients: int, jobs: Iterator[Callable[[], Awaitable[object]]], count: int) -> None:
    """Have so many clients work off the jobs, each waiting for its answer before it takes the next."""

    async def client() -> None:
        for job in jobs:
            began = time.perf_counter()
            await job()
            took.append(time.perf_counter() - began)

    took: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    took.sort()
    p50, p99 = (took[int(len(took) * share)] * 1000 for share in (0.5, 0.99))
    print(
        f"{name:34} {count / wall:8,.0f}/s  p50 {p50:7.2f} ms  p99 {p99:7.2f} ms"
        f"  CPU {cpu / count * 1e6:5.0f} us each ({cpu / wall:.0%} of a core)"
    )


def submits(store: Store, workflow: NewWorkflow, count: int) -> Iterator[Callable[[], Awaitable[object]]]:
    for _ in range(count):
        new = NewExecution(ExecutionId(new_id()), workflow.id, workflow.version_id, {"param1": "value1"}, {})
        yield lambda new=new: store.submit(new)


def finished_step(n: int) -> Changes:
    now = datetime.now(UTC)
    step = StepId(f"step{n}")
    ended = {"started_at": now, "completed_at": now, "exit_code": 0}
    return Changes(
        steps=[StepRecord(step, StepStatus.COMPLETED, attempt=1, outputs={"result": "done"}, **ended)],
        attempts=[AttemptRecord(step, 0, 1, StepStatus.COMPLETED, **ended)],
        events=[
            Event(2 * n + 2, EventType.STEP_STARTED, now, {"step": step, "attempt": 1}),
            Event(2 * n + 3, EventType.STEP_FINISHED, now, {"step": step, "attempt": 1, "status": "completed"}),
        ],
    )


def finishes(store: Store, leases: list[Lease], count: int) -> Iterator[Callable[[], Awaitable[object]]]:
    for n in range(count):
        lease, changes = leases[n % len(leases)], finished_step(n // len(leases))
        yield lambda lease=lease, changes=changes: store.commit(lease, changes)


async def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--submits", type=int, default=5000)
    options.add_argument("--steps", type=int, default=30_000)
    options.add_argument("--executions", type=int, default=50)
    options.add_argument("--clients", type=int, default=200)
    options.add_argument("--directory", type=Path)
    options.add_argument("--postgres", action="store_true", help="on a PostgreSQL server that is started for it")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.directory) as directory, ExitStack() as stack:
        url = f"sqlite+aiosqlite:///{directory}/aiop.db"
        if given.postgres:
            url = await a_database(stack)
        async with open_store(url, clock=SystemClock()) as store:
            workflow = NewWorkflow(WorkflowId(new_id()), VersionId(new_id()), "bench", None, "{}")
            await store.create_workflow(workflow)
            await store.add_agent(roomy_agent())
            await timed("submit, lone", 1, submits(store, workflow, 300), 300)
            await timed(
                f"submit, {given.clients} at once",
                given.clients,
                submits(store, workflow, given.submits),
                given.submits,
            )
            leases = list(await store.claim("bench", ttl=timedelta(hours=1), limit=given.executions))
            name = f"step finished, {given.clients * 5} at once"
            await timed(name, given.clients * 5, finishes(store, leases, given.steps), given.steps)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

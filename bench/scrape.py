"""Fills a store with executions of many workflows and prints how long a scrape of the metrics takes, and its size.

python bench/scrape.py [--executions 100000] [--workflows 10000] [--rounds 200] [--database PATH]

A database that exists is measured as it is. Exits with 1 if the median is over the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import lists

from aiop.interfaces import NewWorkflow, Store
from aiop.model.agent import EngineAddress, EngineType
from aiop.model.ids import VersionId, WorkflowId, new_id
from aiop.monitoring import Monitoring
from aiop.store import open_store

AT_ONCE = 2000
LIMIT_MS = 20.0


async def fill(store: Store, executions: int, count: int) -> None:
    """Executions of one workflow after the other, with three steps each; one in fifty still runs."""
    await store.add_agent(lists.roomy_agent())
    workflows = [
        NewWorkflow(WorkflowId(new_id()), VersionId(new_id()), f"Workflow {n:05}", None, '{"name": "x", "steps": []}')
        for n in range(count)
    ]
    await asyncio.gather(*(store.create_workflow(new) for new in workflows))
    for start in range(0, executions, AT_ONCE):
        chosen = [workflows[n % count] for n in range(start, min(start + AT_ONCE, executions))]
        await asyncio.gather(*(store.submit(lists.execution_of(workflow)) for workflow in chosen))
        leases = await store.claim("bench", ttl=timedelta(hours=1), limit=AT_ONCE)
        await asyncio.gather(*(lists.run(store, lease, start + n) for n, lease in enumerate(leases)))
        print(f"\rfilled {start + len(chosen):,}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


async def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--executions", type=int, default=100_000)
    options.add_argument("--workflows", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--database", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = given.database or Path(directory) / "aiop.db"
        present = path.exists()
        async with open_store(f"sqlite+aiosqlite:///{path}", clock=lists.SystemClock()) as store:
            if not present:
                await fill(store, given.executions, given.workflows)
            monitoring = Monitoring(store, lists.SystemClock(), default_engine=EngineAddress(EngineType.DOCKER))
            took, cpu = [], time.process_time()
            for _ in range(given.rounds):
                began = time.perf_counter()
                text = await monitoring.metrics()
                took.append((time.perf_counter() - began) * 1000)
            cpu = (time.process_time() - cpu) / given.rounds * 1000
    took.sort()
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(f"scrape: p50 {p50:.1f} ms, p99 {p99:.1f} ms, CPU {cpu:.1f} ms, {len(text):,} bytes")
    return 0 if p50 <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

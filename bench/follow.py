"""How long a line takes from a container to a client that follows the log, at the replica that runs it and at another.

    python bench/follow.py [--lines 60] [--pause 0.3]

Two services share a PostgreSQL server that is started for it; the first one runs the step on its embedded engine, the
second only answers. The step prints the time since the machine's start, in hundredths of a second.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from aiop.client import AsyncClient
from oci_lab import OciLab, forget
from postgres_lab import Postgres
from service_process import ServiceProcess


def a_workflow(image: str, lines: int, pause: float) -> dict[str, object]:
    script = f"n=0; while [ $n -lt {lines} ]; do cut -d' ' -f1 /proc/uptime; sleep {pause}; n=$((n + 1)); done"
    return {"name": "uptime", "steps": [{"id": "a", "container": {"image": image, "script": script}}]}


async def lines_of(client: AsyncClient, execution: str) -> list[float]:
    """Follow the log to its end; returns how old each line was when it came, in milliseconds."""
    return [
        (time.clock_gettime(time.CLOCK_BOOTTIME) - float(line.text)) * 1000
        async for line in client.executions.follow_logs(execution)
    ]


async def events_of(client: AsyncClient, execution: str) -> list[float]:
    """Follow the events to their end; returns how old each was when it came, in milliseconds."""
    return [
        (datetime.now(UTC) - event.at).total_seconds() * 1000 async for event in client.executions.events(execution)
    ]


async def measure(stack: AsyncExitStack, given: argparse.Namespace) -> None:
    root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    server = Postgres(fsync="on", full_page_writes="on", shared_buffers="128MB")
    stack.callback(server.close)
    lab = OciLab(root / "lab")
    stack.callback(lab.close)
    url = await server.new_database(tables=False)
    shared = {"database_url": url, "secret_key": "k" * 40}
    runs = ServiceProcess(root / "runs", engine="oci", **shared)
    answers = ServiceProcess(root / "answers", role="api", local_agent="false", **shared)
    lab.equip(runs.data_dir)
    stack.callback(forget, runs.data_dir)
    for service in (runs, answers):
        stack.push_async_callback(service.kill)
        await service.start()
    clients = [await stack.enter_async_context(service.client()) for service in (runs, answers)]
    workflow = await clients[0].workflows.create(a_workflow(lab.image, given.lines, given.pause))
    execution = (await clients[0].workflows.execute(workflow.id)).execution_id
    found = await asyncio.gather(
        *(lines_of(client, execution) for client in clients), *(events_of(client, execution) for client in clients)
    )
    names = ("lines at the replica that runs it", "lines at another", "events at that replica", "events at another")
    for name, ages in zip(names, found, strict=True):
        ages.sort()
        print(f"{name:34} {len(ages):4}  p50 {statistics.median(ages):7.1f} ms  most {ages[-1]:7.1f} ms")


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lines", type=int, default=60)
    options.add_argument("--pause", type=float, default=0.3)
    async with AsyncExitStack() as stack:
        await measure(stack, options.parse_args())


if __name__ == "__main__":
    asyncio.run(main())

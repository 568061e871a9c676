"""A large deployment on one PostgreSQL server: what one execution costs the database, and what it cannot bear.

    python bench/scale.py [--replicas 10] [--agents 1000] [--stored 200000] [--open 3000] [--seconds 30] [--rate 0]
                          [--kept SECONDS] [--database URL]

The replicas are real stores and buses in this process, without engines: each execution is submitted to one replica,
claimed by whoever is first, and makes the commits that three steps with some lines of log make. `--rate` executions
come a second, or as many as go through. What is stored has ended at that rate, up to now; with `--kept` what has ended
longer ago is deleted meanwhile, by the sweep of the service: `--rate 11.6 --stored 1000000 --kept 86400` is a day of a
million, each next one of which makes the oldest go. A database that is named is filled if it is empty; 0 seconds only
fill it. Prints the cost of an execution in the server's processor time, log and messages, how long the calls took, the
statements that cost most, and the tables that were read from end to end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections import defaultdict
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from filling import A_DAY, STEPS, execution_of, fill, found
from lists import SystemClock

from aiop.bus import PostgresBus
from aiop.errors import LeaseLost
from aiop.interfaces import (
    WORK,
    Changes,
    ExecutionChange,
    ExecutionQuery,
    Lease,
    NewWorkflow,
    execution_topic,
)
from aiop.model.agent import AgentHealth, EngineCheck
from aiop.model.ids import AgentId, StepId
from aiop.model.records import AttemptRecord, Event, EventType, LogBatch, LogLine, StepRecord, Stream
from aiop.model.replica import Replica, ReplicaRole
from aiop.model.state import ExecutionStatus, StepStatus
from aiop.orchestrator.sweep import HistorySweeper, Retention
from aiop.store import HEAD, SqlStore, open_store
from postgres_lab import Postgres, connected

TTL = timedelta(seconds=8)
WATCH = 30
"""Seconds between two looks at the tables."""


class Times:
    """How long calls took, by kind, in milliseconds."""

    def __init__(self) -> None:
        self.each: defaultdict[str, list[float]] = defaultdict(list)

    @asynccontextmanager
    async def of(self, kind: str):
        began = time.perf_counter()
        yield
        self.each[kind].append((time.perf_counter() - began) * 1000)

    def show(self) -> None:
        for kind, took in sorted(self.each.items()):
            took.sort()
            p50, p99 = (took[int(len(took) * share)] for share in (0.5, 0.99))
            print(f"  {kind:10} {len(took):8,} calls  p50 {p50:8.1f} ms  p99 {p99:8.1f} ms")


class Worker:
    """One replica: claims what waits, runs it, and shows that it lives."""

    def __init__(self, number: int, store: SqlStore, bus: PostgresBus, times: Times) -> None:
        self.name = f"replica {number}"
        self.store, self.bus, self.times = store, bus, times
        self.done = self.lost = 0
        self.ended = lambda: None
        self.me = Replica(self.name, ReplicaRole.ALL, "bench", HEAD, datetime.now(UTC))
        self.runs: set[asyncio.Task[None]] = set()

    async def claim(self, replicas: int) -> None:
        with self.bus.listen(WORK) as wakes:
            while True:
                limit = max(1, 200 // replicas)
                async with self.times.of("claim"):
                    leases = await self.store.claim(self.name, ttl=TTL, limit=limit)
                for lease in leases:
                    task = asyncio.create_task(self.run(lease))
                    self.runs.add(task)
                    task.add_done_callback(self.runs.discard)
                if len(leases) < limit:
                    await wakes.wait(timedelta(seconds=2))

    async def live(self) -> None:
        while True:
            async with self.times.of("renew"):
                await self.store.renew(self.name, ttl=TTL)
            async with self.times.of("beat"):
                await self.store.beat(self.me, ttl=TTL)
            await asyncio.sleep(TTL.total_seconds() / 3)

    async def probe(self, agents: list[AgentId]) -> None:
        """Note the health of this replica's share of the agents once a minute, as the fleet does."""
        while True:
            for agent in agents:
                async with self.times.of("probe"):
                    await self.store.note_check([agent], check())
                await asyncio.sleep(60 / len(agents))

    async def run(self, lease: Lease) -> None:
        async with self.times.of("load"):
            await self.store.load(lease)
        for changes in life():
            try:
                async with self.times.of("commit"):
                    await self.store.commit(lease, changes)
            except LeaseLost:
                self.lost += 1
                return
            self.bus.publish(execution_topic(lease.execution))
        self.bus.publish(WORK)
        self.done += 1
        self.ended()


def check():
    return EngineCheck(AgentHealth.ONLINE, datetime.now(UTC), version="1")


def life():
    """The commits of an execution, as the runner makes them."""
    now, seq = datetime.now(UTC), 1

    def event(kind: EventType, **data: object) -> Event:
        nonlocal seq
        seq += 1
        return Event(seq, kind, now, data)

    yield Changes(execution=ExecutionChange(ExecutionStatus.RUNNING, now), events=[event(EventType.EXECUTION_STARTED)])
    for n in range(STEPS):
        step = StepId(f"step{n}")
        began = AttemptRecord(step, 0, 1, StepStatus.RUNNING, started_at=now)
        yield Changes(
            steps=[StepRecord(step, StepStatus.RUNNING, attempt=1, started_at=now)],
            attempts=[began],
            events=[event(EventType.STEP_STARTED, step=step, attempt=1)],
        )
        ended = {"started_at": now, "completed_at": now, "exit_code": 0}
        lines = tuple(LogLine(now, Stream.STDOUT, f"line {n} of the step, as long as they are") for n in range(20))
        yield Changes(
            steps=[StepRecord(step, StepStatus.COMPLETED, attempt=1, outputs={"result": "done"}, **ended)],
            attempts=[AttemptRecord(step, 0, 1, StepStatus.COMPLETED, **ended)],
            events=[event(EventType.STEP_FINISHED, step=step, status="completed")],
            logs=[LogBatch(n + 1, step, 0, 1, lines)],
        )
    yield Changes(
        execution=ExecutionChange(ExecutionStatus.COMPLETED, now, now, outputs={"result": "done"}),
        events=[event(EventType.EXECUTION_FINISHED, status="completed")],
    )


async def postmaster(plain) -> int:
    """The server's process, which is on this machine."""
    return int(await plain.fetchval("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"))


async def submit(replicas: list[Worker], workflows: list[NewWorkflow], times: Times, rate: float) -> None:
    """Submit at a rate, or so that a few always wait."""
    turns = 0
    began = time.perf_counter()

    async def one() -> None:
        replica = random.choice(replicas)
        async with times.of("submit"):
            await replica.store.submit(execution_of(random.choice(workflows)))
        replica.bus.publish(WORK)

    if not rate:
        room = asyncio.Semaphore(30 * len(replicas))

        async def client() -> None:
            while True:
                await room.acquire()
                await one()

        for each in replicas:
            each.ended = room.release
        await asyncio.gather(*(client() for _ in range(4 * len(replicas))))
    async with asyncio.TaskGroup() as group:
        while True:
            turns += 1
            await asyncio.sleep(max(0.0, began + turns / rate - time.perf_counter()))
            group.create_task(one())


def cpu_of(postmaster: int) -> float:
    """Seconds of the processor that the server and all its processes have used."""
    ticks = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(process.name) == postmaster:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


async def measure(url: str, given: argparse.Namespace) -> None:
    times = Times()
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        stores = [
            await stack.enter_async_context(open_store(url, clock=clock, replica=f"replica {n}"))
            for n in range(given.replicas)
        ]
        if not (await stores[0].executions(ExecutionQuery(limit=1))).total:
            await fill(url, stores[0], given)
        if not given.seconds:
            return
        workflows, agents = await found(url)
        replicas = [Worker(n, store, PostgresBus(url, clock), times) for n, store in enumerate(stores)]
        loops = [asyncio.create_task(each.bus.run()) for each in replicas]
        await asyncio.gather(*(each.bus.listening.wait() for each in replicas))
        for n, each in enumerate(replicas):
            loops += [asyncio.create_task(each.live()), asyncio.create_task(each.claim(len(replicas)))]
            loops.append(asyncio.create_task(each.probe(agents[n :: len(replicas)])))
        plain = await stack.enter_async_context(connected(url))
        server = await postmaster(plain)
        await plain.execute("SELECT pg_stat_statements_reset()")
        await plain.execute("SELECT pg_stat_reset()")
        times.each.clear()
        before = [each.done for each in replicas]
        cpu, own, log = cpu_of(server), time.process_time(), await plain.fetchval("SELECT pg_current_wal_lsn()")
        began = time.perf_counter()
        loops.append(asyncio.create_task(submit(replicas, workflows, times, given.rate)))
        if given.kept:
            loops.append(asyncio.create_task(sweep(stores[0], timedelta(seconds=given.kept), times)))
        for _ in range(round(given.seconds / WATCH)):
            await asyncio.sleep(WATCH)
            await watch(plain, time.perf_counter() - began, sum(each.done for each in replicas))
        took = time.perf_counter() - began
        done = [each.done - first for each, first in zip(replicas, before, strict=True)]
        cpu, own = cpu_of(server) - cpu, time.process_time() - own
        written = await plain.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), $1)", log)
        await report(plain, times, done, took, cpu, own, int(written))
        print("leases lost:", sum(each.lost for each in replicas))
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        for each in replicas:
            for task in each.runs:
                task.cancel()


async def sweep(store: SqlStore, kept: timedelta, times: Times) -> None:
    """Delete what is past its retention, as one replica does for all."""
    sweeper = HistorySweeper(store, SystemClock(), Retention(age=kept))
    while True:
        async with times.of("sweep"):
            await sweeper.sweep()
        await asyncio.sleep(10)


async def watch(plain, at: float, done: int) -> None:
    """Print what the tables hold that is dead, and how large they are."""
    rows = await plain.fetch(
        "SELECT relname, n_live_tup AS live, n_dead_tup AS dead, autovacuum_count AS vacuums, "
        "pg_total_relation_size(relid) / 1048576 AS mb FROM pg_stat_user_tables ORDER BY 5 DESC, 1 LIMIT 7"
    )
    tables = "; ".join(
        f"{row['relname']} {row['mb']} MB, {row['dead']:,} dead of {row['live']:,}, vacuumed {row['vacuums']}"
        for row in rows
    )
    print(f"{at:5.0f} s: {done:,} done; {tables}", flush=True)


async def report(plain, times: Times, done: list[int], took: float, cpu: float, own: float, written: int) -> None:
    count = sum(done) or 1
    print(f"{count / took:.1f} executions/s over {took:.0f} s; by replica: {min(done)} to {max(done)}")
    print(
        f"each: {cpu / count * 1000:.1f} ms of the server's processor, {own / count * 1000:.1f} ms of the replicas', "
        f"{written / count / 1024:.1f} KiB of its log"
    )
    day = A_DAY / 86400
    print(
        f"at {A_DAY:,} a day ({day:.1f}/s): {cpu / count * day:.2f} cores of the server on average, "
        f"{written / count * A_DAY / 1e9:.1f} GB of log a day"
    )
    times.show()
    print("statements by time:")
    for row in await plain.fetch(
        "SELECT calls, total_exec_time AS total, mean_exec_time AS mean, rows, left(regexp_replace(query, "
        "'\\s+', ' ', 'g'), 150) AS query FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 14"
    ):
        print(f"  {row['total']:9.0f} ms {row['calls']:8,} calls {row['mean']:8.3f} ms  {row['query']}")
    print("tables read from end to end:")
    for row in await plain.fetch(
        "SELECT relname, seq_scan, seq_tup_read FROM pg_stat_user_tables WHERE seq_tup_read > 0 ORDER BY 3 DESC LIMIT 8"
    ):
        print(f"  {row['relname']:18} {row['seq_scan']:8,} times {row['seq_tup_read']:12,} rows")
    print("deadlocks:", await plain.fetchval("SELECT sum(deadlocks) FROM pg_stat_database"))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--replicas", type=int, default=10)
    options.add_argument("--agents", type=int, default=1000)
    options.add_argument("--stored", type=int, default=200_000)
    options.add_argument("--open", type=int, default=3000, help="executions that run all the time")
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--rate", type=float, default=0)
    options.add_argument("--kept", type=float, default=0, help="seconds after its end that an execution is kept")
    options.add_argument("--database", help="URL of a database on this machine, of whoever may read the server's files")
    given = options.parse_args()
    if given.database:
        asyncio.run(run(given.database, given))
        return
    with ExitStack() as stack:
        server = Postgres(
            fsync="on",
            full_page_writes="on",
            shared_buffers="256MB",
            shared_preload_libraries="pg_stat_statements,auto_explain",
            log_min_messages="log",
            **{"auto_explain.log_min_duration": "100", "auto_explain.log_analyze": "on"},
        )
        stack.callback(server.close)
        asyncio.run(run(asyncio.run(server.new_database()), given))


async def run(url: str, given: argparse.Namespace) -> None:
    async with connected(url) as plain:
        await plain.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    await measure(url, given)


if __name__ == "__main__":
    main()

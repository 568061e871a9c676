"""The REST API of the service on one core: `execute` calls a second, each durable before its answer, and lists.

    python bench/rest.py [--executions 100000] [--clients 32] [--seconds 5] [--rounds 3] [--pace 300]

The service has the first core to itself, the clients the last one. Prints its idle memory; then, over a database with
so many executions: lists alone; `execute` as fast as it goes, with nothing to run them and with the fake engine running
them meanwhile; and lists while `--pace` calls a second come in. Medians of the rounds. Exits with 1 if a target of
the project is missed: 300 calls a second, lists under 20 ms at the 99th percentile, 120 MB when idle.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from lists import SystemClock, fill

from aiop.store import open_store
from service_process import PASSWORD, ServiceProcess

CALLS_TARGET = 300
LISTS_TARGET_MS = 20.0
MEMORY_TARGET_MB = 120
NO_ENGINE = {"docker_endpoint": "unix:///nonexistent/docker.sock"}


class Connection:
    """A plain HTTP/1.1 connection: costs the clients' core little."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def call(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request and read its answer."""
        kind = "Content-Type: application/json\r\n" if body else ""
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\n{self._head}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        answer = await self._reader.readexactly(int(length[1])) if length else b""
        return int(head[9:12]), answer

    def close(self) -> None:
        self._writer.close()


@dataclass
class Times:
    """How long calls took, in milliseconds."""

    each: list[float] = field(default_factory=list)

    def note(self, began: float) -> None:
        self.each.append((time.perf_counter() - began) * 1000)

    def at(self, share: float) -> float:
        ordered = sorted(self.each)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass
class Bench:
    """A service under measurement."""

    service: ServiceProcess
    token: str
    workflow: str
    clients: int
    seconds: float

    @asynccontextmanager
    async def connections(self, count: int) -> AsyncIterator[list[Connection]]:
        made = [Connection(self.service.port, self.token) for _ in range(count)]
        await asyncio.gather(*(each.open() for each in made))
        yield made
        for each in made:
            each.close()

    async def total(self) -> int:
        async with self.connections(1) as [connection]:
            _, answer = await connection.call("GET", "/dagger/executions?limit=1")
            return int(json.loads(answer)["total"])

    async def executes(self, times: Times, *, pace: float | None = None) -> float:
        """Execute from all clients at once, or ``pace`` times a second; returns the calls a second."""
        body = json.dumps({"inputs": {"param1": "value1"}}).encode()
        path = f"/dagger/workflows/{self.workflow}/execute"
        before, began = await self.total(), time.perf_counter()
        turns = itertools.count()

        async def client(connection: Connection) -> None:
            while True:
                due = began + next(turns) / pace if pace else time.perf_counter()
                if max(due, time.perf_counter()) > began + self.seconds:
                    return
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                sent = time.perf_counter()
                status, answer = await connection.call("POST", path, body)
                times.note(sent)
                if status != 201:
                    raise RuntimeError(f"{status}: {answer.decode()}")

        count = len(times.each)
        async with self.connections(self.clients) as connections:
            await asyncio.gather(*(client(connection) for connection in connections))
        took = time.perf_counter() - began
        count = len(times.each) - count
        if await self.total() - before != count:
            raise RuntimeError("not every call that was answered is stored")
        return count / took

    async def lists(self, times: dict[str, Times], *, until: asyncio.Event | None = None) -> None:
        """Ask for each list, once or until told to stop."""
        async with self.connections(1) as [connection]:
            while True:
                for path in self.paths():
                    sent = time.perf_counter()
                    status, answer = await connection.call("GET", path)
                    times.setdefault(path, Times()).note(sent)
                    if status != 200:
                        raise RuntimeError(f"{path}: {status}: {answer.decode()}")
                if until is None or until.is_set():
                    return
                await asyncio.sleep(0.02)

    def paths(self) -> Iterator[str]:
        own = f"/dagger/workflows/{self.workflow}/executions"
        yield from ("/dagger/workflows", "/dagger/workflows?name=0042", "/dagger/workflows?sort=name:desc&offset=100")
        for path in ("/dagger/executions", own):
            yield from (path, f"{path}?status=completed", f"{path}?status=failed&sort=started_at")
            yield f"{path}?sort=completed_at:desc"
        yield from ("/dagger/executions?offset=50000", "/dagger/executions?status=running", "/dagger/agents")


def cpu_of(pid: int) -> float:
    """Seconds of the processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> tuple[float, float]:
    """Resident and proportional memory, in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    rss, pss = (int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)[1]) / 1024 for name in ("Rss", "Pss"))
    return rss, pss


@asynccontextmanager
async def served(data: Path, options: argparse.Namespace, **settings: str) -> AsyncIterator[Bench]:
    """Start the service on the first core, with a workflow of one step in it."""
    cores = sorted(os.sched_getaffinity(0))
    service = ServiceProcess(data, core=cores[0], access_token_seconds="86400", **settings)
    os.sched_setaffinity(0, {cores[-1]})
    try:
        await service.start()
        async with service.client() as client:
            step = {"id": "a", "container": {"image": "fake", "command": ["true"]}}
            workflow = await client.workflows.create({"name": "bench", "steps": [step]})
            token = (await client.auth.sign_in("admin", PASSWORD)).access_token
        yield Bench(service, token, workflow.id, options.clients, options.seconds)
    finally:
        await service.kill()
        os.sched_setaffinity(0, set(cores))


async def rounds(bench: Bench, name: str, count: int, *, pace: float | None = None) -> float:
    """Execute for some rounds, print and return the median rate.

    What a call costs of the core tells what a quiet machine could do.
    """
    times, cpu = Times(), cpu_of(bench.service.pid)
    rates = [await bench.executes(times, pace=pace) for _ in range(count)]
    cpu = cpu_of(bench.service.pid) - cpu
    each = ", ".join(f"{rate:.0f}" for rate in rates)
    print(
        f"{name}: {statistics.median(rates):.0f} calls/s ({each}); p50 {times.at(0.5):.1f} ms, "
        f"p99 {times.at(0.99):.1f} ms; {cpu / len(times.each) * 1000:.2f} ms of the core each"
    )
    return statistics.median(rates)


def worst_of(name: str, times: dict[str, Times]) -> float:
    """Print each list and return the highest 99th percentile."""
    print(f"{name}:  p50 ms  p99 ms")
    for path, each in times.items():
        short = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "{id}", path)
        print(f"  {each.at(0.5):7.1f} {each.at(0.99):7.1f}  {short}")
    return max(each.at(0.99) for each in times.values())


async def measure(data: Path, options: argparse.Namespace) -> dict[str, float]:
    found = {}
    async with served(data.with_name("empty"), options, **NO_ENGINE) as bench:
        rss, pss = memory_of(bench.service.pid)
        print(f"idle: {rss:.0f} MB resident, {pss:.0f} MB proportional")
        found["idle"] = rss
    async with served(data, options, **NO_ENGINE) as bench:
        alone: dict[str, Times] = {}
        cpu = cpu_of(bench.service.pid)
        for _ in range(100):
            await bench.lists(alone)
        cpu = cpu_of(bench.service.pid) - cpu
        found["lists"] = worst_of("lists alone", alone)
        print(f"a list costs {cpu / sum(len(each.each) for each in alone.values()) * 1000:.2f} ms of the core")
        found["executes"] = await rounds(bench, "execute, nothing to run them", options.rounds)
        meanwhile: dict[str, Times] = {}
        done = asyncio.Event()
        asking = asyncio.create_task(bench.lists(meanwhile, until=done))
        await rounds(bench, f"execute, {options.pace:g} calls a second", options.rounds, pace=options.pace)
        done.set()
        await asking
        worst_of("lists meanwhile", meanwhile)
        rss, pss = memory_of(bench.service.pid)
        print(f"after that: {rss:.0f} MB resident, {pss:.0f} MB proportional")
    async with served(data.with_name("run"), options, engine="fake") as bench:
        await rounds(bench, "execute, and run on the fake engine", options.rounds)
    return found


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pace", type=float, default=CALLS_TARGET)
    parser.add_argument("--data", type=Path, help="directory of a service that is used, and filled if it is new")
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        print("clients and service share the only core: the figures are too low", file=sys.stderr)
    with tempfile.TemporaryDirectory() as directory:
        data = options.data or Path(directory) / "data"
        if not (data / "aiop.db").exists():
            async with open_store(f"sqlite+aiosqlite:///{data}/aiop.db", clock=SystemClock()) as store:
                await fill(store, options.executions)
        found = await measure(data, options)
    missed = [
        name
        for name, good in (
            ("idle", found["idle"] <= MEMORY_TARGET_MB),
            ("executes", found["executes"] >= CALLS_TARGET),
            ("lists", found["lists"] <= LISTS_TARGET_MS),
        )
        if not good
    ]
    print(f"missed: {', '.join(missed)}" if missed else "all targets are met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

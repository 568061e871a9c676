"""Fills a database with executions and prints how long each list of the API takes, for each filter, sort and page.

    python bench/lists.py [--executions 100000] [--rounds 11] [--database PATH-OR-URL | --postgres]

Which lists there are, with their sorts and filters, is read from the service's own description of its API. A database
that has executions is measured as it is; 0 rounds only fill it. Exits with 1 if a median is over 50 ms. On a machine
that is not quiet the least times tell more.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import httpx

from aiop.auth import ensure_admin
from aiop.interfaces import (
    AgentQuery,
    Changes,
    ExecutionChange,
    ExecutionQuery,
    Lease,
    NewExecution,
    NewPipeline,
    NewSecret,
    NewWorkflow,
    PipelineQuery,
    Store,
    WorkflowQuery,
    acting,
)
from aiop.model.agent import AgentHealth, AgentRecord
from aiop.model.audit import Actor
from aiop.model.ids import AgentId, ExecutionId, PipelineId, StepId, TokenId, VersionId, WorkflowId, new_id
from aiop.model.records import (
    AttemptRecord,
    Event,
    EventType,
    LogBatch,
    LogLine,
    Role,
    StepRecord,
    Stream,
    TokenRecord,
    UserRecord,
)
from aiop.model.state import ExecutionStatus, StepStatus
from aiop.store import open_store
from service_process import PASSWORD, ServiceProcess

WORKFLOWS = 10_000
OTHERS = 1000
"""Pipelines, agents, users, tokens, secrets, versions of one workflow, and steps of one execution."""
STEPS = 3
AT_ONCE = 500
LIMIT_MS = 50.0
DOCUMENT = '{"name": "x", "steps": []}'


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
    """Half of the executions are of one workflow, one in ten of one pipeline; one in fifty still runs, one in ten has
    failed. All else that has a list is there a thousand times.
    """
    workflows = [
        NewWorkflow(WorkflowId(new_id()), VersionId(new_id()), f"Workflow {n:05}", None, DOCUMENT)
        for n in range(WORKFLOWS)
    ]
    with acting(Actor(username="admin")):
        await ensure_admin(store, SystemClock(), password=PASSWORD, file=Path())
        await asyncio.gather(*(store.create_workflow(new) for new in workflows))
        pipeline = await fill_beside(store, workflows[0])
        await store.add_agent(roomy_agent())
        for start in range(0, executions, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, executions))
            await asyncio.gather(*(store.submit(one_of(n, workflows, pipeline)) for n in numbers))
            leases = await store.claim("bench", ttl=timedelta(hours=1), limit=AT_ONCE)
            await asyncio.gather(*(run(store, lease, start + n) for n, lease in enumerate(leases)))
            print(f"\rfilled {numbers.stop:,}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        await fill_large(store)


def one_of(n: int, workflows: list[NewWorkflow], pipeline: PipelineId) -> NewExecution:
    if n % 10 == 0:
        new = execution_of(workflows[0])
        return NewExecution(new.id, None, VersionId(new_id()), new.inputs, {}, pipeline_id=pipeline, document=DOCUMENT)
    return execution_of(workflows[0 if n % 2 else n % WORKFLOWS])


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


async def fill_beside(store: Store, workflow: NewWorkflow) -> PipelineId:
    """Store what else has lists; returns one of the pipelines."""
    now = datetime.now(UTC)
    pipelines = [NewPipeline(PipelineId(new_id()), f"Pipeline {n:04}", "/src", '"a.yaml"') for n in range(OTHERS)]
    agents = [
        AgentRecord(AgentId(new_id()), f"agent {n:04}", now, capabilities=("containerized_workflow",))
        for n in range(OTHERS)
    ]
    users = [UserRecord(f"user{n:04}", Role.VIEWER, "-", now) for n in range(OTHERS)]
    tokens = [
        TokenRecord(TokenId(new_id()), "admin", Role.VIEWER, f"digest {n}", f"token {n}", now) for n in range(OTHERS)
    ]
    await asyncio.gather(
        *map(store.create_pipeline, pipelines),
        *map(store.add_agent, agents),
        *map(store.add_user, users),
        *map(store.add_token, tokens),
        *(store.put_secret(NewSecret(f"SECRET_{n:04}", b"sealed", None, "admin")) for n in range(OTHERS)),
    )
    base = workflow.version_id
    for _ in range(OTHERS):
        new = NewWorkflow(workflow.id, VersionId(new_id()), workflow.name, None, DOCUMENT)
        await store.update_workflow(new, base=base)
        base = new.version_id
    return pipelines[0].id


async def fill_large(store: Store) -> None:
    """Store one execution of many steps with a long log, the newest of all."""
    definition = {"name": "x", "steps": [{"id": f"step{n}", "container": {"image": "i"}} for n in range(OTHERS)]}
    workflow = NewWorkflow(WorkflowId(new_id()), VersionId(new_id()), "Large", None, json.dumps(definition))
    await store.create_workflow(workflow)
    await store.submit(execution_of(workflow))
    [lease] = await store.claim("bench", ttl=timedelta(hours=1), limit=1)
    now = datetime.now(UTC)
    ended = {"started_at": now, "completed_at": now, "exit_code": 0}
    steps = [StepId(f"step{n}") for n in range(OTHERS)]
    lines = tuple(LogLine(now, Stream.STDOUT, f"line {n} of the step, as long as they are") for n in range(10))
    await store.commit(
        lease,
        Changes(
            execution=ExecutionChange(ExecutionStatus.COMPLETED, now, now),
            steps=[StepRecord(step, StepStatus.COMPLETED, attempt=1, outputs={"result": "done"}, **ended)
                   for step in steps],
            attempts=[AttemptRecord(step, 0, 1, StepStatus.COMPLETED, **ended) for step in steps],
            events=[Event(n + 2, EventType.STEP_FINISHED, now, {"step": step}) for n, step in enumerate(steps)],
            logs=[LogBatch(n + 1, step, 0, 1, lines) for n, step in enumerate(steps)],
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class Known:
    """Ids and words to fill paths and filters with."""

    values: dict[str, str]
    executions: int

    def choices(self, path: str, name: str, schema: Any) -> list[str]:
        """What to filter by, or to sort by."""
        if name == "sort":
            fields = re.match(r"\^\((.*?)\)", schema["pattern"])[1].split("|")
            return [f"{field}:{direction}" for field in fields for direction in ("asc", "desc")]
        if name == "status":
            return ["idle", "offline"] if path == "/dagger/agents" else ["completed", "failed", "running"]
        return [self.values[name]]


async def known(store: Store) -> Known:
    large = (await store.executions(ExecutionQuery(limit=1))).items[0]
    return Known(
        {
            "workflow_id": (await store.workflows(WorkflowQuery(limit=1, sort="name"))).items[0].id,
            "pipeline_id": (await store.pipelines(PipelineQuery(limit=1, sort="name"))).items[0].id,
            "agent_id": (await store.agents(AgentQuery(limit=1, sort="name"))).items[0].id,
            "execution_id": large.id,
            "step": "step7",
            "name": "00",
            "capability": "containerized_workflow",
            "actor": "admin",
            "action": "ExecutionSubmitted",
            "target": large.id,
            "since": "2025-03-01T12:00:00Z",
            "until": "2125-03-01T12:00:00Z",
        },
        (await store.executions(ExecutionQuery(limit=1))).total,
    )


def requests(api: Any, have: Known) -> Iterator[tuple[str, dict[str, str], bool]]:
    """Yield path, query and whether it is a list, for all that answers with many things."""
    for path, methods in api["paths"].items():
        asked = methods.get("get", {}).get("parameters", [])
        names = {each["name"]: each["schema"] for each in asked if each["in"] == "query"}
        if "limit" not in names or path == "/images":  # those are files of an engine, and no rows
            continue
        options = [
            [(name, choice) for choice in (None, *have.choices(path, name, plain(schema)))]
            for name, schema in names.items()
            if name not in ("limit", "offset")
        ]
        for chosen in itertools.product(*options):
            yield path.format(**have.values), {name: value for name, value in chosen if value}, True
    one = f"/dagger/executions/{have.values['execution_id']}"
    for path in (one, f"{one}/graph", f"{one}/logs", f"{one}/logs?step=step7", f"{one}/steps/step7"):
        yield path, {}, False
    yield "/monitoring/dagger/throughput", {}, False
    yield "/monitoring/dagger/throughput?hours=168", {}, False
    yield "/monitoring/dagger/metrics", {}, False


def plain(schema: Any) -> Any:
    return schema["anyOf"][0] if "anyOf" in schema else schema


async def took(client: httpx.AsyncClient, path: str, query: dict[str, Any], rounds: int) -> tuple[list[float], Any]:
    each = []
    for _ in range(rounds):
        began = time.perf_counter()
        answer = await client.get(path, params=query or None)
        each.append((time.perf_counter() - began) * 1000)
        answer.raise_for_status()
    return sorted(each), answer


async def measure(client: httpx.AsyncClient, have: Known, rounds: int) -> float:
    """Ask for the first page of each list, one in the middle and one after two fifths; returns the worst median."""
    api = (await client.get("/openapi.json")).json()
    medians = []
    print(f"{'p50 ms':>8} {'least ms':>8} {'most ms':>8} {'total':>8}  list")
    for path, query, is_list in requests(api, have):
        offsets: list[int] = [0]
        total = "-"
        if is_list:
            total = (await client.get(path, params={**query, "limit": 1})).json()["total"]
            offsets += sorted({total * 2 // 5, total // 2} - {0})
        for offset in offsets:
            each, _ = await took(client, path, {**query, "offset": offset} if is_list else {}, rounds)
            medians.append((each[len(each) // 2], path, query, offset))
            shown = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", f"{path} {json.dumps(query)} offset={offset}")
            print(f"{each[len(each) // 2]:8.2f} {each[0]:8.2f} {each[-1]:8.2f} {total:>8}  {shown}")
    medians.sort(key=lambda each: each[0])
    print(f"{len(medians)} reads; median of the medians: {medians[len(medians) // 2][0]:.1f} ms; slowest:")
    for median, path, query, offset in medians[-10:]:
        print(f"{median:8.1f}  {path} {json.dumps(query)} offset={offset}")
    return medians[-1][0]


@asynccontextmanager
async def served(url: str, directory: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Start the service on the database, with nothing to run executions; a client of it, signed in."""
    settings = {"secret_key": "x" * 48, "access_token_seconds": "86400", "local_agent": "false"}
    settings |= {"role": "api"} if url.startswith("postgresql") else {"docker_endpoint": "unix:///nowhere/docker.sock"}
    service = ServiceProcess(directory / "data", database_url=url, **settings)
    try:
        await service.start()
        async with service.client() as signing_in:
            token = (await signing_in.auth.sign_in("admin", PASSWORD)).access_token
        async with httpx.AsyncClient(
            base_url=service.url, headers={"Authorization": f"Bearer {token}"}, timeout=60
        ) as client:
            yield client
    finally:
        await service.kill()


async def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--executions", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=11)
    options.add_argument("--database", help="file of SQLite, or URL of PostgreSQL")
    options.add_argument("--postgres", action="store_true", help="on a PostgreSQL server that is started for it")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        url = await a_database(stack) if given.postgres else given.database or str(Path(directory) / "aiop.db")
        is_sqlite = "://" not in url
        url = f"sqlite+aiosqlite:///{url}" if is_sqlite else url
        async with open_store(url, clock=SystemClock()) as store:
            if not (await store.executions(ExecutionQuery(limit=1))).total:
                began = time.perf_counter()
                await fill(store, given.executions)
                print(f"filled in {time.perf_counter() - began:.0f} s")
                if not is_sqlite:
                    await vacuum(url)
            have = await known(store)
        if not given.rounds:
            return 0
        async with served(url, Path(directory)) as client:
            worst = await measure(client, have, given.rounds)
    return 0 if worst <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

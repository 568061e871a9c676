"""A service with a past and a present, for pictures of the web UI: real workflows in real containers.

The history of a day is written into the database before the service starts, as nobody wants to wait for it.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from aiop.client import Client
from aiop.interfaces import Changes, ExecutionChange, Lease, NewExecution, NewWorkflow
from aiop.model.agent import AgentHealth, AgentRecord
from aiop.model.ids import AgentId, ExecutionId, StepId, VersionId, WorkflowId, new_id
from aiop.model.records import AttemptRecord, LogBatch, LogLine, StepRecord, Stream
from aiop.model.state import ExecutionStatus, Reason, StepStatus
from aiop.store import SqlStore, open_store

__all__ = ["Present", "write_past"]

ROOT = Path(__file__).resolve().parent.parent
HOURS = 30
SECOND = timedelta(seconds=1)
HANDBOOK = ROOT / "examples" / "handbook"
IMAGE = {"image": "busybox:1", "network": "none"}
LINKS = r"""
printf '\033[1mChecking 214 links\033[0m\n'
i=1
while [ $i -le 40 ]; do printf '\033[32m ok \033[0m https://docs.example.test/page-%s\n' $i; i=$((i+1)); done
printf '\033[33mslow\033[0m https://docs.example.test/archive (2.9 s)\n'
sleep 0.3; printf '\033[31mgone\033[0m https://docs.example.test/guides/old-setup (404)\n' >&2
printf '\033[31mgone\033[0m https://docs.example.test/reference/v1 (404)\n' >&2
echo '2 links lead nowhere' >&2
exit 2
"""
EMBED = """
i=1
while [ $i -le 6 ]; do echo "batch $i of 6: 128 documents embedded"; sleep 0.4; i=$((i+1)); done
"""


def workflows() -> Iterator[dict[str, Any]]:
    """Write the workflows of a small company."""
    yield yaml.safe_load((ROOT / "examples" / "sales-report" / "workflow.yaml").read_text())
    yield {
        "name": "index-documents",
        "description": "Splits the archive, embeds each part and builds the search index",
        "container_config": IMAGE,
        "steps": [
            step("collect", "echo 48 parts"),
            step("split", "echo 48", "collect"),
            *(step(f"embed-{n:02}", EMBED, "split") for n in range(1, 49)),
            step("merge", "sleep 1; echo merged", *(f"embed-{n:02}" for n in range(1, 49))),
            step("build-index", "sleep 1; echo built", "merge"),
            step("swap-alias", "echo live", "build-index"),
        ],
    }
    yield {
        "name": "publish-docs",
        "description": "Builds the handbook, checks every link and publishes it",
        "container_config": IMAGE,
        "steps": [
            step("checkout", "echo main at 4f2c1d9"),
            step("build", "echo 214 pages", "checkout"),
            step("spelling", "echo no mistakes", "checkout"),
            step("check-links", LINKS, "build", retry={"max_attempts": 2, "delay": 0.2}),
            step("screenshots", "echo 12 pictures", "build"),
            step("publish", "echo published", "check-links", "spelling", "screenshots"),
            step("announce", "echo announced", "publish"),
        ],
    }
    yield {
        "name": "train-churn-model",
        "description": "Trains three candidates on last month's customers and keeps the best",
        "inputs": {"months": {"type": "integer", "default": 12, "description": "How much history to learn from"}},
        "container_config": {**IMAGE, "resources": {"memory": "64Mi", "cpu": 0.5}},
        "steps": [
            step("extract", "sleep 0.5; echo 182340 rows"),
            step("clean", "sleep 0.7; echo 179022 rows", "extract"),
            step("features", "sleep 1; echo 64 columns", "clean"),
            step("train-linear", "sleep 2; echo auc=0.81", "features"),
            step("train-forest", "sleep 40; echo auc=0.86", "features"),
            step("train-boosted", "sleep 55; echo auc=0.88", "features"),
            step("evaluate", "echo boosted", "train-linear", "train-forest", "train-boosted"),
            step("report", "echo sent", "evaluate"),
            step("register", "echo churn:42", "evaluate"),
        ],
    }
    yield {
        "name": "backup-database",
        "description": "Dumps, encrypts and uploads the database",
        "container_config": IMAGE,
        "steps": [
            step("dump", "sleep 30; echo 2.1 GB"),
            step("encrypt", "echo done", "dump"),
            step("upload", "echo done", "encrypt"),
        ],
    }


def step(step_id: str, script: str, *needs: str, **fields: Any) -> dict[str, Any]:
    """Write a step."""
    return {"id": step_id, "depends_on": list(needs), "container": {"script": script}, **fields}


class PastClock:
    """Stands wherever it is put."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    async def sleep(self, delay: timedelta) -> None:
        """Move on at once."""
        self.time += delay


def write_past(database: Path) -> None:
    """Fill a database with the executions of the last day."""
    asyncio.run(_write_past(database))


async def _write_past(database: Path) -> None:
    clock = PastClock()
    now = clock.now()
    chance = random.Random(7)  # noqa: S311 - the same picture each time
    async with open_store(f"sqlite+aiosqlite:///{database}", clock=clock) as store:
        clock.time = now - timedelta(hours=HOURS)
        agent = AgentRecord(AgentId(new_id()), "past", clock.now(), max_load=1000, health=AgentHealth.ONLINE)
        await store.add_agent(agent)
        made = []
        for document in workflows():
            text = json.dumps(document)
            new = NewWorkflow(
                WorkflowId(new_id()), VersionId(new_id()), document["name"], document.get("description"), text
            )
            await store.create_workflow(new)
            made.append((new, document))
        for hour in range(HOURS):
            # More goes on by day than by night.
            for _ in range(chance.randint(1, 4) + (8 if 7 <= (now.hour - HOURS + hour) % 24 <= 18 else 0)):
                clock.time = now - timedelta(hours=HOURS - hour) + timedelta(minutes=chance.uniform(0, 55))
                if clock.time < now - timedelta(minutes=4):
                    await _run(store, clock, *chance.choice(made), chance)
        clock.time = now
        await store.delete_agent(agent.id, force=False)


async def _run(
    store: SqlStore, clock: PastClock, new: NewWorkflow, document: dict[str, Any], chance: random.Random
) -> None:
    inputs = {name: declared.get("default") for name, declared in document.get("inputs", {}).items()}
    execution = NewExecution(ExecutionId(new_id()), new.id, new.version_id, inputs, {})
    await store.submit(execution)
    [lease] = await store.claim("past", ttl=timedelta(hours=1), limit=1)
    failed = chance.random() < (0.5 if document["name"] == "publish-docs" else 0.04)
    await _finish(store, clock, lease, document, failed=failed, chance=chance)


async def _finish(
    store: SqlStore, clock: PastClock, lease: Lease, document: dict[str, Any], *, failed: bool, chance: random.Random
) -> None:
    begun = clock.now() + chance.uniform(0.01, 0.4) * SECOND
    ends: dict[str, datetime] = {}
    changes = Changes()
    culprit = document["steps"][len(document["steps"]) // 2]["id"] if failed else None
    broken: set[str] = set()
    for written in document["steps"]:
        name, needs = written["id"], written.get("depends_on", [])
        start = max([begun, *(ends[need] for need in needs)]) + chance.uniform(0.05, 0.3) * SECOND
        end = start + chance.lognormvariate(0.8, 0.9) * SECOND
        record = StepRecord(StepId(name), StepStatus.COMPLETED, 0, 1, start, end, 0, outputs={"result": "done"})
        if broken & set(needs):
            broken.add(name)
            end = start
            record = StepRecord(StepId(name), StepStatus.SKIPPED, completed_at=start, reason=Reason.UPSTREAM_FAILED)
        elif name == culprit:
            broken.add(name)
            record = StepRecord(
                StepId(name),
                StepStatus.FAILED,
                0,
                1,
                start,
                end,
                2,
                Reason.EXIT_CODE,
                "the container ended with exit code 2",
            )
        ends[name] = end
        changes.steps.append(record)
        changes.attempts.append(AttemptRecord(StepId(name), 0, 1, record.status, start, end, record.exit_code))
        line = LogLine(end, Stream.STDOUT, "done")
        changes.logs.append(LogBatch(len(changes.logs) + 1, StepId(name), 0, 1, (line,)))
    end = max(ends.values())
    status = ExecutionStatus.FAILED if failed else ExecutionStatus.COMPLETED
    why, error = (Reason.STEP_FAILED, f"step {culprit} failed: exit code 2") if failed else (None, None)
    changes.execution = ExecutionChange(status, begun, end, {"result": "done"}, why, error)
    clock.time = end
    await store.commit(lease, changes)


class Present:
    """What goes on while the pictures are taken; the fields are ids of executions."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ids = {each.name: each.id for each in client.workflows.iter()}
        self.workflow = self._ids["sales-report"]
        self._settle()
        self.agents = {agent.name: agent.id for agent in client.agents.iter()}
        self.pipeline = self._build()
        self.report = self._execute("sales-report")
        self.failed = self._execute("publish-docs")
        self._await_end(self.report, self.failed)
        self.indexing = self._execute("index-documents")
        self.training = self._execute("train-churn-model")
        self._await_running(self.training, "train-boosted")
        for _ in range(3):
            self._execute("backup-database")

    def _settle(self) -> None:
        """Make what a company has besides its executions: a second version, people, tokens and secrets."""
        report = next(workflows())
        report["description"] = "Counts the sales of a week, and says how near the target they are"
        self._client.workflows.update(self.workflow, report)
        self._client.auth.users.create("maria", "maria-has-a-long-password", "editor")
        self._client.auth.users.create("jonas", "jonas-has-a-long-password", "viewer")
        self._client.auth.tokens.create("nightly-build", role="editor")
        self._client.agents.create(
            {
                "name": "build-farm",
                "description": "The big machine below the stairs, for what needs a lot of memory",
                "capabilities": ["containerized_workflow", "large-memory"],
                "max_concurrent_executions": 40,
                "container_registry": "registry.example.test",
                "timeout_seconds": 7200,
                "engine": {"type": "docker", "endpoint": "tcp://127.0.0.1:2376"},
            }
        )
        self._client.secrets.put("warehouse-password", "never-shown", description="Reads the sales of the shops")

    def _build(self) -> str:
        """Store the example pipeline, and build it: whole, again, and with another layout. Returns its id."""
        pages = {path.relative_to(HANDBOOK).as_posix(): path.read_text() for path in HANDBOOK.rglob("*.*")}
        changed = {**pages, "layout.html": pages["layout.html"] + "<!-- printed on both sides -->\n"}
        document = {"name": "handbook", "description": yaml.safe_load(pages["pipeline.yaml"])["description"]}
        first = {**document, "source_directory": self._upload(pages), "pipeline_definition": "pipeline.yaml"}
        pipeline = self._client.pipelines.create(first).id
        inline = {"steps": [step("lint", "ls -R")], "container_config": IMAGE}
        self._client.pipelines.create({**first, "name": "lint", "description": "Looks at each file of the handbook",
                                       "pipeline_definition": inline, "caching_enabled": False})  # fmt: skip
        for source in (None, None, self._upload(changed)):
            self._await_end(self._client.pipelines.execute(pipeline, source_directory=source).execution_id)
        return pipeline

    def _upload(self, files: dict[str, str]) -> str:
        with tempfile.NamedTemporaryFile(suffix=".tar.gz") as place:
            with tarfile.open(fileobj=place, mode="w:gz") as archive:
                for name, text in files.items():
                    member = tarfile.TarInfo(name)
                    member.size = len(text.encode())
                    archive.addfile(member, io.BytesIO(text.encode()))
            place.flush()
            return self._client.pipelines.upload(place.name).source_directory

    def _execute(self, name: str) -> str:
        return str(self._client.workflows.execute(self._ids[name]).execution_id)

    def _await_end(self, *executions: str) -> None:
        for execution in executions:
            self._client.executions.wait(execution)

    def _await_running(self, execution: str, step_id: str) -> None:
        with closing(self._client.executions.events(execution)) as events:
            next(event for event in events if event.type == "StepStarted" and event.data.get("step") == step_id)

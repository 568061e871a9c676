"""A store under test: how to open it again, and makers of what goes in."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiop.interfaces import Changes, ExecutionChange, Lease, NewExecution, NewPipeline, NewWorkflow
from aiop.model.agent import AgentHealth, AgentRecord
from aiop.model.ids import (
    AgentId,
    ExecutionId,
    LayerId,
    PipelineId,
    SnapshotId,
    StepId,
    VersionId,
    WorkflowId,
    new_id,
)
from aiop.model.pipelines import CacheEntry
from aiop.model.records import Event, EventType, LogBatch, LogLine, StepRecord, Stream
from aiop.model.state import ExecutionStatus, Reason, StepStatus
from aiop.store import SqlStore, open_store
from aiop.store.tables import metadata
from postgres_lab import connected

START = datetime(2025, 3, 1, 12, tzinfo=UTC)
TTL = timedelta(seconds=30)


class HandClock:
    """Moves only when told to; whoever sleeps is woken by the next move that is far enough."""

    def __init__(self) -> None:
        self.time = START
        self._changed = asyncio.Condition()
        self._sleepers = 0

    def now(self) -> datetime:
        return self.time

    async def sleep(self, delay: timedelta) -> None:
        until = self.time + delay
        async with self._changed:
            self._sleepers += 1
            self._changed.notify_all()
            try:
                await self._changed.wait_for(lambda: self.time >= until)
            finally:
                self._sleepers -= 1

    async def somebody_sleeps(self) -> None:
        """Return once somebody waits for this clock to move."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._sleepers > 0)

    async def advance(self, **by: float) -> None:
        async with self._changed:
            self.time += timedelta(**by)
            self._changed.notify_all()


@dataclass
class Subject:
    """One database. ``store`` is open; ``reopen`` closes it and opens it anew, as a restart does."""

    url: str
    clock: HandClock = field(default_factory=HandClock)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self) -> SqlStore:
        """Open it; the first time with one agent that takes whatever comes."""
        return await self._stack.enter_async_context(roomy_store(self.url, clock=self.clock))

    async def aclose(self) -> None:
        await self._stack.aclose()

    @property
    def is_shared(self) -> bool:
        """Whether several processes may have it open."""
        return self.url.startswith("postgresql")

    async def pass_over(self, time: timedelta) -> None:
        """Let so much time pass for those who show that they live: by the database's clock, if it has one."""
        if self.is_shared:
            async with connected(self.url) as connection:
                await connection.execute(
                    "UPDATE replicas SET seen_at = seen_at - $1::bigint", time // timedelta(microseconds=1)
                )
        else:
            await self.clock.advance(seconds=time.total_seconds())

    async def contents(self) -> bytes:
        """All bytes that are on the disk; on PostgreSQL all that anybody can read, as its vacuum comes later."""
        if self.is_shared:
            async with connected(self.url) as connection:
                rows = [await connection.fetch(f"SELECT * FROM {name}") for name in metadata.tables]
            return b"\n".join(value for row in itertools.chain(*rows) for value in map(as_bytes, row.values()))
        path = Path(self.url.removeprefix("sqlite+aiosqlite:///"))
        return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))

    @asynccontextmanager
    async def replica(self) -> AsyncIterator[SqlStore]:
        """Another process on the same database."""
        async with open_store(self.url, clock=self.clock) as store:
            yield store


def as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


AGENT = AgentId("0192f000-0000-7000-8000-00000000000a")
"""The agent of every store under test."""


def an_agent(**changes: Any) -> AgentRecord:
    values = {
        "id": AgentId(new_id()),
        "name": "agent",
        "created_at": START,
        "health": AgentHealth.ONLINE,
    }
    return AgentRecord(**values | changes)


@asynccontextmanager
async def roomy_store(url: str, *, clock: HandClock, **options: int) -> AsyncIterator[SqlStore]:
    """Open a store that has an agent with a place for whatever comes."""
    async with open_store(url, clock=clock, **options) as store:
        if not await store.all_agents():
            await store.add_agent(an_agent(id=AGENT, max_load=1_000_000))
        yield store


def a_workflow(name: str = "Example Workflow", **changes: Any) -> NewWorkflow:
    values = {
        "id": WorkflowId(new_id()),
        "version_id": VersionId(new_id()),
        "name": name,
        "description": None,
        "document": '{"name": "x"}',
    }
    return NewWorkflow(**values | changes)


def an_execution(workflow: NewWorkflow, **changes: Any) -> NewExecution:
    values = {
        "id": ExecutionId(new_id()),
        "workflow_id": workflow.id,
        "version_id": workflow.version_id,
        "inputs": {"param1": "value1"},
        "options": {},
    }
    return NewExecution(**values | changes)


def a_pipeline(name: str = "Example Pipeline", **changes: Any) -> NewPipeline:
    values = {
        "id": PipelineId(new_id()),
        "name": name,
        "description": "A simple example pipeline",
        "source_directory": "/src",
        "definition": '"example.yaml"',
    }
    return NewPipeline(**values | changes)


def a_pipeline_run(pipeline: NewPipeline, document: str = '{"name": "p"}', **changes: Any) -> NewExecution:
    values = {
        "id": ExecutionId(new_id()),
        "workflow_id": None,
        "pipeline_id": pipeline.id,
        "version_id": VersionId(new_id()),
        "inputs": {},
        "options": {},
        "document": document,
        "source": SnapshotId("s1"),
    }
    return NewExecution(**values | changes)


async def claimed_run(store: SqlStore, pipeline: NewPipeline, *, owner: str = "a", **changes: Any) -> Lease:
    """Execute a stored pipeline and claim it."""
    execution = await store.submit(a_pipeline_run(pipeline, **changes))
    leases = await store.claim(owner, ttl=TTL, limit=1000)
    return next(lease for lease in leases if lease.execution == execution)


def an_entry(lease: Lease, key: str = "k1", **changes: Any) -> CacheEntry:
    values = {
        "key": key,
        "execution": lease.execution,
        "step": StepId("step1"),
        "index": 0,
        "attempt": 1,
        "layer": LayerId("l1"),
        "digest": "d1",
        "size": 100,
        "image_digest": "sha256:1",
        "outputs": {"result": "ok"},
    }
    return CacheEntry(**values | changes)


async def submitted(store: SqlStore, workflow: NewWorkflow | None = None, **changes: Any) -> ExecutionId:
    """Submit an execution, of a workflow of its own if none is given."""
    if workflow is None:
        workflow = a_workflow()
        await store.create_workflow(workflow)
    return await store.submit(an_execution(workflow, **changes))


async def claimed(store: SqlStore, workflow: NewWorkflow | None = None, *, owner: str = "a", **changes: Any) -> Lease:
    """Submit an execution and claim it, with whatever else waits."""
    execution = await submitted(store, workflow, **changes)
    leases = await store.claim(owner, ttl=TTL, limit=1000)
    return next(lease for lease in leases if lease.execution == execution)


def running() -> Changes:
    return Changes(execution=ExecutionChange(ExecutionStatus.RUNNING, START))


def ended(
    status: ExecutionStatus = ExecutionStatus.COMPLETED, *, at: datetime = START, reason: Reason | None = None
) -> Changes:
    return Changes(execution=ExecutionChange(status, START, at, {"result": "success"}, reason))


def a_step(step: str = "step1", status: StepStatus = StepStatus.RUNNING, **values: Any) -> StepRecord:
    return StepRecord(StepId(step), status, **values)


def an_event(seq: int, **data: Any) -> Event:
    return Event(seq, EventType.STEP_STARTED, START, data)


def a_batch(seq: int, *texts: str, step: str = "step1", at: datetime = START) -> LogBatch:
    return LogBatch(seq, StepId(step), 0, 1, tuple(LogLine(at, Stream.STDOUT, text) for text in texts))

"""What is due is sent, whatever the collector does."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from aiop.bus.local import LocalBus
from aiop.errors import NotFound, StorageUnavailable
from aiop.interfaces import DueTrace, TracedExecution, TracedStep
from aiop.model.ids import ExecutionId, StepId, WorkflowId
from aiop.model.records import StepRecord
from aiop.model.state import ExecutionStatus, StepStatus
from aiop.monitoring import Tracing, tracing
from aiop.monitoring.spans import Span

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


class World:
    """A store, a clock and a collector."""

    def __init__(self) -> None:
        self.time = NOON
        self.due: dict[str, datetime] = {}
        self.steps = 1
        self.options: dict[str, str] = {}
        self.gone: set[str] = set()
        self.refused: set[str] = set()
        self.batches: list[Sequence[Span]] = []
        self.away = False

    def now(self) -> datetime:
        return self.time

    async def due_traces(self, *, after, limit) -> list[DueTrace]:
        if self.away:
            raise StorageUnavailable("gone")
        ids = sorted(each for each in self.due if after is None or each > after)
        return [DueTrace(ExecutionId(each), self.due[each]) for each in ids[:limit]]

    async def traced_execution(self, execution) -> TracedExecution:
        if execution in self.gone:
            raise NotFound(execution)
        return TracedExecution(
            execution, WorkflowId("w"), None, "w", ExecutionStatus.COMPLETED, None, None, NOON, NOON, NOON, self.options
        )

    async def traced_steps(self, execution, *, after, limit) -> list[TracedStep]:
        begin = 0 if after is None else after[1] + 1
        records = [
            StepRecord(StepId("a"), StepStatus.SKIPPED, index, completed_at=NOON) for index in range(begin, self.steps)
        ]
        return [TracedStep(record, ()) for record in records[:limit]]

    async def settle_traces(self, executions) -> None:
        for each in executions:
            del self.due[each]

    async def send(self, spans: Sequence[Span]) -> bool:
        self.batches.append(spans)
        return not {span.context.trace_id for span in spans} & self.refused

    @property
    def sent(self) -> list[str]:
        return [batch[0].context.trace_id for batch in self.batches]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def exporter(world: World) -> Tracing:
    return Tracing(world, LocalBus(), world, world)


async def test_what_is_due_is_sent_once(world, exporter):
    world.due = dict.fromkeys("cab", NOON)
    assert await exporter.export()
    assert await exporter.export()
    assert world.sent == ["a", "b", "c"]
    assert world.due == {}


async def test_a_large_execution_is_sent_in_batches_and_its_own_span_last(world, exporter):
    world.due = {"a": NOON}
    world.steps = 600
    assert await exporter.export()
    assert [len(batch) for batch in world.batches] == [256, 256, 90]
    assert [span.name for span in world.batches[-1][-2:]] == ["RUN w", "queue"]
    ids = [span.context.span_id for batch in world.batches for span in batch]
    assert len(set(ids)) == len(ids) == 602


async def test_a_collector_that_takes_nothing_is_left_alone_and_nothing_is_lost(world, exporter):
    world.due = dict.fromkeys("abcd", NOON)
    world.refused = set("abcd")
    assert not await exporter.export()
    assert world.sent == ["a", "b"]
    world.refused = set()
    while world.due:
        await exporter.export()
    assert sorted(world.sent[2:]) == ["a", "b", "c", "d"]


async def test_one_trace_that_is_refused_does_not_keep_the_others(world, exporter):
    world.due = dict.fromkeys("abcd", NOON)
    world.refused = {"b"}
    assert await exporter.export()
    assert world.due == {"b": NOON}
    assert not await exporter.export()
    world.time += tracing.PATIENCE + timedelta(seconds=1)
    assert await exporter.export()
    assert world.due == {}
    assert world.sent.count("b") == 2


async def test_what_was_deleted_or_is_not_to_be_recorded_is_settled_without_a_word(world, exporter):
    world.due = {"a": NOON}
    world.gone = {"a"}
    assert await exporter.export()
    world.due = {"b": NOON}
    world.options = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}
    assert await exporter.export()
    assert (world.due, world.batches) == ({}, [])


async def test_a_database_that_is_away_is_waited_for(world, exporter):
    world.due = {"a": NOON}
    world.away = True
    assert not await exporter.export()
    world.away = False
    assert await exporter.export()


def test_a_service_without_traces_loads_nothing_for_them():
    code = (
        "import sys, aiop.runtime.serve\n"
        "from aiop.monitoring import OtlpSender\n"
        "OtlpSender('x').close()\n"
        "loaded = [name for name in ('opentelemetry.sdk', 'google.protobuf', 'requests') if name in sys.modules]\n"
        "sys.exit(', '.join(loaded) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

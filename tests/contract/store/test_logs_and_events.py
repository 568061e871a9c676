"""What is told about an execution, in order."""

from datetime import timedelta

import pytest

from aiop.interfaces import Changes
from aiop.model.ids import StepId
from aiop.model.records import LogBatch, LogLine, Stream
from aiop.store import SqlStore
from contract.store.subject import START, a_batch, an_event, claimed


async def test_events_are_read_from_where_the_reader_left_off(store: SqlStore) -> None:
    lease = await claimed(store)
    written = [an_event(n, n=n, big=2**90) for n in range(2, 12)]
    await store.commit(lease, Changes(events=written[::-1]))

    assert (await store.events(lease.execution))[1:] == written
    assert await store.events(lease.execution, after=5) == written[4:]
    assert await store.events(lease.execution, after=5, limit=2) == written[4:6]
    assert await store.events(lease.execution, after=11) == []
    assert await store.events("no such id") == []


async def test_log_lines_are_read_as_they_were_written(store: SqlStore) -> None:
    lease = await claimed(store)
    lines = tuple(
        LogLine(START + timedelta(microseconds=n), stream, text)
        for n, (stream, text) in enumerate(
            [
                (Stream.STDOUT, ""),
                (Stream.STDERR, "é漢\U0001f600 \t\x1b[31m"),
                (Stream.SYSTEM, "cut"),
                (Stream.STDOUT, "x" * 200_000),
            ]
        )
    )
    small, large = (
        LogBatch(1, StepId("step1"), 0, 1, lines[:3]),
        LogBatch(2, StepId("step1"), 4, 7, lines),
    )
    await store.commit(lease, Changes(logs=[small, large]))

    assert await store.logs(lease.execution) == [small, large]


async def test_batches_are_read_from_where_the_reader_left_off(store: SqlStore) -> None:
    lease = await claimed(store)
    batches = [a_batch(n, f"line {n}", step=f"step{n % 2}") for n in range(1, 11)]
    await store.commit(lease, Changes(logs=batches))

    assert await store.logs(lease.execution, after=3, limit=2) == batches[3:5]
    assert await store.logs(lease.execution, step=StepId("step1")) == batches[::2]
    assert await store.logs(lease.execution, step=StepId("step1"), after=3, limit=1) == [batches[4]]
    assert await store.logs(lease.execution, step=StepId("none")) == []


@pytest.mark.parametrize(("size", "first"), [(1, 1000), (10, 1000), (11, 999), (2560, 745), (2561, 744), (10**9, 1)])
async def test_the_tail_is_the_newest_batches_that_hold_the_size(store: SqlStore, size: int, first: int) -> None:
    lease = await claimed(store)
    batches = [a_batch(n, "1234", "", "5678é") for n in range(1, 1001)]
    await store.commit(lease, Changes(logs=batches))

    assert await store.log_tail(lease.execution, size=size) == batches[first - 1 :]


async def test_an_execution_without_logs_has_an_empty_tail(store: SqlStore) -> None:
    lease = await claimed(store)
    assert await store.log_tail(lease.execution, size=100) == []

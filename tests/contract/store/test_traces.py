"""Traces that are due, and what they tell."""

from datetime import timedelta

import pytest

from aiop.errors import NotFound
from aiop.interfaces import Changes
from aiop.model.ids import ExecutionId, StepId
from aiop.model.records import AttemptRecord
from aiop.model.state import ExecutionStatus, Reason, StepStatus
from aiop.store import SqlStore
from contract.store.subject import START, Subject, a_step, claimed, ended, roomy_store, submitted


@pytest.fixture
async def traced(subject: Subject):
    async with roomy_store(subject.url, clock=subject.clock, traced=True) as store:
        yield store


async def due(store: SqlStore, after: ExecutionId | None = None, limit: int = 10) -> list[ExecutionId]:
    return [trace.execution for trace in await store.due_traces(after=after, limit=limit)]


async def test_an_end_makes_a_trace_due_until_it_is_settled(traced: SqlStore) -> None:
    lease = await claimed(traced)
    cancelled = await submitted(traced)
    assert await due(traced) == []

    await traced.commit(lease, ended(at=START + timedelta(seconds=3)))
    await traced.request_cancel(cancelled)

    assert await due(traced) == sorted([lease.execution, cancelled])
    assert await due(traced, limit=1) == [min(lease.execution, cancelled)]
    assert await due(traced, after=lease.execution) == [each for each in (cancelled,) if each > lease.execution]
    ends = {trace.execution: trace.ended_at for trace in await traced.due_traces(after=None, limit=9)}
    assert ends[lease.execution] == START + timedelta(seconds=3)
    await traced.settle_traces([lease.execution])
    assert await due(traced) == [cancelled]


async def test_it_is_due_over_a_restart(subject: Subject) -> None:
    async with roomy_store(subject.url, clock=subject.clock, traced=True) as store:
        lease = await claimed(store)
        await store.commit(lease, ended())
    async with roomy_store(subject.url, clock=subject.clock, traced=True) as store:
        assert await due(store) == [lease.execution]


async def test_nothing_is_due_in_a_store_without_traces(store: SqlStore) -> None:
    lease = await claimed(store)
    await store.commit(lease, ended())
    assert await due(store) == []


async def test_what_is_deleted_is_due_no_more(traced: SqlStore) -> None:
    lease = await claimed(traced)
    await traced.commit(lease, ended())
    await traced.purge([lease.execution])

    assert await due(traced) == []
    with pytest.raises(NotFound):
        await traced.traced_execution(lease.execution)


async def test_an_execution_is_read_as_it_ended(traced: SqlStore, workflow) -> None:
    lease = await claimed(traced, workflow, options={"traceparent": "x"})
    with pytest.raises(NotFound):
        await traced.traced_execution(lease.execution)
    await traced.commit(lease, ended(ExecutionStatus.FAILED, reason=Reason.INTERNAL))

    found = await traced.traced_execution(lease.execution)

    assert (found.id, found.workflow_id, found.pipeline_id, found.name) == (
        lease.execution,
        workflow.id,
        None,
        workflow.name,
    )
    assert (found.status, found.reason) == (ExecutionStatus.FAILED, Reason.INTERNAL)
    assert (found.created_at, found.started_at, found.completed_at) == (START, START, START)
    assert found.options == {"traceparent": "x"}


async def test_steps_come_in_pages_each_with_its_own_attempts(traced: SqlStore) -> None:
    lease, other = await claimed(traced), await claimed(traced)
    steps = [a_step(name, StepStatus.COMPLETED, index=index) for name in ("a", "b", "c") for index in range(2)]
    attempts = [
        AttemptRecord(step.step, step.index, number, StepStatus.COMPLETED, ready_at=START)
        for step in steps
        for number in (1, 2)
        if step.step != "b"
    ]
    for each in (lease, other):
        await traced.commit(each, Changes(steps=steps, attempts=attempts))
        await traced.commit(each, ended())

    found, after = [], None
    while page := await traced.traced_steps(lease.execution, after=after, limit=3):
        assert len(page) <= 3
        found.extend(page)
        after = page[-1].record.step, page[-1].record.index

    assert [each.record for each in found] == steps
    for each in found:
        numbers = [(one.step, one.index, one.attempt) for one in each.attempts]
        place = (each.record.step, each.record.index)
        assert numbers == ([] if each.record.step == StepId("b") else [(*place, 1), (*place, 2)])
        assert all(one.ready_at == START for one in each.attempts)

"""What may go, and that it goes whole."""

from datetime import timedelta

import pytest

from aiop.errors import NotFound
from aiop.interfaces import Changes, ExecutionQuery, NewWorkflow
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.records import AttemptRecord
from aiop.model.state import StepStatus
from aiop.store import SqlStore
from contract.store.subject import START, a_batch, a_step, an_event, claimed, ended, submitted


async def finished(store: SqlStore, workflow: NewWorkflow, *, seconds: int) -> ExecutionId:
    lease = await claimed(store, workflow)
    await store.commit(lease, ended(at=START + timedelta(seconds=seconds)))
    return lease.execution


async def test_the_expired_are_those_beyond_the_age_or_the_count_oldest_first(
    store: SqlStore, workflow: NewWorkflow
) -> None:
    third, first, second = [await finished(store, workflow, seconds=n) for n in (3, 1, 2)]
    await claimed(store, workflow)
    await submitted(store, workflow)
    edge = START + timedelta(seconds=2)

    assert await store.expired(before=None, keep=None, limit=10) == []
    assert await store.expired(before=edge, keep=None, limit=10) == [first]
    assert await store.expired(before=None, keep=1, limit=10) == [first, second]
    assert await store.expired(before=None, keep=3, limit=10) == []
    assert await store.expired(before=None, keep=0, limit=10) == [first, second, third]
    assert await store.expired(before=edge, keep=1, limit=10) == [first, second]
    assert await store.expired(before=edge, keep=0, limit=2) == [first, second]


async def test_a_purged_execution_is_gone_with_all_that_belongs_to_it(store: SqlStore, workflow: NewWorkflow) -> None:
    lease = await claimed(store, workflow)
    execution = lease.execution
    await store.commit(
        lease,
        Changes(
            steps=[a_step()],
            attempts=[AttemptRecord(StepId("step1"), 0, 1, StepStatus.COMPLETED)],
            events=[an_event(n) for n in range(2, 1402)],
            logs=[a_batch(n, "line") for n in range(1, 1302)],
        ),
    )
    await store.commit(lease, ended())
    other = await finished(store, workflow, seconds=1)

    await store.purge([execution])
    await store.purge([execution])

    with pytest.raises(NotFound):
        await store.execution(execution)
    assert await store.events(execution) == []
    assert await store.logs(execution) == []
    assert await store.attempts(execution, StepId("step1")) == []
    page = await store.executions(ExecutionQuery(workflow=workflow.id))
    assert ([each.id for each in page.items], page.total) == ([other], 1)
    assert sum((await store.counts()).values()) == 1


async def test_what_has_not_ended_is_not_purged(store: SqlStore) -> None:
    held, waiting = (await claimed(store)).execution, await submitted(store)

    await store.purge([held, waiting, ExecutionId("no such id")])

    assert (await store.executions(ExecutionQuery())).total == 2
    assert len(await store.events(held)) == 1


async def test_an_attempt_is_removable_once_its_end_is_committed(store: SqlStore, workflow: NewWorkflow) -> None:
    lease = await claimed(store, workflow)
    over = await finished(store, workflow, seconds=1)
    states = dict(enumerate(StepStatus, start=1))
    await store.commit(
        lease,
        Changes(attempts=[AttemptRecord(StepId("s"), 0, number, status) for number, status in states.items()]),
    )
    keys = [StepKey(lease.execution, StepId("s"), 0, number) for number in states]
    unknown = StepKey(lease.execution, StepId("s"), 0, 99)
    other_index = StepKey(lease.execution, StepId("s"), 1, 3)
    ended_execution = StepKey(over, StepId("s"))
    no_execution = StepKey(ExecutionId("no such id"), StepId("s"))

    removable = await store.removable([*keys, unknown, other_index, ended_execution, no_execution])

    ended_attempts = [keys[number - 1] for number, status in states.items() if status.ended]
    assert list(removable) == [*ended_attempts, ended_execution, no_execution]
    assert await store.removable([]) == []


async def test_thousands_of_attempts_are_judged_at_once(store: SqlStore) -> None:
    lease = await claimed(store)
    attempts = [
        AttemptRecord(StepId("s"), n, 1, StepStatus.COMPLETED if n % 2 else StepStatus.RUNNING) for n in range(3000)
    ]
    await store.commit(lease, Changes(attempts=attempts))

    removable = await store.removable([StepKey(lease.execution, StepId("s"), n) for n in range(3000)])

    assert [key.index for key in removable] == list(range(1, 3000, 2))

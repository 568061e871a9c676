"""Submitting executions."""

import asyncio

import pytest

from aiop.errors import IdempotencyConflict, NotFound
from aiop.interfaces import ExecutionQuery, Idempotency, NewWorkflow
from aiop.model.ids import ExecutionId
from aiop.model.records import Event, EventType
from aiop.model.state import ExecutionStatus
from aiop.store import SqlStore
from contract.store.subject import START, TTL, Subject, a_workflow, an_execution

LARGE = 2**200


async def test_a_submitted_execution_is_pending_with_one_event_and_no_steps(
    store: SqlStore, workflow: NewWorkflow
) -> None:
    new = an_execution(workflow, inputs={"n": LARGE, "text": "a\0é\ud800", "deep": [None, 1.5, {"x": True}]})

    assert await store.submit(new) == new.id

    stored = await store.execution(new.id)
    assert stored.status is ExecutionStatus.PENDING
    assert (stored.workflow_id, stored.version_id) == (workflow.id, workflow.version_id)
    assert stored.inputs == new.inputs
    assert (stored.created_at, stored.started_at, stored.completed_at) == (START, None, None)
    assert (stored.outputs, stored.reason, stored.error, stored.waiting) == (None, None, None, None)
    assert list(stored.steps) == []
    data = {"workflow_id": workflow.id, "version_id": workflow.version_id}
    assert await store.events(new.id) == [Event(1, EventType.EXECUTION_SUBMITTED, START, data)]


async def test_what_the_owner_needs_is_kept_for_it_alone(store: SqlStore, workflow: NewWorkflow) -> None:
    new = an_execution(workflow, options={"default_timeout": 300, "n": LARGE}, sealed=b"\0cipher\xff")
    await store.submit(new)

    [lease] = await store.claim("a", ttl=TTL, limit=1)
    record = await store.load(lease)

    assert (record.options, record.sealed, record.document) == (new.options, new.sealed, workflow.document)
    assert (record.last_event, record.last_batch, list(record.attempts)) == (1, 0, [])
    assert record.summary == await store.execution(new.id)


async def test_a_workflow_that_does_not_exist_is_not_found(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        await store.submit(an_execution(a_workflow()))


async def test_many_at_once_are_all_stored_and_the_faulty_fail_alone(subject: Subject, store: SqlStore) -> None:
    workflows = [a_workflow() for _ in range(3)]
    await asyncio.gather(*(store.create_workflow(each) for each in workflows))
    good = [an_execution(workflows[n % 3]) for n in range(300)]
    bad = [an_execution(a_workflow()) for _ in range(20)]
    mixed = [new for pair in zip(good, bad * 15, strict=True) for new in pair]

    answers = await asyncio.gather(*(store.submit(new) for new in mixed), return_exceptions=True)

    assert [answer for answer in answers if not isinstance(answer, NotFound)] == [new.id for new in good]
    assert sum(isinstance(answer, NotFound) for answer in answers) == 300
    assert (await store.counts())[ExecutionStatus.PENDING] == 300
    for workflow in workflows:
        assert (await store.executions(ExecutionQuery(workflow=workflow.id))).total == 100


async def test_an_id_that_was_used_before_fails_alone(store: SqlStore, workflow: NewWorkflow) -> None:
    used, fresh = an_execution(workflow), an_execution(workflow)
    await store.submit(used)

    first, second = await asyncio.gather(store.submit(used), store.submit(fresh), return_exceptions=True)

    assert isinstance(first, Exception)
    assert second == fresh.id
    assert (await store.executions(ExecutionQuery())).total == 2


class TestIdempotency:
    """The same request twice is one execution."""

    async def test_the_same_key_and_request_give_the_first_answer(self, store: SqlStore, workflow: NewWorkflow) -> None:
        first, second = an_execution(workflow), an_execution(workflow)
        key = Idempotency("user", "key", "digest")

        assert await store.submit(first, key) == first.id
        assert await store.submit(second, key) == first.id
        assert (await store.executions(ExecutionQuery())).total == 1

    async def test_the_same_key_with_another_request_is_a_conflict(
        self, store: SqlStore, workflow: NewWorkflow
    ) -> None:
        await store.submit(an_execution(workflow), Idempotency("user", "key", "digest"))

        with pytest.raises(IdempotencyConflict):
            await store.submit(an_execution(workflow), Idempotency("user", "key", "other"))

        assert (await store.executions(ExecutionQuery())).total == 1

    async def test_a_key_can_be_looked_up(self, store: SqlStore, workflow: NewWorkflow) -> None:
        key = Idempotency("ada", "k", "digest")
        assert await store.submitted(key) is None

        first = await store.submit(an_execution(workflow), key)

        assert await store.submitted(key) == first
        assert await store.submitted(Idempotency("bob", "k", "digest")) is None
        with pytest.raises(IdempotencyConflict):
            await store.submitted(Idempotency("ada", "k", "another"))

    async def test_another_scope_is_another_key(self, store: SqlStore, workflow: NewWorkflow) -> None:
        first = await store.submit(an_execution(workflow), Idempotency("user", "key", "digest"))
        second = await store.submit(an_execution(workflow), Idempotency("other", "key", "digest"))

        assert first != second

    async def test_one_of_many_at_once_is_stored(self, store: SqlStore, workflow: NewWorkflow) -> None:
        key = Idempotency("user", "key", "digest")
        conflicting = Idempotency("user", "key", "other")

        answers = await asyncio.gather(
            *(store.submit(an_execution(workflow), key) for _ in range(20)),
            store.submit(an_execution(workflow), conflicting),
            return_exceptions=True,
        )

        assert len(set(answers[:20])) == 1
        assert isinstance(answers[20], IdempotencyConflict)
        assert (await store.executions(ExecutionQuery())).total == 1

    async def test_one_of_many_replicas_at_once_stores_it(
        self, subject: Subject, store: SqlStore, workflow: NewWorkflow
    ) -> None:
        key = Idempotency("user", "key", "digest")
        async with subject.replica() as other:
            answers = await asyncio.gather(
                *(each.submit(an_execution(workflow), key) for each in (store, other) for _ in range(10))
            )

        assert len(set(answers)) == 1
        assert (await store.executions(ExecutionQuery())).total == 1

    async def test_the_key_is_answered_after_a_restart(self, subject: Subject, workflow: NewWorkflow) -> None:
        key = Idempotency("user", "key", "digest")
        async with subject.replica() as before:
            first = await before.submit(an_execution(workflow), key)
        async with subject.replica() as after:
            assert await after.submit(an_execution(workflow), key) == first

    async def test_a_key_goes_with_its_execution(self, store: SqlStore, workflow: NewWorkflow) -> None:
        key = Idempotency("user", "key", "digest")
        first = await store.submit(an_execution(workflow), key)
        await store.request_cancel(first)
        await store.purge([ExecutionId(first)])

        assert await store.submit(an_execution(workflow), key) != first

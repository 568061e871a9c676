"""What owners write."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from aiop.errors import LeaseLost
from aiop.interfaces import Changes, ExecutionChange, ExecutionQuery, NewWorkflow
from aiop.model.ids import StepId
from aiop.model.records import AttemptRecord
from aiop.model.state import ExecutionStatus, Reason, StepStatus, WaitCode, Waiting
from aiop.store import SqlStore
from contract.store.subject import START, TTL, Subject, a_batch, a_step, an_event, claimed, ended, running

LATER = START + timedelta(minutes=1, microseconds=7)
FULL_STEP = a_step(
    "step1",
    StepStatus.FAILED,
    index=2,
    attempt=3,
    started_at=START,
    completed_at=LATER,
    exit_code=137,
    reason=Reason.OOM_KILLED,
    error="it was too large é",
    waiting=Waiting(WaitCode.RETRY_BACKOFF, "another attempt follows"),
    inputs={"n": 2**100},
    outputs={"result": "a\0b", "x": [1, None]},
    outputs_truncated=True,
    sealed=b"\xffcipher",
)
FULL_ATTEMPT = AttemptRecord(
    StepId("step1"),
    2,
    3,
    StepStatus.FAILED,
    started_at=START,
    completed_at=LATER,
    exit_code=137,
    reason=Reason.OOM_KILLED,
    error="it was too large",
    infrastructure=True,
    image_digest="sha256:00",
    log_stdout=2**40,
    log_stderr=7,
    log_bytes=2**40 + 7,
    retry_at=LATER,
)


async def test_all_that_is_committed_is_loaded_as_it_was(store: SqlStore) -> None:
    lease = await claimed(store)
    change = ExecutionChange(
        ExecutionStatus.RUNNING,
        START,
        None,
        {"result": 2**70},
        Reason.FAIL_FAST,
        "a sentence",
        Waiting(WaitCode.ENGINE_UNAVAILABLE, "the engine does not answer"),
    )

    await store.commit(
        lease,
        Changes(change, [FULL_STEP], [FULL_ATTEMPT], [an_event(2), an_event(3)], [a_batch(1, "line")]),
    )

    record = await store.load(lease)
    summary = record.summary
    assert list(summary.steps) == [FULL_STEP]
    assert list(record.attempts) == [FULL_ATTEMPT]
    assert (record.last_event, record.last_batch) == (3, 1)
    assert (summary.status, summary.started_at, summary.completed_at) == (change.status, START, None)
    assert (summary.outputs, summary.reason, summary.error) == (change.outputs, change.reason, change.error)
    assert summary.waiting == change.waiting
    assert await store.attempts(lease.execution, StepId("step1")) == [FULL_ATTEMPT]


async def test_answers_hold_the_steps_without_what_is_sealed(store: SqlStore) -> None:
    lease = await claimed(store)
    await store.commit(lease, Changes(steps=[FULL_STEP]))

    assert list((await store.execution(lease.execution)).steps) == [replace(FULL_STEP, sealed=None)]


async def test_lists_hold_the_steps_without_their_values(store: SqlStore) -> None:
    lease = await claimed(store)
    await store.commit(lease, Changes(steps=[FULL_STEP]))

    [listed] = (await store.executions(ExecutionQuery())).items
    assert list(listed.steps) == [replace(FULL_STEP, sealed=None, inputs=None, outputs=None)]


async def test_a_change_writes_each_field_as_it_stands(store: SqlStore) -> None:
    lease = await claimed(store)
    waiting = Waiting(WaitCode.IMAGE_PULL, "it pulls")
    await store.commit(lease, Changes(execution=ExecutionChange(ExecutionStatus.RUNNING, START, waiting=waiting)))
    await store.commit(lease, Changes(execution=ExecutionChange(ExecutionStatus.RUNNING)))

    stored = await store.execution(lease.execution)
    assert (stored.started_at, stored.waiting) == (None, None)


async def test_a_step_and_an_attempt_are_replaced_whole(store: SqlStore) -> None:
    lease = await claimed(store)
    await store.commit(lease, Changes(steps=[FULL_STEP], attempts=[FULL_ATTEMPT]))
    step = a_step(index=2)
    attempt = AttemptRecord(StepId("step1"), 2, 3, StepStatus.RUNNING)

    await store.commit(lease, Changes(steps=[step], attempts=[attempt]))

    record = await store.load(lease)
    assert (list(record.summary.steps), list(record.attempts)) == ([step], [attempt])


async def test_steps_differ_by_index_and_attempts_by_number(store: SqlStore) -> None:
    lease = await claimed(store)
    steps = [a_step(index=index) for index in range(3)]
    attempts = [
        AttemptRecord(StepId("step1"), index, number, StepStatus.FAILED) for index in range(2) for number in (1, 2)
    ]

    await store.commit(lease, Changes(steps=steps[::-1], attempts=attempts[::-1]))

    record = await store.load(lease)
    assert (list(record.summary.steps), list(record.attempts)) == (steps, attempts)


async def test_commits_are_written_in_the_order_of_the_calls_without_being_awaited(store: SqlStore) -> None:
    lease = await claimed(store)

    commits = [
        asyncio.ensure_future(
            store.commit(
                lease,
                Changes(
                    execution=ExecutionChange(ExecutionStatus.RUNNING, error=str(n)),
                    steps=[a_step(error=str(n))],
                    events=[an_event(n + 2, n=n)],
                ),
            )
        )
        for n in range(200)
    ]
    await asyncio.gather(*commits)

    stored = await store.execution(lease.execution)
    assert (stored.error, stored.steps[0].error) == ("199", "199")
    assert [event.data["n"] for event in await store.events(lease.execution, after=1)] == list(range(200))


async def test_what_follows_the_end_in_one_batch_has_lost_its_lease(store: SqlStore) -> None:
    lease = await claimed(store)

    answers = await asyncio.gather(
        store.commit(lease, Changes(steps=[a_step("before")])),
        store.commit(lease, ended()),
        store.commit(lease, Changes(steps=[a_step("after")])),
        return_exceptions=True,
    )

    assert answers[:2] == [None, None]
    assert isinstance(answers[2], LeaseLost)
    assert [step.step for step in (await store.execution(lease.execution)).steps] == ["before"]


async def test_a_commit_without_a_lease_fails_alone(store: SqlStore, workflow: NewWorkflow) -> None:
    leases = [await claimed(store, workflow) for _ in range(10)]
    tried = [replace(lease, epoch=9) if n % 2 else lease for n, lease in enumerate(leases)]

    answers = await asyncio.gather(
        *(store.commit(lease, Changes(steps=[a_step()])) for lease in tried), return_exceptions=True
    )

    assert [isinstance(answer, LeaseLost) for answer in answers] == [False, True] * 5
    for n, lease in enumerate(leases):
        assert len((await store.execution(lease.execution)).steps) == 1 - n % 2


async def test_a_commit_that_the_database_refuses_fails_alone(store: SqlStore, workflow: NewWorkflow) -> None:
    good, bad = await claimed(store, workflow), await claimed(store, workflow)

    answers = await asyncio.gather(
        store.commit(good, Changes(steps=[a_step()])),
        store.commit(bad, Changes(steps=[a_step(), a_step("step2", attempt=None)])),
        return_exceptions=True,
    )

    assert answers[0] is None
    assert isinstance(answers[1], Exception)
    assert len((await store.execution(good.execution)).steps) == 1
    assert len((await store.execution(bad.execution)).steps) == 0


async def test_a_caller_that_is_cancelled_leaves_no_half_commit(store: SqlStore) -> None:
    lease = await claimed(store)
    commit = asyncio.ensure_future(store.commit(lease, Changes(steps=[a_step()], events=[an_event(2)])))
    await asyncio.sleep(0)
    commit.cancel()
    await store.commit(lease, Changes(events=[an_event(3)]))

    record = await store.load(lease)
    assert (len(record.summary.steps), [event.seq for event in await store.events(lease.execution)]) == (1, [1, 2, 3])


class TestEnd:
    """An ended status closes the execution."""

    async def test_it_releases_the_lease(self, store: SqlStore) -> None:
        lease = await claimed(store)
        await store.commit(lease, ended())

        with pytest.raises(LeaseLost):
            await store.load(lease)
        assert await store.renew("a", ttl=TTL) == []

    async def test_it_erases_what_was_sealed_also_in_the_files(self, subject: Subject, store: SqlStore) -> None:
        lease = await claimed(store, sealed=b"of the execution")
        await store.commit(lease, Changes(steps=[a_step(sealed=b"of a step")]))
        assert (await store.load(lease)).sealed == b"of the execution"
        before = await subject.contents()

        await store.commit(lease, Changes(execution=ended().execution, steps=[a_step("step2", sealed=b"of another")]))

        await subject.aclose()
        after = await subject.contents()
        assert lease.execution.encode() in after
        for secret in (b"of the execution", b"of a step"):
            assert secret in before
            assert secret not in after
        assert b"of another" not in after

    async def test_the_state_stays(self, store: SqlStore) -> None:
        lease = await claimed(store)
        await store.commit(lease, ended(ExecutionStatus.FAILED, at=LATER, reason=Reason.STEP_FAILED))

        stored = await store.execution(lease.execution)
        assert (stored.status, stored.completed_at, stored.reason) == (
            ExecutionStatus.FAILED,
            LATER,
            Reason.STEP_FAILED,
        )
        assert stored.outputs == {"result": "success"}


async def test_an_empty_commit_checks_the_lease(store: SqlStore) -> None:
    lease = await claimed(store)
    await store.commit(lease, Changes())
    with pytest.raises(LeaseLost):
        await store.commit(replace(lease, epoch=5), Changes())


async def test_text_that_no_database_takes_is_stored_readable(store: SqlStore) -> None:
    lease = await claimed(store)
    await store.commit(
        lease, Changes(running().execution, [a_step(error="a\0b\ud800c")], [], [], [a_batch(1, "x\0\ud800")])
    )

    [step] = (await store.execution(lease.execution)).steps
    assert step.error is not None
    assert step.error.startswith("a\ufffdb")
    [batch] = await store.logs(lease.execution)
    assert batch.lines[0].text.startswith("x\ufffd")

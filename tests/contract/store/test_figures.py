"""What is counted for monitoring: each thing once, in the transaction of what it counts, and for good."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from aiop.interfaces import Changes, Counted, ExecutionChange, Lease
from aiop.interfaces.figures import DELAY_BOUNDS, DURATION_BOUNDS, NO_DURATION, OTHER_WORKFLOWS, UNBOUNDED
from aiop.model.ids import StepId
from aiop.model.records import AttemptRecord, Event, EventType
from aiop.model.state import ExecutionStatus, Reason, StepStatus
from aiop.store import SqlStore
from contract.store.subject import START, Subject, a_step, a_workflow, claimed, ended, roomy_store, running, submitted

SECOND = timedelta(seconds=1)


async def counts(store: SqlStore, counted: Counted) -> dict[tuple[str, str, int], int]:
    """Read the tallies of one kind."""
    tallies = (await store.figures()).tallies
    return {(tally.workflow, tally.label, tally.bucket): tally.count for tally in tallies if tally.counted is counted}


async def by_label(store: SqlStore, counted: Counted) -> Counter[str]:
    """Read them without workflow and bucket."""
    found: Counter[str] = Counter()
    for (_, label, _), count in (await counts(store, counted)).items():
        found[label] += count
    return found


async def end(store: SqlStore, workflow, status=ExecutionStatus.COMPLETED, *, after=SECOND, **changes) -> Lease:
    lease = await claimed(store, workflow)
    await store.commit(lease, ended(status, at=START + after, **changes))
    return lease


def finished(seq: int, step: str = "step1", **changes) -> Changes:
    """The end of a step with its event."""
    values = {"status": StepStatus.COMPLETED, "started_at": START, "completed_at": START + SECOND, **changes}
    event = Event(seq, EventType.STEP_FINISHED, START, {"step": step, "status": values["status"]})
    return Changes(steps=[a_step(step, **values)], events=[event])


async def test_an_execution_is_counted_at_its_end_with_its_duration(store: SqlStore, workflow) -> None:
    await submitted(store, workflow)
    lease = await claimed(store, workflow)
    await store.commit(lease, running())
    assert await counts(store, Counted.EXECUTION) == {}

    await store.commit(lease, ended(at=START + 3 * SECOND))
    await end(store, workflow, ExecutionStatus.FAILED, after=timedelta(days=1), reason=Reason.STEP_FAILED)

    assert await counts(store, Counted.EXECUTION) == {
        ("", "completed", 5_000_000): 1,
        ("", "failed", UNBOUNDED): 1,
    }
    assert await counts(store, Counted.WORKFLOW) == {
        (workflow.id, "completed", NO_DURATION): 1,
        (workflow.id, "failed", NO_DURATION): 1,
    }
    assert (
        sum(tally.micros for tally in (await store.figures()).tallies if tally.counted is Counted.EXECUTION)
        == (3 + 86400) * 1_000_000
    )


async def test_an_execution_that_was_cancelled_before_it_began_is_counted_without_a_duration(
    store: SqlStore, workflow
) -> None:
    await store.request_cancel(await submitted(store, workflow))

    assert await counts(store, Counted.EXECUTION) == {("", "cancelled", NO_DURATION): 1}


async def test_a_step_is_counted_once_however_often_its_commit_is_written(store: SqlStore, workflow) -> None:
    lease = await claimed(store, workflow)
    commit = finished(2)

    await asyncio.gather(*(store.commit(lease, commit) for _ in range(3)))
    await store.commit(lease, commit)

    assert await by_label(store, Counted.STEP) == {"completed": 1}


async def test_steps_are_counted_by_how_they_ended(store: SqlStore, workflow) -> None:
    lease = await claimed(store, workflow)
    await store.commit(lease, finished(2, "a"))
    await store.commit(lease, finished(3, "b", status=StepStatus.FAILED, reason=Reason.TIMEOUT))
    skipped = a_step("c", StepStatus.SKIPPED, completed_at=START, reason=Reason.UPSTREAM_FAILED)
    await store.commit(lease, Changes(steps=[skipped], events=[Event(4, EventType.STEP_SKIPPED, START, {"step": "c"})]))

    assert await counts(store, Counted.STEP) == {
        ("", "completed", 1_000_000): 1,
        ("", "failed", 1_000_000): 1,
        ("", "skipped", NO_DURATION): 1,
    }
    assert await by_label(store, Counted.FAILURE) == {"timeout": 1}


async def test_failures_that_another_attempt_follows_are_counted_too(store: SqlStore, workflow) -> None:
    lease = await claimed(store, workflow)
    retried = Event(2, EventType.STEP_RETRIED, START, {"step": "a", "attempt": 1, "reason": Reason.EXIT_CODE})
    await store.commit(lease, Changes(steps=[a_step("a")], events=[retried]))
    await store.commit(lease, finished(3, "a"))

    assert await by_label(store, Counted.FAILURE) == {"exit_code": 1}


async def test_an_execution_that_failed_by_itself_is_a_failure_and_one_that_failed_by_a_step_is_not(
    store: SqlStore, workflow
) -> None:
    await end(store, workflow, ExecutionStatus.FAILED, reason=Reason.STEP_FAILED)
    await end(store, workflow, ExecutionStatus.FAILED, reason=Reason.INTERNAL)
    await end(store, workflow, ExecutionStatus.CANCELLED, reason=Reason.CANCELLED)

    assert await by_label(store, Counted.FAILURE) == {"internal": 1}


async def test_a_start_is_counted_with_the_time_since_its_attempt_was_ready(store: SqlStore, workflow) -> None:
    lease = await claimed(store, workflow)
    attempt = AttemptRecord(
        StepId("a"), 0, 1, StepStatus.RUNNING, started_at=START + timedelta(milliseconds=70), ready_at=START
    )
    started = Event(2, EventType.STEP_STARTED, START, {"step": "a", "attempt": 1})
    await store.commit(lease, Changes(attempts=[attempt], events=[started]))

    assert await counts(store, Counted.DELAY) == {("", "", 100_000): 1}
    assert 100_000 in DELAY_BOUNDS
    [tally] = (await store.figures()).tallies
    assert tally.micros == 70_000


async def test_a_commit_without_its_lease_is_not_counted(store: SqlStore, workflow) -> None:
    lease = await claimed(store, workflow)
    stale = replace(lease, owner="b")
    await asyncio.gather(store.commit(stale, finished(2)), return_exceptions=True)

    assert (await store.figures()).tallies == []


async def test_nothing_that_is_removed_is_counted_less(store: SqlStore, workflow) -> None:
    lease = await claimed(store, workflow)
    await store.commit(lease, finished(2))
    await store.commit(lease, ended())
    before = (await store.figures()).tallies

    await store.purge([lease.execution])

    assert (await store.figures()).tallies == before
    assert sum((await store.counts()).values()) == 0


async def test_a_deleted_workflow_takes_its_series_along_and_nothing_else(store: SqlStore, workflow) -> None:
    await end(store, workflow)
    await store.request_delete(workflow.id)
    await store.purge_deleted()

    assert await counts(store, Counted.WORKFLOW) == {}
    assert await by_label(store, Counted.EXECUTION) == {"completed": 1}


async def test_workflows_beyond_the_limit_are_summed_and_no_series_moves(subject: Subject) -> None:
    async with roomy_store(subject.url, clock=subject.clock, series_limit=2) as store:
        workflows = [a_workflow(f"w{n}") for n in range(4)]
        for workflow in workflows:
            await store.create_workflow(workflow)
        for _ in range(2):
            for workflow in workflows:
                await end(store, workflow)

        assert await counts(store, Counted.WORKFLOW) == {
            (workflows[0].id, "completed", NO_DURATION): 2,
            (workflows[1].id, "completed", NO_DURATION): 2,
            (OTHER_WORKFLOWS, "completed", NO_DURATION): 4,
        }
        await subject.clock.advance(hours=23)
        await end(store, workflows[1])
        await subject.clock.advance(hours=2)
        await end(store, workflows[3])

        assert await counts(store, Counted.WORKFLOW) == {
            (workflows[1].id, "completed", NO_DURATION): 3,
            (workflows[3].id, "completed", NO_DURATION): 1,
            (OTHER_WORKFLOWS, "completed", NO_DURATION): 4,
        }


async def test_the_figures_tell_what_is_under_way(subject: Subject, store: SqlStore, workflow) -> None:
    figures = await store.figures()
    assert (figures.running_executions, figures.pending_executions, figures.running_steps) == (0, 0, 0)
    assert figures.oldest_pending is None

    lease, failed = await claimed(store, workflow), await claimed(store, workflow)
    await subject.clock.advance(seconds=5)
    await submitted(store, workflow)
    await subject.clock.advance(seconds=5)
    await submitted(store, workflow)
    steps = [a_step("a", StepStatus.RUNNING), a_step("b", StepStatus.RUNNING), a_step("c", StepStatus.PENDING)]
    await store.commit(lease, Changes(execution=running().execution, steps=steps))
    # An execution may fail as a whole while its steps are recorded as running: they count no more.
    await store.commit(failed, Changes(execution=running().execution, steps=steps))
    await store.commit(failed, Changes(execution=ExecutionChange(ExecutionStatus.FAILED, START, START)))

    for figures in (await store.figures(), await store.activity()):
        assert (figures.running_executions, figures.pending_executions, figures.running_steps) == (1, 2, 2)
        assert figures.oldest_pending == START + timedelta(seconds=5)
    assert (await store.activity()).tallies == ()
    await store.commit(lease, Changes(steps=[a_step("a", StepStatus.COMPLETED), a_step("b", StepStatus.PENDING)]))
    assert (await store.activity()).running_steps == 0


async def test_the_counts_are_there_after_a_restart(subject: Subject) -> None:
    workflow = a_workflow()
    async with roomy_store(subject.url, clock=subject.clock) as store:
        await store.create_workflow(workflow)
        lease = await end(store, workflow)
        before = (await store.figures()).tallies
    async with roomy_store(subject.url, clock=subject.clock) as store:
        assert (await store.figures()).tallies == before
        assert (await store.execution(lease.execution)).status is ExecutionStatus.COMPLETED


def test_the_bounds_rise() -> None:
    for bounds in (DELAY_BOUNDS, DURATION_BOUNDS):
        assert list(bounds) == sorted(set(bounds))
        assert all(NO_DURATION < bound < UNBOUNDED for bound in bounds)

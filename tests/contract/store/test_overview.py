"""Many executions at a glance, and how it went lately."""

from datetime import timedelta

from aiop.interfaces import Changes, ExecutionChange, ExecutionQuery
from aiop.model.ids import PipelineId
from aiop.model.records import Event, EventType
from aiop.model.state import ExecutionStatus, StepStatus
from aiop.store import SqlStore
from contract.store.subject import (
    START,
    a_pipeline,
    a_step,
    a_workflow,
    claimed,
    ended,
    running,
    submitted,
)

SECOND = timedelta(seconds=1)


async def test_a_glance_counts_the_steps_and_is_else_what_the_list_says(store: SqlStore) -> None:
    lease = await claimed(store)
    steps = [a_step(f"s{n}", status) for n, status in enumerate([StepStatus.COMPLETED] * 3 + [StepStatus.FAILED])]
    await store.commit(lease, Changes(execution=running().execution, steps=steps))
    await submitted(store)

    page = await store.glances(ExecutionQuery(sort="created_at"))

    assert page.total == 2
    assert {each.execution.id: dict(each.counts) for each in page.items}[lease.execution] == {
        StepStatus.COMPLETED: 3,
        StepStatus.FAILED: 1,
    }
    assert all(each.execution.steps == () for each in page.items)
    listed = await store.executions(ExecutionQuery(sort="created_at"))
    assert [each.execution.id for each in page.items] == [each.id for each in listed.items]


async def test_glances_are_filtered_and_paged_like_the_list(store: SqlStore) -> None:
    workflow = a_workflow()
    await store.create_workflow(workflow)
    lease = await claimed(store, workflow)
    await store.commit(lease, ended())
    others = [await submitted(store) for _ in range(3)]

    async def found(**query: object) -> tuple[list[str], int]:
        page = await store.glances(ExecutionQuery(sort="id", **query))
        return [each.execution.id for each in page.items], page.total

    assert await found(status=ExecutionStatus.PENDING, limit=2, offset=1) == (sorted(others)[1:3], 3)
    assert await found(workflow=workflow.id) == ([lease.execution], 1)
    assert await found(workflow=workflow.id, pipeline=PipelineId("p")) == ([], 0)


async def test_names_are_told_by_id(store: SqlStore) -> None:
    workflow, pipeline = a_workflow("words"), a_pipeline("build")
    await store.create_workflow(workflow)
    await store.create_pipeline(pipeline)

    assert await store.names([workflow.id], [pipeline.id, PipelineId("gone")]) == {
        workflow.id: "words",
        pipeline.id: "build",
    }
    assert await store.names([], []) == {}


async def test_what_has_ended_is_counted_by_stretches_of_time(store: SqlStore) -> None:
    workflow = a_workflow()
    await store.create_workflow(workflow)
    for status, began, took in (
        (ExecutionStatus.COMPLETED, 1, 2),
        (ExecutionStatus.COMPLETED, 1, 4),
        (ExecutionStatus.FAILED, 2, 3),
        (ExecutionStatus.COMPLETED, 0, 25),
        (ExecutionStatus.COMPLETED, -9, 5),  # before the time that is asked for
    ):
        lease = await claimed(store, workflow)
        start = START + began * SECOND
        await store.commit(lease, Changes(execution=ExecutionChange(status, start, start + took * SECOND)))
    never_begun = await claimed(store, workflow)
    change = ExecutionChange(ExecutionStatus.CANCELLED, None, START + 30 * SECOND)
    await store.commit(never_begun, Changes(execution=change))
    await store.commit(await claimed(store, workflow), running())

    found = await store.ended(START, width=10 * SECOND)

    assert [(each.bucket, each.status, each.count, each.mean, each.longest) for each in found] == [
        (0, ExecutionStatus.COMPLETED, 2, 3 * SECOND, 4 * SECOND),
        (0, ExecutionStatus.FAILED, 1, 3 * SECOND, 3 * SECOND),
        (2, ExecutionStatus.COMPLETED, 1, 25 * SECOND, 25 * SECOND),
        (3, ExecutionStatus.CANCELLED, 1, None, None),
    ]


async def test_an_execution_can_be_read_without_the_values_of_its_steps(store: SqlStore) -> None:
    lease = await claimed(store)
    step = a_step("s", StepStatus.COMPLETED, inputs={"a": 1}, outputs={"result": "long"}, exit_code=0)
    await store.commit(lease, Changes(steps=[step]))

    [whole] = (await store.execution(lease.execution)).steps
    [small] = (await store.execution(lease.execution, values=False)).steps

    assert (whole.inputs, whole.outputs) == ({"a": 1}, {"result": "long"})
    assert (small.inputs, small.outputs, small.exit_code) == (None, None, 0)


async def test_the_newest_event_is_told_by_its_number(store: SqlStore) -> None:
    lease = await claimed(store)
    assert await store.last_event(lease.execution) == 1  # ExecutionSubmitted
    await store.commit(lease, Changes(events=[Event(2, EventType.EXECUTION_STARTED, START)]))
    assert await store.last_event(lease.execution) == 2
    assert await store.last_event("no such execution") == 0

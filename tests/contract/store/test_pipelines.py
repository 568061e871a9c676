"""Pipelines, their executions, and what those leave."""

from __future__ import annotations

import pytest

from aiop.errors import IdempotencyConflict, NotFound
from aiop.interfaces import Changes, ExecutionQuery, Idempotency, NewPipeline, PipelineQuery, WorkflowQuery
from aiop.model.artifacts import OutputKind
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, StepId
from aiop.model.pipelines import CacheOff, CacheUse, OutputRecord, PipelineRecord, WorkspaceRecord
from aiop.model.records import Event, EventType
from aiop.model.state import ExecutionStatus, StepStatus
from aiop.store import SqlStore
from contract.store.subject import (
    START,
    Subject,
    a_pipeline,
    a_pipeline_run,
    a_step,
    a_workflow,
    claimed_run,
    ended,
    running,
    submitted,
)


@pytest.fixture
async def pipeline(store: SqlStore) -> NewPipeline:
    new = a_pipeline()
    await store.create_pipeline(new)
    return new


def a_workspace(step: str = "step1", **values: object) -> WorkspaceRecord:
    return WorkspaceRecord(
        StepId(step), **{"use": CacheUse.MISS, "key": "k", "parts": {"image": "1", "source": "2"}} | values
    )


async def test_a_pipeline_is_read_as_it_was_stored(store: SqlStore) -> None:
    for new in (
        a_pipeline(definition='{"steps": [1e400]}', caching_enabled=False, timeout_seconds=0.5),
        a_pipeline("naïve \0 name", description=None, source_directory="source:1"),
    ):
        record = await store.create_pipeline(new)
        assert record == await store.pipeline(new.id)
        assert record == PipelineRecord(
            new.id,
            new.name.replace("\0", "\ufffd"),
            new.description,
            new.source_directory,
            new.definition,
            new.caching_enabled,
            new.timeout_seconds,
            START,
            None,
        )


async def test_a_change_leaves_what_it_does_not_name(store: SqlStore, pipeline: NewPipeline, subject: Subject) -> None:
    before = await store.pipeline(pipeline.id)
    await subject.clock.advance(seconds=1)

    changed = await store.update_pipeline(pipeline.id, {"name": "Other", "timeout_seconds": 5, "description": None})

    assert changed == await store.pipeline(pipeline.id)
    assert (changed.name, changed.timeout_seconds, changed.description) == ("Other", 5, None)
    assert changed.updated_at == subject.clock.time
    assert (changed.definition, changed.created_at) == (before.definition, before.created_at)
    assert [found.id for found in (await store.pipelines(PipelineQuery(name="oTHe"))).items] == [pipeline.id]


async def test_what_is_not_there_is_not_found(store: SqlStore) -> None:
    gone = a_pipeline()
    with pytest.raises(NotFound):
        await store.pipeline(gone.id)
    with pytest.raises(NotFound):
        await store.update_pipeline(gone.id, {"name": "x"})
    with pytest.raises(NotFound):
        await store.request_delete_pipeline(gone.id)
    with pytest.raises(NotFound):
        await store.submit(a_pipeline_run(gone))


@pytest.mark.parametrize("sort", [None, "id", "name", "created_at", "updated_at"])
async def test_pipelines_are_listed_once_each_in_order(store: SqlStore, subject: Subject, sort: str | None) -> None:
    for name in ("b", "a", "c", "a"):
        await store.create_pipeline(a_pipeline(name))
        await subject.clock.advance(seconds=1)
    for descending in (False, True):
        query = PipelineQuery(limit=100, sort=sort, descending=descending)
        everything = (await store.pipelines(query)).items
        keys = [(getattr(item, sort or "created_at") or START, item.id) for item in everything]
        assert keys == sorted(keys, reverse=descending or sort is None)
        pages = [await store.pipelines(PipelineQuery(1, n, sort, descending)) for n in range(5)]
        assert [item for page in pages for item in page.items] == everything
        assert {page.total for page in pages} == {4}


async def test_an_execution_belongs_to_its_pipeline(store: SqlStore, pipeline: NewPipeline) -> None:
    new = a_pipeline_run(pipeline)
    await store.submit(new)

    stored = await store.execution(new.id)
    assert (stored.workflow_id, stored.pipeline_id, stored.version_id) == (None, pipeline.id, new.version_id)
    data = {"pipeline_id": pipeline.id, "version_id": new.version_id}
    assert await store.events(new.id) == [Event(1, EventType.EXECUTION_SUBMITTED, START, data)]
    assert await store.document(new.version_id) == new.document


async def test_an_equal_document_is_one_version_of_a_pipeline(store: SqlStore, pipeline: NewPipeline) -> None:
    other = a_pipeline()
    await store.create_pipeline(other)
    runs = [a_pipeline_run(pipeline), a_pipeline_run(pipeline), a_pipeline_run(pipeline, "{}"), a_pipeline_run(other)]
    for run in runs:
        await store.submit(run)

    versions = [(await store.execution(run.id)).version_id for run in runs]
    assert versions == [runs[0].version_id, runs[0].version_id, runs[2].version_id, runs[3].version_id]


async def test_the_owner_gets_the_source_and_what_steps_saw(store: SqlStore, pipeline: NewPipeline) -> None:
    lease = await claimed_run(store, pipeline, source=SnapshotId("abc"))
    first = a_workspace(source=SnapshotId("view"), layer=LayerId("l1"))
    sealed = a_workspace(source=SnapshotId("view"), layer=LayerId("l1"), digest="d", size=3)
    second = a_workspace("step2", use=CacheUse.HIT, origin=ExecutionId("e"), key="k2", parts=None)
    third = a_workspace("step3", use=CacheUse.OFF, reason=CacheOff.STEP, key=None, parts=None)
    await store.commit(lease, Changes(workspaces=[first]))
    await store.commit(lease, Changes(workspaces=[sealed, second, third]))

    record = await store.load(lease)

    assert (record.source, record.document) == (SnapshotId("abc"), '{"name": "p"}')
    assert list(record.workspaces) == [sealed, second, third]
    assert await store.workspace(lease.execution, StepId("step2")) == second
    assert await store.workspace(lease.execution, StepId("step9")) is None


async def test_executions_are_filtered_by_pipeline(store: SqlStore, pipeline: NewPipeline) -> None:
    workflow = a_workflow()
    await store.create_workflow(workflow)
    of_workflow = await submitted(store, workflow)
    runs = [await store.submit(a_pipeline_run(pipeline)) for _ in range(3)]
    await store.request_cancel(runs[0])

    async def found(**filters: object) -> tuple[list[str], int]:
        page = await store.executions(ExecutionQuery(sort="id", **filters))
        return [each.id for each in page.items], page.total

    assert await found() == ([of_workflow, *runs], 4)
    assert await found(pipeline=pipeline.id) == (runs, 3)
    assert await found(pipeline=pipeline.id, status=ExecutionStatus.CANCELLED) == (runs[:1], 1)
    assert await found(workflow=workflow.id) == ([of_workflow], 1)
    assert await found(workflow=workflow.id, pipeline=pipeline.id) == ([], 0)
    assert sum((await store.counts()).values()) == 4
    assert [item.status for item in (await store.workflows(WorkflowQuery())).items] == [ExecutionStatus.PENDING]


async def test_a_repeated_key_is_known_before_anything_is_done(store: SqlStore, pipeline: NewPipeline) -> None:
    key = Idempotency("somebody", "key", "digest")
    assert await store.submitted(key) is None
    execution = await store.submit(a_pipeline_run(pipeline), key)
    assert await store.submitted(key) == execution
    assert await store.submit(a_pipeline_run(pipeline), key) == execution
    with pytest.raises(IdempotencyConflict):
        await store.submitted(Idempotency("somebody", "key", "other"))


async def test_a_deleted_pipeline_is_gone_at_once_and_its_executions_end(
    store: SqlStore, pipeline: NewPipeline
) -> None:
    under_way = await claimed_run(store, pipeline)
    waiting = await store.submit(a_pipeline_run(pipeline))

    assert set(await store.request_delete_pipeline(pipeline.id)) == {under_way.execution, waiting}

    with pytest.raises(NotFound):
        await store.pipeline(pipeline.id)
    with pytest.raises(NotFound):
        await store.submit(a_pipeline_run(pipeline))
    assert (await store.pipelines(PipelineQuery())).total == 0
    assert (await store.execution(waiting)).status is ExecutionStatus.CANCELLED
    assert await store.cancel_requests("a") == [under_way.execution]
    assert await store.purge_deleted() == 0

    await store.commit(under_way, ended(ExecutionStatus.CANCELLED))
    version = (await store.execution(waiting)).version_id
    assert await store.purge_deleted() == 1
    for execution in (under_way.execution, waiting):
        with pytest.raises(NotFound):
            await store.execution(execution)
    with pytest.raises(NotFound):
        await store.document(version)


async def test_a_version_stays_as_long_as_an_execution_is_pinned_to_it(store: SqlStore, pipeline: NewPipeline) -> None:
    first = await claimed_run(store, pipeline)
    second = await claimed_run(store, pipeline)
    version = (await store.execution(first.execution)).version_id
    for lease in (first, second):
        await store.commit(lease, running())
        await store.commit(lease, ended())

    await store.purge([first.execution])
    assert await store.document(version)
    await store.purge([second.execution])
    with pytest.raises(NotFound):
        await store.document(version)
    assert (await store.pipeline(pipeline.id)).name == pipeline.name


async def test_named_outputs_go_with_their_execution(store: SqlStore, pipeline: NewPipeline) -> None:
    lease = await claimed_run(store, pipeline)
    program = OutputRecord("program", StepId("build"), "build/program", OutputKind.FILE, 2**40, "ab" * 32)
    docs = OutputRecord("docs", StepId("doc"), ".", OutputKind.DIRECTORY, 0, "cd" * 32)
    await store.commit(lease, Changes(outputs=[program, docs]))
    await store.commit(lease, Changes(outputs=[docs], workspaces=[a_workspace()]))
    assert await store.outputs(lease.execution) == [docs, program]

    await store.commit(lease, ended())
    await store.purge([lease.execution])
    assert await store.outputs(lease.execution) == []
    assert await store.workspace(lease.execution, StepId("step1")) is None


async def test_the_previous_run_is_the_newest_older_one_whose_key_is_known(
    store: SqlStore, pipeline: NewPipeline
) -> None:
    other = a_pipeline()
    await store.create_pipeline(other)
    leases = [await claimed_run(store, each) for each in (pipeline, other, pipeline, pipeline, pipeline)]
    uses = (CacheUse.MISS, CacheUse.MISS, CacheUse.HIT, CacheUse.OFF, CacheUse.MISS)
    for lease, use in zip(leases, uses, strict=True):
        await store.commit(
            lease,
            Changes(
                workspaces=[a_workspace(use=use, parts=None if use is CacheUse.OFF else {"n": lease.execution})],
                steps=[a_step(status=StepStatus.COMPLETED if use is CacheUse.HIT else StepStatus.FAILED)],
            ),
        )

    async def previous(of: int) -> tuple[str, bool] | None:
        found = await store.previous_run(pipeline.id, leases[of].execution, StepId("step1"))
        assert found is None or found.workspace.parts == {"n": found.execution}
        return found and (found.execution, found.completed)

    assert await previous(0) is None
    assert await previous(2) == (leases[0].execution, False)
    assert await previous(4) == (leases[2].execution, True)

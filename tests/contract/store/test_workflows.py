"""Creating, changing, hiding and deleting workflows."""

from dataclasses import replace

import pytest

from aiop.errors import InvalidState, NotFound
from aiop.interfaces import ExecutionQuery, NewWorkflow, PageQuery, WorkflowQuery
from aiop.model.ids import VersionId, new_id
from aiop.model.state import ExecutionStatus
from aiop.store import SqlStore
from contract.store.subject import START, TTL, Subject, a_workflow, an_execution, claimed, ended, running, submitted

GONE = "00000000-0000-7000-8000-000000000000"


async def test_a_workflow_is_answered_as_it_was_stored(store: SqlStore) -> None:
    document = '{ "name":"é\\u0000","z":1.0, "a":[1e400, 123456789012345678901234567890] }'
    new = a_workflow(document=document)

    record = await store.create_workflow(new)

    assert record == await store.workflow(new.id)
    assert (record.id, record.version, record.version_id) == (new.id, 1, new.version_id)
    assert (record.created_at, record.updated_at) == (START, None)
    assert record.document == document == await store.document(new.version_id)
    assert record.status is ExecutionStatus.PENDING


async def test_a_change_makes_the_next_version_and_keeps_the_last(subject: Subject, store: SqlStore) -> None:
    first = a_workflow(document='{"n": 1}')
    created = await store.create_workflow(first)
    await subject.clock.advance(seconds=5)
    second = replace(first, version_id=VersionId(new_id()), name="Other", description="d", document='{"n": 2}')

    changed = await store.update_workflow(second, base=first.version_id)

    assert (changed.version, changed.version_id, changed.document) == (2, second.version_id, '{"n": 2}')
    assert (changed.created_at, changed.updated_at) == (created.created_at, subject.clock.now())
    assert changed == await store.workflow(first.id)
    assert await store.document(first.version_id) == '{"n": 1}'
    [listed] = (await store.workflows(WorkflowQuery())).items
    assert (listed.name, listed.description) == ("Other", "d")


async def test_every_version_can_be_read_by_its_number(subject: Subject, store: SqlStore) -> None:
    first = a_workflow(document='{"n": 1}')
    await store.create_workflow(first)
    await store.create_workflow(a_workflow())
    await subject.clock.advance(seconds=5)
    second = replace(first, version_id=VersionId(new_id()), document='{"n": 2}')
    await store.update_workflow(second, base=first.version_id)

    page = await store.versions(first.id, PageQuery())
    rest = await store.versions(first.id, PageQuery(limit=1, offset=1, sort="number"))

    assert [(each.number, each.created_at) for each in page.items] == [(2, subject.clock.now()), (1, START)]
    assert ([each.number for each in rest.items], rest.total) == ([2], 2)
    assert (await store.version(first.id, 1)).document == '{"n": 1}'
    with pytest.raises(NotFound):
        await store.version(first.id, 3)


async def test_a_change_of_a_version_that_is_not_the_newest_is_refused(store: SqlStore, workflow: NewWorkflow) -> None:
    second = replace(workflow, version_id=VersionId(new_id()))
    await store.update_workflow(second, base=workflow.version_id)

    with pytest.raises(InvalidState):
        await store.update_workflow(replace(workflow, version_id=VersionId(new_id())), base=workflow.version_id)

    assert (await store.workflow(workflow.id)).version == 2


async def test_what_does_not_exist_is_not_found(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        await store.workflow(GONE)
    with pytest.raises(NotFound):
        await store.document(GONE)
    with pytest.raises(NotFound):
        await store.request_delete(GONE)
    with pytest.raises(NotFound):
        await store.update_workflow(a_workflow(id=GONE), base=GONE)


async def test_the_status_is_that_of_the_newest_execution(store: SqlStore, workflow: NewWorkflow) -> None:
    async def status() -> ExecutionStatus:
        [listed] = (await store.workflows(WorkflowQuery())).items
        assert listed.status == (await store.workflow(workflow.id)).status
        return listed.status

    older = await claimed(store, workflow)
    await store.commit(older, running())
    assert await status() is ExecutionStatus.RUNNING

    newer = await claimed(store, workflow)
    assert await status() is ExecutionStatus.PENDING

    await store.commit(older, ended(ExecutionStatus.FAILED))
    assert await status() is ExecutionStatus.PENDING

    await store.commit(newer, ended())
    assert await status() is ExecutionStatus.COMPLETED


async def test_a_deleted_workflow_is_hidden_at_once(store: SqlStore, workflow: NewWorkflow) -> None:
    await store.request_delete(workflow.id)

    with pytest.raises(NotFound):
        await store.workflow(workflow.id)
    with pytest.raises(NotFound):
        await store.request_delete(workflow.id)
    with pytest.raises(NotFound):
        await store.submit(an_execution(workflow))
    assert (await store.workflows(WorkflowQuery())).total == 0


async def test_deleting_a_workflow_cancels_its_executions_under_way(store: SqlStore, workflow: NewWorkflow) -> None:
    finished = await claimed(store, workflow)
    await store.commit(finished, ended())
    held = await claimed(store, workflow)
    other = await claimed(store, owner="b")
    waiting = await submitted(store, workflow)

    under_way = await store.request_delete(workflow.id)

    assert set(under_way) == {held.execution, waiting}
    assert await store.cancel_requests("a") == [held.execution]
    assert await store.cancel_requests("b") == []
    assert (await store.execution(waiting)).status is ExecutionStatus.CANCELLED
    assert (await store.execution(other.execution)).cancel_requested_at is None


async def test_the_rows_of_a_deleted_workflow_go_once_all_executions_have_ended(
    store: SqlStore, workflow: NewWorkflow
) -> None:
    other = await submitted(store)
    held = await claimed(store, workflow)
    await store.commit(await claimed(store, workflow), ended())
    await store.request_delete(workflow.id)

    assert await store.purge_deleted() == 0
    await store.commit(held, ended(ExecutionStatus.CANCELLED))
    assert await store.purge_deleted() == 1
    assert await store.purge_deleted() == 0

    with pytest.raises(NotFound):
        await store.execution(held.execution)
    with pytest.raises(NotFound):
        await store.document(workflow.version_id)
    assert [each.id for each in (await store.executions(ExecutionQuery())).items] == [other]
    assert (await store.counts())[ExecutionStatus.CANCELLED] == 0


async def test_a_deleted_workflow_is_not_listed_by_its_executions_any_more(
    store: SqlStore, workflow: NewWorkflow
) -> None:
    await store.commit(await claimed(store, workflow), ended())
    await store.request_delete(workflow.id)
    await store.purge_deleted()

    assert (await store.executions(ExecutionQuery(workflow=workflow.id))).total == 0
    assert await store.claim("a", ttl=TTL, limit=10) == []

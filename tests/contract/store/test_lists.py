"""Pages, filters, sorts and totals."""

import itertools
from datetime import timedelta

import pytest

from aiop.errors import InvalidRequest
from aiop.interfaces import Changes, ExecutionChange, ExecutionQuery, Page, PageQuery, WorkflowQuery
from aiop.model.ids import ExecutionId
from aiop.model.records import ExecutionSummary
from aiop.model.state import ExecutionStatus
from aiop.store import SqlStore
from contract.store.subject import START, TTL, Subject, a_step, a_workflow, an_execution, submitted

SORTS = (None, "id", "status", "created_at", "started_at", "completed_at")


@pytest.fixture
async def world(subject: Subject, store: SqlStore) -> SqlStore:
    """Executions of three workflows in all states; many share their times, and ids do not follow the times."""
    workflows = [a_workflow(f"Workflow {n}") for n in range(3)]
    for workflow in workflows:
        await store.create_workflow(workflow)
    for n in range(40):
        execution = ExecutionId(f"{(n * 17) % 40:08}-0000-7000-8000-000000000000")
        await store.submit(an_execution(workflows[n % 3], id=execution))
        if n % 4 == 3:
            await subject.clock.advance(seconds=1)
    leases = await store.claim("a", ttl=TTL, limit=30)
    for n, lease in enumerate(leases):
        started = START + timedelta(seconds=n * 7 % 5)
        status = (ExecutionStatus.RUNNING, ExecutionStatus.COMPLETED, ExecutionStatus.FAILED)[n % 3]
        completed = started + timedelta(seconds=n % 4) if status.ended else None
        change = ExecutionChange(status, started, completed)
        await store.commit(lease, Changes(execution=change, steps=[a_step(f"step{k}") for k in range(n % 4)]))
    return store


def expected(executions: list[ExecutionSummary], query: ExecutionQuery) -> Page[str]:
    """What the query should give, worked out the plain way."""
    chosen = [
        each
        for each in executions
        if query.workflow in (None, each.workflow_id) and query.status in (None, each.status)
    ]
    name, descending = (query.sort, query.descending) if query.sort else ("created_at", True)

    def key(each: ExecutionSummary) -> tuple[bool, object, str]:
        value = getattr(each, name)
        return value is not None, value or "", each.id

    def comparable(each: ExecutionSummary) -> tuple[bool, str, str]:
        has, value, unique = key(each)
        return has, str(value.isoformat() if hasattr(value, "isoformat") else value), unique

    chosen.sort(key=comparable, reverse=descending)
    return Page([each.id for each in chosen[query.offset : query.offset + query.limit]], len(chosen))


async def test_each_filter_and_sort_gives_each_execution_once_in_order(world: SqlStore) -> None:
    everything = list((await world.executions(ExecutionQuery(limit=1000))).items)
    assert len(everything) == 40
    workflows = sorted({each.workflow_id for each in everything})
    for sort, descending, status, workflow, offset in itertools.product(
        SORTS, (False, True), (None, *ExecutionStatus), (None, workflows[0]), (0, 3, 17, 33, 38, 100)
    ):
        query = ExecutionQuery(5, offset, sort, descending, workflow, status)
        page = await world.executions(query)
        assert Page([each.id for each in page.items], page.total) == expected(everything, query), query


async def test_a_page_holds_the_steps_of_its_executions(world: SqlStore) -> None:
    page = await world.executions(ExecutionQuery(limit=1000))

    for each in page.items:
        assert list(each.steps) == list((await world.execution(each.id)).steps)
    assert {len(each.steps) for each in page.items} == {0, 1, 2, 3}


async def test_the_counts_are_those_of_the_lists(world: SqlStore) -> None:
    counts = await world.counts()

    assert set(counts) == set(ExecutionStatus)
    assert sum(counts.values()) == 40
    for status in ExecutionStatus:
        assert (await world.executions(ExecutionQuery(status=status))).total == counts[status]


async def test_a_field_that_cannot_be_sorted_by_is_named(store: SqlStore) -> None:
    for read, query in (
        (store.executions, ExecutionQuery(sort="inputs")),
        (store.workflows, WorkflowQuery(sort="document")),
        (store.users, PageQuery(sort="password_hash")),
    ):
        with pytest.raises(InvalidRequest) as caught:
            await read(query)
        assert caught.value.faults[0].field == "sort"


async def test_an_unknown_workflow_has_no_executions(store: SqlStore) -> None:
    assert await store.executions(ExecutionQuery(workflow="no such id")) == Page([], 0)


class TestWorkflows:
    """The list of workflows."""

    @pytest.mark.parametrize(
        ("part", "found"),
        [
            ("work", ["A Workflow", "another workFLOW"]),
            ("FLOW", ["A Workflow", "another workFLOW"]),
            ("straße", ["Die Straße"]),
            ("STRASSE", ["Die Straße"]),
            ("100%", ["100%"]),
            ("0_", ["50_/"]),
            ("_/", ["50_/"]),
            ("%", ["100%"]),
            ("", ["100%", "50_/", "A Workflow", "Die Straße", "another workFLOW"]),
            ("nothing", []),
        ],
    )
    async def test_the_name_filter_is_a_substring_that_ignores_case(
        self, store: SqlStore, part: str, found: list[str]
    ) -> None:
        for name in ("A Workflow", "another workFLOW", "100%", "50_/", "Die Straße"):
            await store.create_workflow(a_workflow(name))

        page = await store.workflows(WorkflowQuery(name=part, sort="name"))

        assert ([each.name for each in page.items], page.total) == (found, len(found))

    async def test_the_newest_come_first_without_a_sort(self, subject: Subject, store: SqlStore) -> None:
        for name in "abc":
            await store.create_workflow(a_workflow(name))
            await subject.clock.advance(seconds=1)

        page = await store.workflows(WorkflowQuery(limit=2, descending=False))

        assert ([each.name for each in page.items], page.total) == (["c", "b"], 3)

    async def test_each_sort_pages_through_all_once(self, store: SqlStore) -> None:
        for n in range(7):
            workflow = a_workflow(f"name {n % 2}")
            await store.create_workflow(workflow)
            if n % 3 == 0:
                await submitted(store, workflow)
        for sort, descending in itertools.product((None, "id", "name", "status", "created_at", "updated_at"), (0, 1)):
            pages = [await store.workflows(WorkflowQuery(2, at, sort, bool(descending))) for at in range(0, 8, 2)]
            ids = [each.id for page in pages for each in page.items]
            assert len(ids) == len(set(ids)) == 7
            assert {page.total for page in pages} == {7}

    async def test_the_status_filter_follows_the_newest_execution(self, store: SqlStore) -> None:
        workflow = a_workflow()
        await store.create_workflow(workflow)
        await store.request_cancel(await submitted(store, workflow))

        async def total(status: ExecutionStatus) -> int:
            return (await store.workflows(WorkflowQuery(status=status))).total

        assert (await total(ExecutionStatus.CANCELLED), await total(ExecutionStatus.PENDING)) == (1, 0)

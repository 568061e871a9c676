"""Executions at a glance, how it went lately, the graph of an execution and its steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from aiop.interfaces import Changes
from aiop.model.ids import StepId
from aiop.model.records import AttemptRecord
from aiop.model.state import ExecutionStatus, Reason, StepStatus
from api.documents import created, executed
from api.errors import error, faults
from api.operations import UNKNOWN
from api.owner import Owner
from api.world import HandClock

GLANCES = "/monitoring/dagger/executions"
THROUGHPUT = "/monitoring/dagger/throughput"


def step(step_id: str, *needs: str, **fields: Any) -> dict[str, Any]:
    return {"id": step_id, "depends_on": list(needs), "container": {"script": f"echo {step_id}"}, **fields}


@pytest.fixture
async def diamond(client: httpx.AsyncClient) -> str:
    steps = [step("a", name="First"), step("b", "a"), step("c", "a"), step("d", "b", "c")]
    return await created(client, "diamond", steps=steps, container_config={"image": "busybox:1", "user": "1000"})


async def test_a_glance_has_the_name_and_counts_every_step_once(
    client: httpx.AsyncClient, viewer: httpx.AsyncClient, diamond: str, owner: Owner, clock: HandClock
) -> None:
    execution = await executed(client, diamond)
    await owner.claim(execution)
    await owner.start()
    await owner.step("a", status=StepStatus.COMPLETED)
    await owner.step("b", status=StepStatus.RUNNING)

    answer = await viewer.get(GLANCES)

    assert answer.json() == {
        "executions": [
            {
                "id": execution,
                "workflow_id": diamond,
                "name": "diamond",
                "status": "running",
                "created_at": "2025-03-01T12:00:00Z",
                "started_at": "2025-03-01T12:00:00Z",
                "completed_at": None,
                "steps": {"pending": 2, "running": 1, "completed": 1, "failed": 0, "cancelled": 0, "skipped": 0},
            }
        ],
        "total": 1,
        "limit": 20,
        "offset": 0,
    }


async def test_a_glance_says_why_it_waits_and_why_it_failed(
    client: httpx.AsyncClient, viewer: httpx.AsyncClient, admin: httpx.AsyncClient, diamond: str, owner: Owner
) -> None:
    failed = await executed(client, diamond)
    await owner.claim(failed)
    await owner.finish(status=ExecutionStatus.FAILED, reason=Reason.STEP_FAILED, error="step a failed")
    waiting = await executed(client, diamond)
    [agent] = (await admin.get("/dagger/agents")).json()["agents"]
    await admin.patch(f"/dagger/agents/{agent['id']}", json={"max_concurrent_executions": 1})

    [shown] = (await viewer.get(GLANCES, params={"status": "failed"})).json()["executions"]
    assert (shown["id"], shown["reason"], shown["error"]) == (failed, "step_failed", "step a failed")
    [shown] = (await viewer.get(GLANCES, params={"status": "pending"})).json()["executions"]
    listed = (await viewer.get(f"/dagger/executions/{waiting}")).json()
    assert (shown["id"], shown.get("waiting")) == (waiting, listed.get("waiting"))


async def test_glances_are_chosen_like_the_list(
    client: httpx.AsyncClient, viewer: httpx.AsyncClient, diamond: str
) -> None:
    made = [await executed(client, diamond) for _ in range(3)]
    other = await executed(client, await created(client))
    for query in ({"workflow_id": diamond.upper(), "sort": "id", "limit": 2, "offset": 1}, {"sort": "id:desc"}):
        listed = (await viewer.get("/dagger/executions", params=query)).json()
        glances = (await viewer.get(GLANCES, params=query)).json()
        assert [each["id"] for each in glances["executions"]] == [each["id"] for each in listed["executions"]]
        assert glances["total"] == listed["total"]
    assert other not in made
    assert faults(await viewer.get(GLANCES, params={"sort": "name", "owner": "me"})) == ["sort", "owner"]


async def test_the_name_of_what_is_deleted_is_still_told_or_none(
    client: httpx.AsyncClient, viewer: httpx.AsyncClient, diamond: str, owner: Owner
) -> None:
    execution = await executed(client, diamond)
    await owner.claim(execution)
    await client.delete(f"/dagger/workflows/{diamond}")
    assert (await viewer.get(f"/dagger/executions/{execution}/graph")).json()["name"] == "diamond"


async def test_the_throughput_has_a_bucket_for_each_stretch_up_to_now(
    client: httpx.AsyncClient, viewer: httpx.AsyncClient, diamond: str, owner: Owner, clock: HandClock
) -> None:
    for status, took in ((ExecutionStatus.COMPLETED, 30), (ExecutionStatus.FAILED, 90), (ExecutionStatus.CANCELLED, 0)):
        await owner.claim(await executed(client, diamond))
        began = clock.now() if took else None
        clock.advance(seconds=took)
        await owner.finish(status=status, started_at=began)
    clock.advance(minutes=30)

    body = (await viewer.get(THROUGHPUT, params={"hours": 1, "buckets": 6})).json()

    assert (body["since"], body["bucket_seconds"]) == ("2025-03-01T11:40:00Z", 600)
    assert [bucket["at"] for bucket in body["buckets"]] == [
        f"2025-03-01T{at}:00Z" for at in ("11:40", "11:50", "12:00", "12:10", "12:20", "12:30")
    ]
    assert body["buckets"][2] == {
        "at": "2025-03-01T12:00:00Z",
        "completed": 1,
        "failed": 1,
        "cancelled": 1,
        "mean_seconds": 60,
        "longest_seconds": 90,
    }
    for number in (0, 1, 3, 4, 5):
        empty = {"completed": 0, "failed": 0, "cancelled": 0, "mean_seconds": None, "longest_seconds": None}
        assert body["buckets"][number] == {"at": body["buckets"][number]["at"], **empty}


async def test_the_stretches_lie_still_while_time_goes_on(viewer: httpx.AsyncClient, clock: HandClock) -> None:
    first = (await viewer.get(THROUGHPUT)).json()
    clock.advance(minutes=29)
    assert (await viewer.get(THROUGHPUT)).json()["since"] == first["since"]
    clock.advance(minutes=1)
    assert (await viewer.get(THROUGHPUT)).json()["buckets"][0]["at"] == first["buckets"][1]["at"]
    assert len(first["buckets"]) == 48


@pytest.mark.parametrize("query", ["hours=0", "hours=2161", "buckets=0", "buckets=501", "hours=1.0", "days=1"])
async def test_of_the_throughput_no_nonsense_can_be_asked(viewer: httpx.AsyncClient, query: str) -> None:
    assert faults(await viewer.get(f"{THROUGHPUT}?{query}")) == [query.partition("=")[0]]


async def test_the_graph_has_the_steps_in_order_with_what_they_depend_on(
    client: httpx.AsyncClient, viewer: httpx.AsyncClient, diamond: str, owner: Owner
) -> None:
    execution = await executed(client, diamond, word="x")
    await owner.claim(execution)
    await owner.start()
    await owner.step("a", status=StepStatus.COMPLETED, inputs={"word": "x"}, outputs={"result": "long"})

    graph = (await viewer.get(f"/dagger/executions/{execution}/graph")).json()

    assert [(each["id"], each["depends_on"], each["status"]) for each in graph["steps"]] == [
        ("a", [], "completed"),
        ("b", ["a"], "pending"),
        ("c", ["a"], "pending"),
        ("d", ["b", "c"], "pending"),
    ]
    assert graph["steps"][0]["name"] == "First"
    assert graph["steps"][3]["waiting"] == {"code": "dependency", "detail": "waits for b, c"}
    assert "long" not in str(graph)
    assert (graph["name"], graph["inputs"], graph["outputs"]) == ("diamond", {"word": "x"}, {})
    assert "logs" not in graph


async def test_the_events_go_on_from_the_graph(
    client: httpx.AsyncClient, viewer: httpx.AsyncClient, diamond: str, owner: Owner
) -> None:
    execution = await executed(client, diamond)
    await owner.claim(execution)
    await owner.start()
    graph = (await viewer.get(f"/dagger/executions/{execution}/graph")).json()
    await owner.step("a", status=StepStatus.RUNNING)
    await owner.finish()
    headers = {"Last-Event-ID": str(graph["last_event"])}
    told = (await viewer.get(f"/dagger/executions/{execution}/events", headers=headers)).text
    assert [line for line in told.splitlines() if line.startswith("event:")] == [
        "event: StepStarted",
        "event: ExecutionFinished",
        "event: end",
    ]


async def test_a_step_tells_its_attempts_and_what_it_was_told_to_do(
    client: httpx.AsyncClient, viewer: httpx.AsyncClient, diamond: str, owner: Owner, clock: HandClock
) -> None:
    execution = await executed(client, diamond)
    await owner.claim(execution)
    await owner.start()
    now = clock.now()
    later = now + timedelta(seconds=5)
    first = AttemptRecord(
        StepId("a"), 0, 1, StepStatus.FAILED, now, later, 137, Reason.OOM_KILLED, "out of memory", retry_at=later
    )
    second = AttemptRecord(StepId("a"), 0, 2, StepStatus.RUNNING, later, image_digest="sha256:1", ready_at=later)
    await owner.commit(Changes(attempts=[second, first]))
    await owner.step("a", status=StepStatus.RUNNING, attempt=2, started_at=now, inputs={"word": "x"})

    detail = (await viewer.get(f"/dagger/executions/{execution}/steps/a")).json()

    assert (detail["execution_id"], detail["id"], detail["status"], detail["attempt"]) == (execution, "a", "running", 2)
    assert (detail["inputs"], detail["depends_on"]) == ({"word": "x"}, [])
    assert [(each["attempt"], each["status"], each["exit_code"], each["reason"]) for each in detail["attempts"]] == [
        (1, "failed", 137, "oom_killed"),
        (2, "running", None, None),
    ]
    assert (detail["attempts"][0]["error"], detail["attempts"][1]["image_digest"]) == ("out of memory", "sha256:1")
    assert detail["definition"] == step("a", name="First")
    assert detail["container_config"] == {"image": "busybox:1", "user": "1000"}


async def test_a_step_that_has_not_begun_has_no_attempts(
    client: httpx.AsyncClient, viewer: httpx.AsyncClient, diamond: str
) -> None:
    execution = await executed(client, diamond)
    detail = (await viewer.get(f"/dagger/executions/{execution}/steps/d")).json()
    assert (detail["status"], detail["attempts"], detail["depends_on"]) == ("pending", [], ["b", "c"])
    for path in (f"{execution}/steps/x", f"{UNKNOWN}/steps/a", f"{UNKNOWN}/graph"):
        assert error(await viewer.get(f"/dagger/executions/{path}")) == (404, "not_found")

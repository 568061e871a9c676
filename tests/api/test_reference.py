"""Every example of the API reference, sent as it stands there, is answered in that very shape and order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from aiop.model.state import StepStatus
from aiop.spec import SourcePolicy
from api.owner import Owner
from api.world import HandClock, reference

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def text_of(document: Any) -> str:
    """Write JSON so that equal text means equal values in equal order."""
    return json.dumps(document, indent=1)


def renamed(answer: httpx.Response, *names: tuple[str, str]) -> str:
    """Give the answer with our ids replaced by those of the example."""
    text = text_of(answer.json())
    for ours, example in names:
        text = text.replace(ours, example)
    return text


async def created(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/dagger/workflows", json=reference("workflow_create.request"))


async def test_create_workflow(client: httpx.AsyncClient) -> None:
    answer = await created(client)
    assert answer.status_code == 201
    example = reference("workflow_create.answer")
    assert renamed(answer, (answer.json()["id"], example["id"])) == text_of(example)


async def test_get_workflow(client: httpx.AsyncClient, workflow: str) -> None:
    answer = await client.get(f"/dagger/workflows/{workflow}")
    assert answer.status_code == 200
    example = reference("workflow_get.answer")
    assert renamed(answer, (workflow, example["id"])) == text_of(example)


async def test_list_workflows(client: httpx.AsyncClient, workflow: str) -> None:
    answer = await client.get("/dagger/workflows")
    assert answer.status_code == 200
    example = reference("workflow_list.answer")
    assert renamed(answer, (workflow, example["workflows"][0]["id"])) == text_of(example)


async def test_update_workflow(client: httpx.AsyncClient, workflow: str, clock: HandClock) -> None:
    clock.advance(hours=1)
    answer = await client.patch(f"/dagger/workflows/{workflow}", json=reference("workflow_update.request"))
    assert answer.status_code == 200
    example = reference("workflow_update.answer")
    assert renamed(answer, (workflow, example["id"])) == text_of(example)


async def test_delete_workflow(client: httpx.AsyncClient, workflow: str) -> None:
    answer = await client.delete(f"/dagger/workflows/{workflow}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(f"/dagger/workflows/{workflow}")).status_code == 404


async def test_execute_workflow(client: httpx.AsyncClient, workflow: str) -> None:
    answer = await client.post(f"/dagger/workflows/{workflow}/execute", json=reference("workflow_execute.request"))
    assert answer.status_code == 201
    example = reference("workflow_execute.answer")
    names = (workflow, example["workflow_id"]), (answer.json()["execution_id"], example["execution_id"])
    assert renamed(answer, *names) == text_of(example)


async def executed(client: httpx.AsyncClient, workflow: str, owner: Owner, clock: HandClock) -> str:
    """Run the example to the state that the reference shows."""
    answer = await client.post(f"/dagger/workflows/{workflow}/execute", json=reference("workflow_execute.request"))
    execution = answer.json()["execution_id"]
    await owner.claim(execution)
    await owner.start()
    for minute, step in enumerate(("step1", "step2")):
        await owner.step(step, status=StepStatus.RUNNING, attempt=1, started_at=clock.now())
        await owner.log(step, "Execution logs...")
        started = clock.now()
        clock.advance(minutes=1)
        await owner.step(
            step,
            status=StepStatus.COMPLETED,
            attempt=1,
            exit_code=0,
            started_at=started,
            completed_at=clock.now(),
            inputs={f"param{minute + 1}": f"value{minute + 1}"},
            outputs={"result": f"{step} result"},
        )
    await owner.finish(started_at=NOON, outputs={"result": "success"})
    return execution


async def test_list_workflow_executions(
    client: httpx.AsyncClient, workflow: str, owner: Owner, clock: HandClock
) -> None:
    execution = await executed(client, workflow, owner, clock)
    example = reference("execution_list.answer")
    shown = example["executions"][0]
    for path in (f"/dagger/workflows/{workflow}/executions", "/dagger/executions"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert renamed(answer, (execution, shown["id"]), (workflow, shown["workflow_id"])) == text_of(example)


async def test_get_execution(client: httpx.AsyncClient, workflow: str, owner: Owner, clock: HandClock) -> None:
    execution = await executed(client, workflow, owner, clock)
    example = reference("execution_get.answer")
    answer = await client.get(f"/dagger/executions/{execution}")
    assert answer.status_code == 200
    assert answer.json()["logs"] == "[step1] Execution logs...\n[step2] Execution logs...\n"
    example["logs"] = answer.json()["logs"]
    assert renamed(answer, (execution, example["id"]), (workflow, example["workflow_id"])) == text_of(example)


async def test_cancel_execution(client: httpx.AsyncClient, execution: str) -> None:
    answer = await client.delete(f"/dagger/executions/{execution}")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_create_agent(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/dagger/agents", json=reference("agent_create.request"))
    assert answer.status_code == 201
    example = reference("agent_create.answer")
    assert renamed(answer, (answer.json()["id"], example["id"])) == text_of(example)


async def test_list_agents(admin: httpx.AsyncClient) -> None:
    [local] = (await admin.get("/dagger/agents")).json()["agents"]
    await admin.delete(f"/dagger/agents/{local['id']}")
    created = await admin.post("/dagger/agents", json=reference("agent_create.request"))
    example = reference("agent_list.answer")
    for query in ("", "?status=idle", "?capability=dagger_pipeline", "?limit=20&offset=0"):
        answer = await admin.get(f"/dagger/agents{query}")
        assert answer.status_code == 200
        assert renamed(answer, (created.json()["id"], example["agents"][0]["id"])) == text_of(example)


async def test_error(client: httpx.AsyncClient) -> None:
    document = reference("workflow_create.request")
    del document["name"]
    answer = await client.post("/dagger/workflows", json=document)
    assert answer.status_code == 400
    assert renamed(answer) == text_of(reference("error.answer"))


async def test_pagination_filtering_and_sorting(client: httpx.AsyncClient, workflow: str) -> None:
    for query, total, shown in (
        ("limit=20&offset=20", 1, 0),
        ("status=completed", 0, 0),
        ("sort=created_at:desc", 1, 1),
    ):
        answer = await client.get(f"/dagger/workflows?{query}")
        assert answer.status_code == 200
        assert (answer.json()["total"], len(answer.json()["workflows"])) == (total, shown)


async def pipeline_created(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/dagger/pipelines", json=reference("pipeline_create.request"))


async def test_create_pipeline(client: httpx.AsyncClient) -> None:
    answer = await pipeline_created(client)
    assert answer.status_code == 201
    example = reference("pipeline_create.answer")
    assert renamed(answer, (answer.json()["id"], example["id"])) == text_of(example)


async def test_list_pipelines(client: httpx.AsyncClient) -> None:
    pipeline = (await pipeline_created(client)).json()["id"]
    answer = await client.get("/dagger/pipelines")
    assert answer.status_code == 200
    example = reference("pipeline_list.answer")
    assert renamed(answer, (pipeline, example["pipelines"][0]["id"])) == text_of(example)


async def test_execute_pipeline(client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another directory in the place of ``/src``, which a machine with tests on it need not have."""
    (tmp_path / "example.yaml").write_text("steps: [{id: a, container: {image: busybox, script: make}}]")
    policy = partial(SourcePolicy, realpath=lambda path: str(tmp_path) if path == "/src" else path)
    monkeypatch.setattr("aiop.operations.pipelines.SourcePolicy", policy)
    pipeline = (await pipeline_created(client)).json()["id"]
    answer = await client.post(f"/dagger/pipelines/{pipeline}/execute", json=reference("pipeline_execute.request"))
    assert answer.status_code == 201
    example = reference("pipeline_execute.answer")
    names = (pipeline, example["pipeline_id"]), (answer.json()["execution_id"], example["execution_id"])
    assert renamed(answer, *names) == text_of(example)

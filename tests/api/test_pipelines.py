"""Pipelines: what is taken, what is refused and why."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.errors import error, messages
from api.pipelines import created, execute
from api.world import HandClock, Service, reference


async def test_a_pipeline_is_answered_in_full_and_its_definition_to_the_letter(client: httpx.AsyncClient) -> None:
    inline = (
        '{"steps" : [{"id":"a", "container":{"image": "i"}, "retry": {"delay": 1e0}}],\n'
        ' "inputs": {"x": {"default": 100000000000000000000000000}}}'
    )
    body = f'{{"name": "p", "source_directory": "./x", "pipeline_definition": {inline}, "timeout_seconds": 1.5}}'
    answer = await client.post("/dagger/pipelines", content=body)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/dagger/pipelines/{answer.json()['id']}"
    assert f'"pipeline_definition":{inline},"caching_enabled":true,"timeout_seconds":1.5' in answer.text
    assert (await client.get(answer.headers["location"])).text == answer.text


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": ""}, ("name", "Must not be empty")),
        ({"name": None}, ("name", "Must be a string")),
        ({"source_directory": "src"}, ("source_directory", "Must be an absolute path")),
        ({"source_directory": None}, ("source_directory", "Must be a string")),
        ({"pipeline_definition": "pipeline.py"}, ("pipeline_definition", "Must be the name of")),
        ({"pipeline_definition": 1}, ("pipeline_definition", "Must be the name of")),
        ({"pipeline_definition": ["x"]}, ("pipeline_definition", "Must be the name of")),
        ({"pipeline_definition": {"steps": "x"}}, ("pipeline_definition.steps", "Must be a list")),
        ({"pipeline_definition": "steps:\n  - id: a"}, ("pipeline_definition.steps[0].container.image", "")),
        ({"pipeline_definition": "steps: [\n"}, ("pipeline_definition", "Not valid YAML in line")),
        ({"caching_enabled": "yes"}, ("caching_enabled", "Must be true or false")),
        ({"caching_enabled": None}, ("caching_enabled", "Must be true or false")),
        ({"timeout_seconds": 0}, ("timeout_seconds", "Must be greater than 0")),
        ({"timeout_seconds": True}, ("timeout_seconds", "Must be a number")),
        ({"caching": True}, ("caching", "Unknown field; did you mean `caching_enabled`?")),
    ],
)
async def test_a_fault_is_named_at_creation_and_at_change(
    client: httpx.AsyncClient, pipeline: str, changes: dict[str, Any], fault: tuple[str, str]
) -> None:
    body = {"name": "p", "source_directory": "/src", "pipeline_definition": "p.yaml", **changes}
    for answer in (
        await client.post("/dagger/pipelines", json=body),
        await client.patch(f"/dagger/pipelines/{pipeline}", json=changes),
    ):
        found = messages(answer)
        assert list(found) == [fault[0]]
        assert found[fault[0]].startswith(fault[1])


async def test_a_document_is_checked_and_not_stored(viewer: httpx.AsyncClient) -> None:
    document: dict[str, Any] = {"steps": [{"id": "a", "container": {"image": "busybox:1"}}]}
    answer = await viewer.post("/dagger/pipelines/validate", json=document)
    assert answer.json() == {"valid": True, "name": "pipeline", "steps": 1}
    document["steps"] += [{"id": "a", "container": {"imag": "busybox:1"}}]
    document["outputs"] = [{"name": "o", "path": "o", "step": "b"}]
    refused = (await viewer.post("/dagger/pipelines/validate", json=document)).json()
    named = {fault["field"] for fault in refused["details"]["errors"]}
    assert "steps[1].container.imag" in named
    assert (await viewer.get("/dagger/pipelines")).json()["total"] == 0


async def test_what_is_missing_is_named(client: httpx.AsyncClient) -> None:
    required = "Field is required"
    assert messages(await client.post("/dagger/pipelines", json={})) == {
        "name": required,
        "source_directory": required,
        "pipeline_definition": required,
    }


async def test_a_change_changes_what_it_names(client: httpx.AsyncClient, pipeline: str, clock: HandClock) -> None:
    before = (await client.get(f"/dagger/pipelines/{pipeline}")).json()
    clock.advance(hours=1)
    changes = {"description": "new", "timeout_seconds": 5, "caching_enabled": False}
    answer = await client.patch(f"/dagger/pipelines/{pipeline}", json=changes)
    assert answer.status_code == 200
    assert answer.json() == {**before, **changes, "updated_at": "2025-03-01T13:00:00Z"}
    answer = await client.patch(f"/dagger/pipelines/{pipeline}", json={"timeout_seconds": None, "description": None})
    assert (answer.json()["timeout_seconds"], answer.json()["description"]) == (None, None)
    same = await client.patch(f"/dagger/pipelines/{pipeline}", json={})
    assert same.json() == answer.json()


async def test_a_deleted_pipeline_is_gone_with_its_executions(
    client: httpx.AsyncClient, pipeline: str, service: Service
) -> None:
    execution = (await execute(client, pipeline)).json()["execution_id"]
    assert (await client.delete(f"/dagger/pipelines/{pipeline}")).status_code == 204
    for path in ("", "/executions"):
        assert error(await client.get(f"/dagger/pipelines/{pipeline}{path}")) == (404, "not_found")
    assert error(await execute(client, pipeline)) == (404, "not_found")
    assert (await client.get(f"/dagger/executions/{execution}")).json()["status"] == "cancelled"
    await service.store.purge_deleted()
    assert error(await client.get(f"/dagger/executions/{execution}")) == (404, "not_found")


async def test_viewers_read_and_do_not_change(viewer: httpx.AsyncClient, pipeline: str) -> None:
    path = f"/dagger/pipelines/{pipeline}"
    assert (await viewer.get(path)).status_code == 200
    assert error(await viewer.patch(path, json={})) == (403, "forbidden")
    assert error(await viewer.delete(path)) == (403, "forbidden")
    assert error(await viewer.post(f"{path}/execute")) == (403, "forbidden")
    assert error(await viewer.post("/dagger/sources", content=b"")) == (403, "forbidden")


async def test_the_example_of_a_list_can_be_filtered_by_name(client: httpx.AsyncClient) -> None:
    await client.post("/dagger/pipelines", json=reference("pipeline_create.request"))
    await created(client)
    assert (await client.get("/dagger/pipelines?name=EXAMPLE")).json()["total"] == 1
    assert (await client.get("/dagger/pipelines?sort=name:desc&limit=1")).json()["pipelines"][0]["name"] == "p"

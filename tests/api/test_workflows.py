"""Workflows: create, get, change, delete."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from aiop.model.ids import ExecutionId, WorkflowId
from aiop.model.state import ExecutionStatus
from api.documents import created, executed
from api.documents import workflow as document
from api.errors import error, faults, messages
from api.owner import Owner
from api.world import HandClock, Service

DEFINITIONS = [
    '{"name": "w", "steps": [{"id": "s", "container": {"image": "i"}}]}',
    '{"steps":[{"container":{"image":"i"},"id":"s"}],"name":"w"}',
    '\n\t{ "name" : "w" ,\r\n "steps" : [ { "id" : "s" , "container" : { "image" : "i" } } ] } \n',
    '{"name":"w","description":null,"steps":[{"id":"s","name":null,"depends_on":[],"container":{"image":"i"}}]}',
    '{"name":"w","fail_fast":false,"requires":[],"steps":[{"id":"s","container":{"image":"i","environment":{}}}]}',
    '{"name":"\\u00e9\\ud83d\\ude00é😀\\/\\n","steps":[{"id":"s","container":{"image":"i"}}]}',
    '{"name":"w","steps":[{"id":"s","container":{"image":"i"},"timeout_seconds":1.0,"retry":{"delay":1e1}}]}',
    '{"name":"w","steps":[{"id":"s","container":{"image":"i","resources":{"cpu":0.50,"memory":"256Mi"}}}]}',
    '{"name":"w","steps":[{"id":"s","container":{"image":"i"},"inputs":{"n":123456789012345678901234567890}}]}',
    '{"name":"w","steps":[{"id":"s","container":{"image":"i"},"inputs":{"f":1.0,"z":-0,"e":1E+2,"d":0.1000}}]}',
    '{"name":"w","steps":[{"id":"s","container":{"image":"i"},"inputs":{"t":true,"x":null,"l":[1.50,[],{}]}}]}',
    '{"name":"w","outputs":{"z":1.0,"a":18446744073709551616},"steps":[{"id":"s","container":{"image":"i"}}]}',
]


@pytest.mark.parametrize("text", DEFINITIONS)
async def test_a_definition_is_answered_to_the_letter(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.post("/dagger/workflows", content=text.encode())
    assert answer.status_code == 201
    path = answer.headers["location"]
    workflow = answer.json()["id"]
    assert path == f"/dagger/workflows/{workflow}"
    inner = text.strip()[1:-1]
    state = '"status":"pending","created_at":"2025-03-01T12:00:00Z","updated_at":null'
    assert answer.text == f'{{"id":"{workflow}",{inner},{state}}}'
    shown = await client.get(path)
    assert (shown.text, shown.headers["content-type"]) == (answer.text, "application/json")
    assert {name: shown.json()[name] for name in json.loads(text)} == json.loads(text)


async def test_ids_sort_by_time(client: httpx.AsyncClient) -> None:
    made = [await created(client) for _ in range(20)]
    assert made == sorted(made)
    assert all(each[14] == "7" for each in made)


async def test_every_fault_of_a_document_is_named_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/dagger/workflows",
        json={
            "nmae": "w",
            "description": 1,
            "container_config": {"volumes": [{"source": "/etc", "target": "data"}], "network": "host"},
            "steps": [
                {"id": "1st", "container": {"image": ""}},
                {"id": "a", "container": {"image": "i", "environment": {"AIOP_X": "1", "N": 1}}, "retries": -1},
                {"id": "b", "timeout_seconds": 0, "container": {"image": "i", "volumes": [{"source": "/etc"}]}},
            ],
            "outputs": {"9": 1},
        },
    )
    assert sorted(faults(answer)) == [
        "container_config.network",
        "container_config.volumes[0].source",
        "container_config.volumes[0].target",
        "description",
        "name",
        "nmae",
        "outputs.9",
        "steps[0].container.image",
        "steps[0].id",
        "steps[1].container.environment.AIOP_X",
        "steps[1].container.environment.N",
        "steps[1].retries",
        "steps[2].container.volumes[0].source",
        "steps[2].container.volumes[0].target",
        "steps[2].timeout_seconds",
    ]
    assert messages(answer)["name"] == "Field is required"
    assert (await client.get("/dagger/workflows")).json()["total"] == 0


def step(name: str, *needs: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "depends_on": list(needs), "container": {"image": "i"}, **fields}


async def test_faults_of_the_graph_are_named(client: httpx.AsyncClient) -> None:
    steps = [step("a", "nothing"), step("b", "b"), step("c", "d"), step("d", "c"), step("a")]
    answer = await client.post("/dagger/workflows", json={"name": "w", "steps": steps})
    assert messages(answer) == {
        "steps[0].depends_on[0]": "Unknown step `nothing`",
        "steps[1].depends_on[0]": "A step cannot depend on itself",
        "steps[2].depends_on": "Dependencies form a cycle: c -> d -> c",
        "steps[4].id": "The id `a` is taken by steps[0]",
    }


async def test_faults_of_templates_and_conditions_are_named(client: httpx.AsyncClient) -> None:
    steps = [
        step("a"),
        step("b", inputs={"x": "${inputs.unknown}", "y": "${steps.a.outputs.result}"}),
        step("c", "a", when="inputs.known =="),
    ]
    answer = await client.post("/dagger/workflows", json={"name": "w", "inputs": {"known": {}}, "steps": steps})
    assert sorted(faults(answer)) == ["steps[1].inputs.x", "steps[1].inputs.y", "steps[2].when"]


async def test_validation_says_what_creation_would_and_stores_nothing(
    client: httpx.AsyncClient, viewer: httpx.AsyncClient
) -> None:
    answer = await viewer.post("/dagger/workflows/validate", json=document("fine"))
    assert (answer.status_code, answer.json()) == (200, {"valid": True, "name": "fine", "steps": 1})
    for faulty in ({}, document(name=""), document(steps=[]), document(stpes=1), {"name": 1, "steps": [{"id": "-"}]}):
        validated = await viewer.post("/dagger/workflows/validate", json=faulty)
        refused = await client.post("/dagger/workflows", json=faulty)
        assert error(validated) == (400, "invalid_request")
        assert validated.json() == refused.json()
    assert (await client.get("/dagger/workflows")).json()["total"] == 0
    assert error(await client.get("/dagger/workflows/validate")) == (404, "not_found")


async def test_a_change_replaces_what_is_sent_and_nothing_else(client: httpx.AsyncClient, clock: HandClock) -> None:
    config = {"image": "a", "environment": {"A": "1", "B": "2"}}
    steps = [{"id": "x", "container": {}}, {"id": "y", "depends_on": ["x"], "container": {"args": ["1.0"]}}]
    sent = {"name": "w", "steps": steps, "container_config": config, "fail_fast": True, "description": "d"}
    path = (await client.post("/dagger/workflows", json=sent)).headers["location"]
    for change in (
        {"container_config": {"image": "b"}},
        {"steps": [{"id": "z", "container": {"command": ["true"]}}]},
        {"fail_fast": None},
        {"description": None, "name": "new"},
        {"inputs": {"n": {"default": 1.0}}, "outputs": {"o": "${inputs.n}"}},
    ):
        clock.advance(seconds=1)
        sent |= change
        answer = await client.patch(path, json=change)
        assert answer.status_code == 200
        shown = answer.json()
        state = {name: shown.pop(name) for name in ("id", "status", "created_at", "updated_at")}
        assert json.dumps(shown) == json.dumps(sent)
        assert state["created_at"] == "2025-03-01T12:00:00Z"
        assert state["updated_at"] == clock.now().isoformat().replace("+00:00", "Z")
        assert (await client.get(path)).text == answer.text
    (listed,) = (await client.get("/dagger/workflows")).json()["workflows"]
    assert (listed["name"], listed["description"]) == ("new", None)


async def test_what_is_not_changed_keeps_its_letters(client: httpx.AsyncClient) -> None:
    inputs = '{"n": {"default": 100000000000000000000.0}, "é": null}'.replace('"é": null', '"m": {"default" : 1.50}')
    text = f'{{"name":"w" , "inputs": {inputs}, "steps": [{{"id":"s","container":{{"image":"i"}}}}]}}'
    path = (await client.post("/dagger/workflows", content=text.encode())).headers["location"]
    answer = await client.patch(path, content=b'{"description": "\\u00e9" , "fail_fast":false}')
    assert f'"inputs": {inputs}' in answer.text
    assert '"description": "\\u00e9", "fail_fast": false' in answer.text
    assert (await client.get(path)).text == answer.text


async def test_a_change_of_nothing_changes_nothing(client: httpx.AsyncClient, workflow: str, clock: HandClock) -> None:
    clock.advance(hours=1)
    before = await client.get(f"/dagger/workflows/{workflow}")
    answer = await client.patch(f"/dagger/workflows/{workflow}", json={})
    assert (answer.status_code, answer.text) == (200, before.text)
    assert answer.json()["updated_at"] is None


async def test_a_faulty_change_is_checked_as_a_whole_and_changes_nothing(
    client: httpx.AsyncClient, workflow: str
) -> None:
    path = f"/dagger/workflows/{workflow}"
    before = (await client.get(path)).text
    for change, fields in (
        ({"name": None}, ["name"]),
        ({"steps": None}, ["steps"]),
        ({"steps": []}, ["steps"]),
        ({"name": "", "steps": [{"id": "s"}], "x": 1}, ["name", "x"]),
        ({"container_config": None, "steps": [{"id": "s"}]}, ["steps[0].container.image"]),
        ({"inputs": {"a": {}}, "outputs": {"o": "${inputs.b}"}}, ["outputs.o"]),
        ({"id": "x", "status": "completed"}, ["id", "status"]),
    ):
        answer = await client.patch(path, json=change)
        assert sorted(faults(answer)) == sorted(fields), change
        assert (await client.get(path)).text == before


async def test_changes_at_once_are_all_made(client: httpx.AsyncClient, workflow: str) -> None:
    path = f"/dagger/workflows/{workflow}"
    changes: list[dict[str, Any]] = [
        {"name": "together"},
        {"description": "together"},
        {"fail_fast": True},
        {"requires": ["gpu"]},
    ]
    answers = await asyncio.gather(*(client.patch(path, json=change) for change in changes))
    assert [answer.status_code for answer in answers] == [200] * len(changes)
    shown = (await client.get(path)).json()
    for change in changes:
        assert change.items() <= shown.items()


async def test_an_execution_keeps_the_definition_that_it_started_with(client: httpx.AsyncClient) -> None:
    workflow = await created(client)
    execution = await executed(client, workflow)
    step = {"id": "other", "name": "Other", "container": {"image": "i"}}
    assert (await client.patch(f"/dagger/workflows/{workflow}", json={"steps": [step]})).status_code == 200
    assert list((await client.get(f"/dagger/executions/{execution}")).json()["steps"]) == ["s"]
    later = await executed(client, workflow)
    assert list((await client.get(f"/dagger/executions/{later}")).json()["steps"]) == ["other"]
    listed = (await client.get(f"/dagger/workflows/{workflow}/executions")).json()["executions"]
    assert [list(each["steps"]) for each in listed] == [["other"], ["s"]]


async def test_the_status_is_that_of_the_newest_execution(
    client: httpx.AsyncClient, owner: Owner, clock: HandClock
) -> None:
    workflow = await created(client)

    async def status() -> str:
        (listed,) = (await client.get("/dagger/workflows")).json()["workflows"]
        shown = (await client.get(f"/dagger/workflows/{workflow}")).json()
        assert shown["status"] == listed["status"]
        assert shown["updated_at"] is None
        return str(shown["status"])

    assert await status() == "pending"
    first = await executed(client, workflow)
    await owner.claim(first)
    await owner.start()
    assert await status() == "running"
    await owner.finish(status=ExecutionStatus.FAILED)
    assert await status() == "failed"
    clock.advance(seconds=1)
    second = await executed(client, workflow)
    assert await status() == "pending"
    await client.delete(f"/dagger/executions/{second}")
    assert await status() == "cancelled"


async def test_a_deleted_workflow_takes_everything_with_it(
    client: httpx.AsyncClient, service: Service, owner: Owner, workflow: str
) -> None:
    ended, running, waiting = [await executed(client, workflow) for _ in range(3)]
    await owner.claim(ended)
    await owner.start()
    await owner.log("step1", "a line")
    await owner.finish()
    await owner.claim(running)
    await owner.start()
    path = f"/dagger/workflows/{workflow}"
    assert (await client.delete(path)).status_code == 204
    for call in (
        client.get(path),
        client.delete(path),
        client.patch(path, json={"name": "x"}),
        client.patch(path, json={}),
        client.post(f"{path}/execute"),
        client.get(f"{path}/executions"),
    ):
        answer = await call
        assert error(answer) == (404, "not_found")
        assert answer.json()["message"] == "Workflow not found"
    assert (await client.get("/dagger/workflows")).json()["total"] == 0
    await owner.finish(status=ExecutionStatus.CANCELLED)
    await owner.claim(waiting)
    await owner.finish(status=ExecutionStatus.CANCELLED)
    await service.store.purge_deleted()
    for execution in (ended, running, waiting):
        for part in ("", "/logs", "/events"):
            assert error(await client.get(f"/dagger/executions/{execution}{part}")) == (404, "not_found")
    assert (await client.get("/dagger/executions")).json()["total"] == 0


async def test_executions_under_way_are_asked_to_end_when_their_workflow_is_deleted(
    client: httpx.AsyncClient, service: Service, owner: Owner
) -> None:
    workflow = await created(client)
    waiting = await executed(client, workflow)
    assert (await client.delete(f"/dagger/workflows/{workflow}")).status_code == 204
    assert (await service.store.execution(ExecutionId(waiting))).status is ExecutionStatus.CANCELLED

    workflow = await created(client)
    running = await executed(client, workflow)
    await owner.claim(running)
    await owner.start()
    with service.bus.listen(f"execution:{running}") as listener:
        assert (await client.delete(f"/dagger/workflows/{workflow}")).status_code == 204
        assert await listener.wait(service.services.streams.look)
    shown = (await client.get(f"/dagger/executions/{running}")).json()
    assert (shown["status"], shown["waiting"]["code"]) == ("running", "cancelling")
    assert WorkflowId(shown["workflow_id"]) == workflow

"""Executions: submit, get, cancel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from aiop.model.state import ExecutionStatus, Reason, StepStatus, WaitCode, Waiting
from api.documents import created, executed
from api.errors import error, faults, messages
from api.owner import Owner
from api.world import HandClock, Service

THREE = [
    {"id": "a", "name": "First", "container": {"image": "i"}},
    {"id": "b", "depends_on": ["a"], "container": {"image": "i"}},
    {"id": "c", "depends_on": ["a", "b"], "container": {"image": "i"}},
]
UNSTARTED = {"status": "pending", "started_at": None, "completed_at": None, "inputs": {}, "outputs": {}}


async def shown(client: httpx.AsyncClient, execution: str) -> dict[str, Any]:
    answer = await client.get(f"/dagger/executions/{execution}")
    assert answer.status_code == 200
    return answer.json()


async def test_an_execution_is_there_as_soon_as_it_is_answered(client: httpx.AsyncClient) -> None:
    workflow = await created(client, steps=THREE)
    answer = await client.post(f"/dagger/workflows/{workflow}/execute")
    execution = answer.json()["execution_id"]
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/dagger/executions/{execution}"
    assert answer.json() == {"execution_id": execution, "status": "pending", "workflow_id": workflow}
    assert await shown(client, execution) == {
        "id": execution,
        "workflow_id": workflow,
        "status": "pending",
        "steps": {
            "a": {"id": "a", "name": "First", **UNSTARTED},
            "b": {"id": "b", "name": "b", **UNSTARTED},
            "c": {"id": "c", "name": "c", **UNSTARTED},
        },
        "inputs": {},
        "outputs": {},
        "started_at": None,
        "completed_at": None,
        "created_at": "2025-03-01T12:00:00Z",
        "waiting": {"code": "agent_capacity", "detail": "its turn has not come: others came first"},
        "logs": "",
    }


async def test_inputs_are_answered_with_their_types(client: httpx.AsyncClient) -> None:
    inputs = (
        '{"big": 123456789012345678901234567890, "float": 1.0, "text": "é😀\\u0000", '
        '"nil": null, "list": [true, {"b": 1, "a": []}]}'
    )
    workflow = await created(client)
    body = f'{{"inputs": {inputs}}}'.encode()
    answer = await client.post(f"/dagger/workflows/{workflow}/execute", content=body)
    assert answer.status_code == 201, answer.text
    answer = await client.get(answer.headers["location"])
    assert json.dumps(answer.json()["inputs"]) == json.dumps(json.loads(inputs))
    assert '"float":1.0' in answer.text


async def test_inputs_that_do_not_fit_the_declaration_are_named_at_once(client: httpx.AsyncClient) -> None:
    declared: Mapping[str, Any] = {
        "count": {"type": "integer"},
        "needed": {"required": True},
        "flag": {"type": "boolean", "default": False},
        "word": {"type": "string", "required": True},
    }
    workflow = await created(client, inputs=declared)
    path = f"/dagger/workflows/{workflow}/execute"
    answer = await client.post(
        path,
        json={
            "inputs": {"count": 1.5, "flag": "true", "wrod": "x"},
            "container_registry": "not a registry",
            "workflow_defaults": {"inputs": {"default_timeout": -1}},
        },
    )
    assert messages(answer) == {
        "container_registry": "Not a valid registry, which would be like `registry.example:5000`",
        "workflow_defaults.inputs.default_timeout": "Must be a number of seconds above 0",
        "inputs.count": "Must be of type integer",
        "inputs.flag": "Must be of type boolean",
        "inputs.needed": "Field is required",
        "inputs.word": "Field is required",
        "inputs.wrod": "Unknown input `wrod`; did you mean `word`?",
    }
    assert (await client.get("/dagger/executions")).json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"inputs": []}, ["inputs"]),
        ({"inputs": None}, ["inputs"]),
        ({"inputs": {"1st": 1, "a b": 2, "": 3, "fine": 4}}, ["inputs.1st", 'inputs["a b"]', 'inputs[""]']),
        ({"container_registry": 1}, ["container_registry"]),
        ({"container_credentials": {"username": "u"}}, ["container_credentials.password"]),
        (
            {"container_credentials": {"username": "", "password": 1}},
            ["container_credentials.username", "container_credentials.password"],
        ),
        ({"container_credentials": "u:p"}, ["container_credentials"]),
        ({"workflow_defaults": {"input": {}}}, ["workflow_defaults.input"]),
        ({"workflow_defaults": {"inputs": {"default_timeout": "300"}}}, ["workflow_defaults.inputs.default_timeout"]),
        ({"timeout": 1}, ["timeout"]),
    ],
)
async def test_the_shape_of_the_body_is_checked(
    client: httpx.AsyncClient, workflow: str, body: dict[str, Any], fields: list[str]
) -> None:
    assert faults(await client.post(f"/dagger/workflows/{workflow}/execute", json=body)) == fields


async def test_a_step_says_what_it_waits_for(client: httpx.AsyncClient, owner: Owner, clock: HandClock) -> None:
    execution = await executed(client, await created(client, steps=THREE))
    await owner.claim(execution)
    await owner.start()
    await owner.step("a", status=StepStatus.PENDING, waiting=Waiting(WaitCode.IMAGE_PULL, "pulls i"))
    steps = (await shown(client, execution))["steps"]
    assert steps["a"]["waiting"] == {"code": "image_pull", "detail": "pulls i"}
    assert steps["b"]["waiting"] == {"code": "dependency", "detail": "waits for a"}
    assert steps["c"]["waiting"] == {"code": "dependency", "detail": "waits for a, b"}
    await owner.step("a", status=StepStatus.COMPLETED, attempt=1, exit_code=0, completed_at=clock.now())
    steps = (await shown(client, execution))["steps"]
    assert "waiting" not in steps["a"]
    assert "waiting" not in steps["b"]
    assert steps["c"]["waiting"] == {"code": "dependency", "detail": "waits for b"}


async def test_an_execution_says_what_it_waits_for(client: httpx.AsyncClient, execution: str, owner: Owner) -> None:
    expected = {"code": "agent_capacity", "detail": "its turn has not come: others came first"}
    assert (await shown(client, execution))["waiting"] == expected
    assert (await client.get("/dagger/executions")).json()["executions"][0]["waiting"] == expected
    await owner.claim(execution)
    await owner.start()
    assert "waiting" not in await shown(client, execution)


async def test_a_failed_execution_says_why_in_a_word_and_in_a_sentence(
    client: httpx.AsyncClient, owner: Owner, clock: HandClock
) -> None:
    execution = await executed(client, await created(client, steps=THREE))
    await owner.claim(execution)
    await owner.start()
    await owner.step(
        "a",
        status=StepStatus.FAILED,
        attempt=3,
        exit_code=137,
        reason=Reason.OOM_KILLED,
        error="killed: out of memory",
        outputs={"result": "cut"},
        outputs_truncated=True,
        started_at=clock.now(),
        completed_at=clock.now() + timedelta(seconds=1.5),
    )
    await owner.step("b", status=StepStatus.SKIPPED, reason=Reason.UPSTREAM_FAILED, completed_at=clock.now())
    await owner.finish(status=ExecutionStatus.FAILED, reason=Reason.STEP_FAILED, error="a failed")
    single = await shown(client, execution)
    assert (single["status"], single["reason"], single["error"]) == ("failed", "step_failed", "a failed")
    assert single["steps"]["a"] == {
        "id": "a",
        "name": "First",
        "status": "failed",
        "started_at": "2025-03-01T12:00:00Z",
        "completed_at": "2025-03-01T12:00:01.500000Z",
        "inputs": {},
        "outputs": {"result": "cut"},
        "attempt": 3,
        "exit_code": 137,
        "outputs_truncated": True,
        "reason": "oom_killed",
        "error": "killed: out of memory",
    }
    assert single["steps"]["b"]["reason"] == "upstream_failed"
    assert "waiting" not in single["steps"]["c"]
    (listed,) = (await client.get("/dagger/executions")).json()["executions"]
    for step in single["steps"].values():
        del step["inputs"], step["outputs"]
    del single["logs"]
    assert listed == single


async def test_a_secret_input_is_never_answered(client: httpx.AsyncClient, service: Service) -> None:
    workflow = await created(client, inputs={"key": {"sensitive": True, "type": "string"}, "open": {}})
    body = {
        "inputs": {"key": "hunter22", "open": "seen"},
        "container_registry": "registry.example",
        "container_credentials": {"username": "robot-name", "password": "hunter23"},
    }
    answer = await client.post(f"/dagger/workflows/{workflow}/execute", json=body)
    path = answer.headers["location"]
    assert (await client.get(path)).json()["inputs"] == {"key": "***", "open": "seen"}
    await client.delete(path)
    texts = [(await client.get(each)).text for each in (path, f"{path}/logs", f"{path}/events", "/dagger/executions")]
    stored = b"".join(file.read_bytes() for file in service.database.parent.glob(service.database.name + "*"))
    assert b"seen" in stored
    for secret in ("hunter22", "hunter23", "robot-name"):
        assert not any(secret in text for text in (answer.text, *texts))
        assert secret.encode() not in stored


@pytest.mark.parametrize("value", ["hunter22", ["hunter22"], {"hunter22": 1}, 22])
async def test_a_faulty_body_does_not_come_back_with_its_secrets(client: httpx.AsyncClient, value: Any) -> None:
    workflow = await created(client, inputs={"key": {"sensitive": True, "type": "boolean"}})
    body = {"inputs": {"key": value}, "container_credentials": {"username": "u", "password": {"x": "hunter23"}}}
    answer = await client.post(f"/dagger/workflows/{workflow}/execute", json=body)
    assert error(answer) == (400, "invalid_request")
    assert "hunter" not in answer.text
    del body["container_credentials"]
    answer = await client.post(f"/dagger/workflows/{workflow}/execute", json=body)
    assert faults(answer) == ["inputs.key"]
    assert "hunter" not in answer.text


async def test_what_waits_is_cancelled_at_once_and_only_once(client: httpx.AsyncClient, execution: str) -> None:
    path = f"/dagger/executions/{execution}"
    assert (await client.delete(path)).status_code == 204
    ended = await shown(client, execution)
    assert (ended["status"], ended["reason"]) == ("cancelled", "cancelled")
    assert ended["completed_at"] == "2025-03-01T12:00:00Z"
    again = await client.delete(path)
    assert error(again) == (400, "invalid_state")
    assert again.json()["message"] == "The execution has ended: it is cancelled"
    assert again.json()["details"] == {}
    assert await shown(client, execution) == ended


async def test_what_runs_is_asked_to_end_as_often_as_one_likes(
    client: httpx.AsyncClient, service: Service, execution: str, owner: Owner
) -> None:
    path = f"/dagger/executions/{execution}"
    await owner.claim(execution)
    await owner.start()
    for _ in range(2):
        with service.bus.listen(f"execution:{execution}") as listener:
            assert (await client.delete(path)).status_code == 204
            assert await listener.wait(service.services.streams.look)
        single = await shown(client, execution)
        assert (single["status"], single["waiting"]["code"]) == ("running", "cancelling")
        assert (await client.get("/dagger/executions")).json()["executions"][0]["waiting"] == single["waiting"]
    await owner.finish(status=ExecutionStatus.CANCELLED, reason=Reason.CANCELLED)
    single = await shown(client, execution)
    assert single["status"] == "cancelled"
    assert "waiting" not in single
    assert error(await client.delete(path)) == (400, "invalid_state")


@pytest.mark.parametrize("status", [ExecutionStatus.COMPLETED, ExecutionStatus.FAILED])
async def test_what_has_ended_stays_as_it_ended(
    client: httpx.AsyncClient, execution: str, owner: Owner, status: ExecutionStatus
) -> None:
    await owner.claim(execution)
    await owner.start()
    await owner.finish(status=status)
    answer = await client.delete(f"/dagger/executions/{execution}")
    assert error(answer) == (400, "invalid_state")
    assert answer.json()["message"] == f"The execution has ended: it is {status}"
    assert (await shown(client, execution))["status"] == status


async def test_the_log_of_an_execution_is_its_end(client: httpx.AsyncClient, execution: str, owner: Owner) -> None:
    await owner.claim(execution)
    await owner.start()
    for number in range(12):
        await owner.log("step1", *(f"{number:02} " + "x" * 1000 for _ in range(100)))
    await owner.log("step2", "last \0 \ud800 é")
    logs = (await shown(client, execution))["logs"]
    assert logs.endswith("x\n[step2] last \ufffd ? é\n")
    assert 1024 * 1024 - 1100 < len(logs.encode()) <= 1024 * 1024
    assert all(line.startswith(("[step1] ", "[step2] ")) for line in logs.splitlines() if line)

"""Agents, over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from aiop.model.agent import Ability, AgentHealth, EngineCheck
from api.documents import created
from api.errors import error, faults, messages
from api.owner import Owner
from api.world import HandClock, Service

KEY = "-----BEGIN PRIVATE KEY-----\nvery secret\n-----END PRIVATE KEY-----\n"
TLS = {"ca": "authority", "certificate": "who we are", "key": KEY}


async def registered(client: httpx.AsyncClient, name: str = "one", **fields: Any) -> dict[str, Any]:
    answer = await client.post("/dagger/agents", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/dagger/agents/{answer.json()['id']}"
    return answer.json()


async def test_a_name_is_enough(admin: httpx.AsyncClient) -> None:
    agent = await registered(admin)
    whole = (await admin.get(f"/dagger/agents/{agent['id']}")).json()
    assert whole == {
        **agent,
        "timeout_seconds": None,
        "engine": {"type": "docker", "endpoint": None, "version": "20.10", "lacks": [], "tls": False},
        "last_seen_at": "2025-03-01T12:00:00Z",
    }
    assert agent["capabilities"] == ["containerized_workflow", "dagger_pipeline"]
    assert (agent["status"], agent["max_load"]) == ("idle", 10)


async def test_an_engine_that_does_not_answer_makes_an_agent_that_is_offline(
    service: Service, admin: httpx.AsyncClient
) -> None:
    service.probe.error = "connection refused"
    agent = await registered(admin, engine={"type": "docker", "endpoint": "tcp://nowhere:2375"})
    assert (agent["status"], agent["error"]) == ("offline", "connection refused")
    whole = (await admin.get(f"/dagger/agents/{agent['id']}")).json()
    assert whole["last_seen_at"] is None
    assert whole["engine"]["endpoint"] == "tcp://nowhere:2375"


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": None}, ["name"]),
        ({"name": "x", "max_load": 3}, ["max_load"]),
        ({"name": "x", "max_concurrent_executions": 0}, ["max_concurrent_executions"]),
        ({"name": "x", "max_concurrent_executions": "3"}, ["max_concurrent_executions"]),
        ({"name": "x", "timeout_seconds": 0}, ["timeout_seconds"]),
        ({"name": "x", "capabilities": ["a b"]}, ["capabilities[0]"]),
        ({"name": "x", "capabilities": ["a", "a"]}, ["capabilities"]),
        ({"name": "x", "capabilities": None}, ["capabilities"]),
        ({"name": "x", "workflow_directory": "here"}, ["workflow_directory"]),
        ({"name": "x", "container_registry": "no registry"}, ["container_registry"]),
        ({"name": "x", "engine": {"type": "abacus"}}, ["engine.type"]),
        ({"name": "x", "engine": {"type": "docker", "endpoint": "docker:2375"}}, ["engine.endpoint"]),
        ({"name": "x", "engine": {"type": "docker", "tls": TLS}}, ["engine.tls"]),
        ({"name": "x", "engine": {"type": "docker", "pods": {}}}, ["engine.pods"]),
        ({"name": "x", "engine": {"type": "kubernetes", "endpoint": "tcp://cluster:6443"}}, ["engine.endpoint"]),
        ({"name": "x", "engine": {"type": "oci", "endpoint": "unix:///x"}}, ["engine.endpoint"]),
        ({"name": "x", "engine": {"type": "dagger", "endpoint": "tcp://d:1", "tls": TLS}}, ["engine.tls"]),
        ({"name": "x", "engine": {"type": "kubernetes", "kubeconfig": "no yaml: ["}}, ["engine.kubeconfig"]),
        (
            {"name": "x", "engine": {"type": "kubernetes", "pods": {"namespace": "No!", "x": 1}}},
            ["engine.pods.namespace", "engine.pods.x"],
        ),
        ({"engine": {"type": "docker", "port": 1}, "timeout_seconds": -1}, ["name", "engine.port", "timeout_seconds"]),
    ],
)
async def test_each_fault_is_named(admin: httpx.AsyncClient, body: dict[str, Any], at: list[str]) -> None:
    answer = await admin.post("/dagger/agents", json=body)
    assert sorted(faults(answer)) == sorted(at)
    assert "alue error" not in answer.text
    if body.get("name"):
        agent = await registered(admin)
        changed = await admin.patch(f"/dagger/agents/{agent['id']}", json=body)
        assert sorted(faults(changed)) == sorted(at)


async def test_certificates_go_in_and_never_come_out(service: Service, admin: httpx.AsyncClient) -> None:
    engine = {"type": "docker", "endpoint": "tcp://docker:2376", "tls": TLS}
    agent = await registered(admin, engine=engine)
    answer = await admin.get(f"/dagger/agents/{agent['id']}")
    assert answer.json()["engine"]["tls"] is True
    assert "secret" not in answer.text
    await service.store.aclose()
    stored = b"".join(file.read_bytes() for file in service.database.parent.iterdir() if file.is_file())
    assert b"very secret" not in stored


async def test_certificates_stay_while_the_engine_is_at_the_same_place(admin: httpx.AsyncClient) -> None:
    engine = {"type": "docker", "endpoint": "tcp://docker:2376"}
    path = f"/dagger/agents/{(await registered(admin, engine={**engine, 'tls': TLS}))['id']}"
    for change, kept in (
        (engine, True),
        ({**engine, "endpoint": "tcp://elsewhere:2376"}, False),
        ({**engine, "tls": TLS}, True),
        ({**engine, "tls": None}, False),
    ):
        answer = await admin.patch(path, json={"engine": change})
        assert answer.json()["engine"]["tls"] is kept


async def test_a_change_touches_what_is_sent(admin: httpx.AsyncClient, clock: HandClock) -> None:
    agent = await registered(admin, description="d", timeout_seconds=5, container_registry="r.example")
    path = f"/dagger/agents/{agent['id']}"
    before = (await admin.get(path)).json()
    assert (await admin.patch(path, json={})).json() == before
    clock.advance(minutes=1)
    changes = {"max_concurrent_executions": 3, "description": None, "capabilities": [], "timeout_seconds": 1.5}
    answer = await admin.patch(path, json=changes)
    assert answer.json() == {
        **before,
        "max_load": 3,
        "description": None,
        "capabilities": [],
        "timeout_seconds": 1.5,
        "updated_at": "2025-03-01T12:01:00Z",
    }
    assert (await admin.get(path)).json() == answer.json()


async def test_what_runs_on_an_agent_is_its_load(admin: httpx.AsyncClient, execution: str, owner: Owner) -> None:
    await owner.claim(execution)
    [agent] = (await admin.get("/dagger/agents?status=busy")).json()["agents"]
    assert (agent["name"], agent["current_load"]) == ("local", 1)
    path = f"/dagger/agents/{agent['id']}"

    refused = await admin.delete(path)
    assert error(refused) == (400, "invalid_state")
    assert "1 executions are on the agent" in refused.json()["message"]
    elsewhere = {"engine": {"type": "docker", "endpoint": "tcp://elsewhere:2375"}}
    assert error(await admin.patch(path, json=elsewhere)) == (400, "invalid_state")

    assert (await admin.delete(f"{path}?force=true")).status_code == 204
    assert (await admin.get(path)).status_code == 404
    assert faults(await admin.delete(f"{path}?force=maybe")) == ["force"]


async def test_what_no_agent_can_do_is_refused_at_once(client: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    steps = [{"id": "a", "container": {"image": "i"}, "requires": ["gpu"]}]
    workflow = await created(client, "needs a gpu", steps=steps, requires=["big"])
    path = f"/dagger/workflows/{workflow}/execute"

    answer = await client.post(path, json={"requires": ["near"]})
    assert messages(answer) == {
        "requires": "No agent has the capabilities big, containerized_workflow, gpu, near",
    }

    await registered(admin, capabilities=["containerized_workflow", "gpu", "big", "near", "more"])
    assert (await client.post(path, json={"requires": ["near"]})).status_code == 201


async def test_an_execution_that_waits_says_for_which_agents(
    client: httpx.AsyncClient, admin: httpx.AsyncClient, execution: str, service: Service, clock: HandClock
) -> None:
    [local] = (await admin.get("/dagger/agents")).json()["agents"]
    check = EngineCheck(AgentHealth.OFFLINE, clock.now() + timedelta(seconds=1), error="gone")
    await service.store.note_check([local["id"]], check)
    waits = {
        "code": "engine_unavailable",
        "detail": "no agent that could run it is online: local (gone)",
    }
    assert (await client.get(f"/dagger/executions/{execution}")).json()["waiting"] == waits
    assert (await client.get("/dagger/executions")).json()["executions"][0]["waiting"] == waits


async def test_an_agent_whose_engine_was_seen_without_limits_gets_no_step_that_asks_for_one(
    admin: httpx.AsyncClient, service: Service, clock: HandClock
) -> None:
    [local] = (await admin.get("/dagger/agents")).json()["agents"]
    check = EngineCheck(AgentHealth.ONLINE, clock.now(), "1", lacks=frozenset({Ability.MEMORY_LIMIT}))
    await service.store.note_check([local["id"]], check)
    assert (await admin.get(f"/dagger/agents/{local['id']}")).json()["engine"]["lacks"] == ["memory_limit"]
    container = {"image": "i", "resources": {"memory": "64Mi", "cpu": 1}}
    workflow = {"name": "x", "steps": [{"id": "a", "container": container}]}
    path = f"/dagger/workflows/{(await admin.post('/dagger/workflows', json=workflow)).json()['id']}/execute"
    assert faults(await admin.post(path, json={})) == ["steps[0].container.resources.memory"]
    assert (await admin.post(path, json={"ignore_unsupported": True})).status_code == 201


async def test_the_directories_of_agents_may_be_mounted(admin: httpx.AsyncClient, tmp_path: Any) -> None:
    directory = tmp_path / "flows"
    directory.mkdir()

    async def with_source(source: str) -> httpx.Response:
        container = {"image": "i", "volumes": [{"source": source, "target": "/x"}]}
        document = {"name": "x", "steps": [{"id": "a", "container": container}]}
        return await admin.post("/dagger/workflows/validate", json=document)

    outside = "/opt/aiop-elsewhere"
    assert faults(await with_source(outside)) == ["steps[0].container.volumes[0].source"]
    assert faults(await with_source("./data")) == ["steps[0].container.volumes[0].source"]
    await registered(admin, workflow_directory=outside)
    assert (await with_source(outside)).status_code == 200
    assert (await with_source("./data")).status_code == 200

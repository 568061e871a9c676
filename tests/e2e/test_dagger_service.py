"""A service whose own engine is a Dagger Engine."""

import asyncio
from uuid import uuid4

import pytest

from aiop.config import Settings
from aiop.orchestrator.files_sweep import FilesSweeper
from pipeline_lab import pipeline_lab
from scenarios.test_scenarios import PASSWORD, play, running_service
from service_process import ServiceProcess

pytestmark = pytest.mark.dagger


@pytest.fixture
async def http(tmp_path, dagger_lab):
    settings = Settings(
        data_dir=tmp_path / "data", engine="dagger", dagger_endpoint=dagger_lab.endpoint, admin_password=PASSWORD
    )
    async with running_service(settings) as client:
        yield client


def document(image, **container):
    return {"name": "x", "steps": [{"id": "a", "container": {"image": image, "script": "echo hello", **container}}]}


async def test_the_local_agent_runs_workflows_there(http, dagger_lab):
    async with asyncio.timeout(60):
        ended = await play(http, {"workflow": document(dagger_lab.image)})
    assert (ended["status"], ended["outputs"]) == ("completed", {"result": "hello"})
    [agent] = (await http.get("/dagger/agents")).json()["agents"]
    assert (await http.get(f"/dagger/agents/{agent['id']}")).json()["engine"]["type"] == "dagger"


async def test_what_it_cannot_give_is_refused_with_the_field_and_ignored_if_asked(http, dagger_lab):
    limited = document(dagger_lab.image, network="none", resources={"memory": "64Mi"})
    workflow = (await http.post("/dagger/workflows", json=limited)).json()["id"]
    refused = await http.post(f"/dagger/workflows/{workflow}/execute", json={})
    assert refused.status_code == 400
    assert {error["field"] for error in refused.json()["details"]["errors"]} == {
        "steps[0].container.network",
        "steps[0].container.resources.memory",
    }
    async with asyncio.timeout(60):
        ended = await play(http, {"workflow": limited, "execute": {"ignore_unsupported": True}})
    assert ended["status"] == "completed"


async def test_an_agent_without_an_engine_of_its_own_has_the_one_of_the_service(http):
    made = await http.post("/dagger/agents", json={"name": "another", "max_concurrent_executions": 1})
    assert made.status_code == 201, made.text
    assert (await http.get(f"/dagger/agents/{made.json()['id']}")).json()["engine"]["type"] == "dagger"


async def test_its_load_is_told_while_something_runs(tmp_path, dagger_lab):
    service = ServiceProcess(tmp_path / "data", engine="dagger", dagger_endpoint=dagger_lab.endpoint)
    await service.start()
    try:
        async with service.client() as client, asyncio.timeout(60):
            workflow = await client.workflows.create(document(dagger_lab.image, script="echo up; sleep 60"))
            execution = (await client.workflows.execute(workflow.id)).execution_id
            async for line in client.executions.follow_logs(execution):
                if line.text == "up":
                    break
            [engine] = (await client.monitoring.status()).engines
            assert (engine.type, engine.status, engine.sessions, engine.executions) == ("dagger", "busy", 1, 1)
            assert 'dagger_engine_executions{agent="local"} 1\n' in await client.monitoring.metrics()
            await client.executions.cancel(execution)
            await client.executions.wait(execution)
            [engine] = (await client.monitoring.status()).engines
            assert (engine.sessions, engine.executions) == (1, 0)
    finally:
        await service.stop()


async def test_what_only_the_engine_has_kept_is_taken_from_it_and_said_to_be_cached(tmp_path, dagger_lab):
    script = "cat /proc/sys/kernel/random/uuid; cat big.txt > copy.txt"
    steps = [
        {"id": "a", "container": {"image": dagger_lab.image, "script": script}},
        {"id": "b", "container": {"image": dagger_lab.image, "script": "cat copy.txt"}, "depends_on": ["a"]},
    ]
    engine = {"engine": "dagger", "dagger_endpoint": dagger_lab.endpoint}
    async with pipeline_lab(tmp_path, **engine) as lab, asyncio.timeout(100):
        lab.change({"big.txt": str(uuid4())})
        await lab.define({"steps": steps})
        first = await lab.run()
        assert "cached" not in first["steps"]["a"]
        artifacts, store = lab.service.files_sweeper._artifacts, lab.service.files_sweeper._store
        await FilesSweeper(artifacts, store, artifacts._clock, limit=0).sweep()
        again = await lab.run()
        assert {step["cached"] for step in again["steps"].values()} == {True}
        assert {cache["cache"] for cache in again["caches"].values()} == {"hit"}
        assert again["logs"] == first["logs"]
        new = await lab.run(skip_cache=True)
        assert "cached" not in new["steps"]["a"]
        assert new["logs"] != first["logs"]

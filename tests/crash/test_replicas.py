"""Replicas on one database and one Docker Engine: whatever dies, freezes or restarts, each step runs once."""

import asyncio
import random
import signal
import time
from collections import Counter
from functools import partial

import pytest

from aiop.client.errors import ClientError
from postgres_lab import connected
from service_process import ServiceProcess

pytestmark = [pytest.mark.docker, pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(420)]

EXECUTIONS = 50
STEPS = ("first", "left", "right")


@pytest.fixture
async def database(postgres):
    url = await postgres.new_database(tables=False)
    yield url
    await postgres.drop(url)


@pytest.fixture
async def replica(database, docker_lab, tmp_path):
    """Make a replica, started, on the engine that all share; it is killed after the test."""
    made = []

    async def make(name, **settings):
        settings = {"lease_seconds": "3", "local_agent": "false", "volume_roots": str(tmp_path)} | settings
        process = ServiceProcess(tmp_path / name, database_url=database, secret_key="k" * 40, **settings)
        made.append(process)
        await process.start()
        return process

    yield make
    for process in made:
        await process.kill()


async def an_agent(client, docker_lab, places=5):
    engine = {"type": "docker", "endpoint": docker_lab.endpoint}
    return await client.agents.create({"name": "shared", "engine": engine, "max_concurrent_executions": places})


def a_workflow(image, marks, *, pause=0.0):
    """Three steps, each of which leaves a mark where it ran."""
    script = f"echo $AIOP_EXECUTION_ID $AIOP_STEP_ID $AIOP_ATTEMPT >> /marks/ran; sleep {pause}; echo $AIOP_STEP_ID"
    container = {"image": image, "script": script, "network": "none"}
    container["volumes"] = [{"source": str(marks), "target": "/marks"}]
    needs = {"first": [], "left": ["first"], "right": ["first"]}
    return {
        "name": "marks",
        "steps": [{"id": step, "container": container, "depends_on": needs[step]} for step in STEPS],
    }


def marked(marks):
    file = marks / "ran"
    return Counter(file.read_text().splitlines()) if file.exists() else Counter()


async def all_ended(client, executions):
    """Wait until all have ended, whatever happens to the service meanwhile; returns their statuses."""
    while True:
        try:
            page = await client.executions.list(limit=100)
            found = {each.id: each.status for each in page.items if each.id in executions}
            if len(found) == len(executions) and not {"pending", "running"} & set(found.values()):
                return Counter(found.values())
        except ClientError:
            pass  # the replica, or its database, is away
        await asyncio.sleep(0.2)  # other processes: there is no event that outlives all of them


async def test_50_executions_survive_whatever_happens_to_two_replicas_and_their_database(
    replica, postgres, docker_lab, docker_image, marks, no_container_is_left
):
    rng = random.Random(8)
    one, two = await replica("one"), await replica("two")
    async with one.client() as client:
        await an_agent(client, docker_lab)
        workflow = await client.workflows.create(a_workflow(docker_image, marks, pause=1))
        submitted = [await client.workflows.execute(workflow.id) for _ in range(EXECUTIONS)]
    executions = {each.execution_id for each in submitted}

    async def kill_one():
        await one.kill()
        await asyncio.sleep(rng.uniform(0, 2))
        await one.start()

    async def freeze(process):
        process.freeze()
        await asyncio.sleep(5)  # longer than its leases
        process.thaw()

    async def restart_database(number):
        await asyncio.to_thread(postgres.stop, number)
        await asyncio.sleep(rng.uniform(0, 1))
        await asyncio.to_thread(postgres.start)

    troubles = (
        kill_one,
        partial(freeze, two),
        partial(restart_database, signal.SIGINT),
        partial(freeze, one),
        kill_one,
        partial(restart_database, signal.SIGQUIT),
        lambda: asyncio.gather(freeze(two), kill_one()),
    )
    for trouble in troubles:
        await asyncio.sleep(rng.uniform(0.5, 1.5))
        await trouble()
    async with one.client() as client, asyncio.timeout(180):
        statuses = await all_ended(client, executions)

    assert statuses == {"completed": EXECUTIONS}
    assert marked(marks) == {f"{execution} {step} 1": 1 for execution in executions for step in STEPS}
    await no_container_is_left(one, docker_lab.endpoint)


async def test_another_replica_takes_over_from_a_frozen_one_which_can_write_nothing_when_it_wakes(
    replica, database, docker_lab, docker_image, marks
):
    replicas = [await replica(name, lease_seconds="8") for name in ("one", "two")]
    async with replicas[0].client() as client:
        await an_agent(client, docker_lab)
        workflow = await client.workflows.create(a_workflow(docker_image, marks, pause=1))
        execution = (await client.workflows.execute(workflow.id)).execution_id
        async for event in client.executions.events(execution):
            if event.type == "StepStarted":
                break
    async with connected(database) as plain:
        owner = await plain.fetchval("SELECT owner FROM leases")
    [frozen] = [each for each in replicas if (each.data_dir / "installation").read_text().strip() == owner]
    [other] = [each for each in replicas if each is not frozen]
    frozen.freeze()
    began = time.monotonic()
    async with other.client() as client, asyncio.timeout(60):
        async for event in client.executions.events(execution):
            if event.type == "StepStarted" and event.data["step"] != "first":
                took = time.monotonic() - began
                break
        ended = await client.executions.wait(execution)
    frozen.thaw()
    async with frozen.client() as client, asyncio.timeout(60):
        assert (await client.executions.get(execution)).status == "completed"
        again = (await client.workflows.execute(workflow.id)).execution_id
        assert (await client.executions.wait(again)).status == "completed"
        events = [event async for event in client.executions.events(execution)]

    assert ended.status == "completed"
    assert took < 15
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert marked(marks) == {f"{each} {step} 1": 1 for each in (execution, again) for step in STEPS}
    assert "lease_lost" in frozen.log.read_text() or "execution_lost" in frozen.log.read_text()

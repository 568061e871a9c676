"""The embedded engine: the service, the waiters and who reads in its place are killed at any moment."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from fan_out import fan_out, ran_once_with_all_its_lines
from oci_lab import forget, left_by

pytestmark = [pytest.mark.oci, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def service(oci_lab, service_with, tmp_path):
    """The service, not started yet, on the embedded engine."""
    oci_lab.equip(tmp_path / "data")
    yield service_with(engine="oci")
    forget(tmp_path / "data")


async def nothing_is_left(service):
    """Wait until all of the containers is gone from the machine; removal is in the background, in another process."""
    async with asyncio.timeout(20):
        while left_by(service.data_dir / "containers"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # another process: there is no event to await


def waiters_of(service):
    """The process that waits for each container."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[0] == b"/bin/sh" and f"{service.data_dir}/containers/state".encode() in words:
            found[words[3].decode()] = int(path.parent.name)
    return found


def sleeper_of(service):
    """The process that is told of the service's end."""
    root = f"{service.data_dir}/containers".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"aiop.engines.oci.drain" in words and root in words:
            return int(path.parent.name)
    return None


async def submitted(service, marks, image, script, **more):
    """Execute one step, and return once its container runs."""
    volume = {"source": str(marks), "target": "/marks"}
    container = {"image": image, "script": script, "volumes": [volume], "network": "none"}
    async with service.client() as client:
        steps = [{"id": "a", "container": container, **more}]
        workflow = await client.workflows.create({"name": "one", "steps": steps})
        execution = (await client.workflows.execute(workflow.id)).execution_id
        async for event in client.executions.events(execution):
            if event.type == "StepStarted":
                break
    return execution


async def appears(path):
    """Return once another process has made the file."""
    async with asyncio.timeout(30):
        while not path.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # another process: there is no event to await


@pytest.mark.parametrize("seed", [1, 2])
async def test_each_step_runs_exactly_once_and_each_line_is_kept_exactly_once(service, oci_lab, marks, seed):
    rng = random.Random(seed)
    document = fan_out(marks, oci_lab.image)
    await service.start()
    async with service.client() as client:
        workflow = await client.workflows.create(document)
        execution = (await client.workflows.execute(workflow.id)).execution_id
    for _ in range(6):
        await asyncio.sleep(rng.uniform(0.05, 0.8))
        await service.kill()
        if rng.random() < 0.5:  # containers end while nobody looks
            await asyncio.sleep(rng.uniform(0, 1))
        await service.start()
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=180)
        assert ended.status == "completed", ended
        steps = [step["id"] for step in document["steps"]]
        await ran_once_with_all_its_lines(client, execution, marks, steps)
        assert ended.steps["last"].inputs == {f"part{n}": f"part{n}" for n in range(30)}
    await nothing_is_left(service)


async def test_a_step_that_writes_much_goes_on_while_no_service_is_there(service, oci_lab, marks):
    await service.start()
    script = "until [ -e /marks/go ]; do sleep 0.02; done; seq 1 50000; touch /marks/done; exit 3"
    execution = await submitted(service, marks, oci_lab.image, script)
    await service.kill()
    (marks / "go").touch()
    await appears(marks / "done")
    await service.start()
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=60)
        assert (ended.status, ended.steps["a"].exit_code) == ("failed", 3)
        lines = (await client.executions.logs(execution, step="a", stream="stdout")).splitlines()
    assert (lines == [str(number) for number in range(1, 50001)]) is True  # else pytest compares for minutes
    await nothing_is_left(service)


async def test_nothing_is_lost_if_who_reads_in_the_place_of_the_service_is_killed_too(service, oci_lab, marks):
    await service.start()
    script = "until [ -e /marks/go ]; do sleep 0.02; done; echo begun; touch /marks/begun; seq 1 50000; exit 3"
    execution = await submitted(service, marks, oci_lab.image, script)
    os.kill(sleeper_of(service), signal.SIGKILL)
    await service.kill()
    (marks / "go").touch()
    await appears(marks / "begun")
    await service.start()
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=60)
        assert (ended.status, ended.steps["a"].exit_code) == ("failed", 3)
        lines = (await client.executions.logs(execution, step="a", stream="stdout")).splitlines()
    assert (lines == ["begun", *map(str, range(1, 50001))]) is True
    await nothing_is_left(service)


async def test_a_container_whose_waiter_is_killed_is_ended_and_the_step_runs_again(service, oci_lab, marks):
    await service.start()
    script = "echo $AIOP_ATTEMPT >> /marks/ran; until [ -e /marks/go ]; do sleep 0.02; done"
    execution = await submitted(service, marks, oci_lab.image, script)
    (waiter,) = waiters_of(service).values()
    await appears(marks / "ran")
    os.kill(waiter, signal.SIGKILL)
    async with asyncio.timeout(30):
        while (marks / "ran").read_text().split() != ["1", "2"]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # another process: there is no event to await
    assert len(waiters_of(service)) == 1
    (marks / "go").touch()
    async with service.client() as client:
        assert (await client.executions.wait(execution, timeout=60)).status == "completed"
    await nothing_is_left(service)


async def test_a_waiter_that_is_killed_while_no_service_is_there_is_found_out(service, oci_lab, marks):
    await service.start()
    script = "echo $AIOP_ATTEMPT >> /marks/ran; until [ -e /marks/go ]; do sleep 0.02; done"
    execution = await submitted(service, marks, oci_lab.image, script)
    await appears(marks / "ran")
    (waiter,) = waiters_of(service).values()
    await service.kill()
    os.kill(waiter, signal.SIGKILL)
    (marks / "go").touch()
    await service.start()
    async with service.client() as client:
        assert (await client.executions.wait(execution, timeout=60)).status == "completed"
    assert (marks / "ran").read_text().split() == ["1", "2"]
    await nothing_is_left(service)


async def test_a_timeout_holds_over_a_restart(service, oci_lab, marks):
    await service.start()
    execution = await submitted(service, marks, oci_lab.image, "sleep 300", timeout_seconds=3, grace_seconds=1)
    await service.kill()
    await service.start()
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=60)
    assert (ended.status, ended.steps["a"].reason) == ("failed", "timeout")
    await nothing_is_left(service)


async def test_a_stop_of_the_service_leaves_steps_running_and_the_next_one_goes_on(service, oci_lab, marks):
    await service.start()
    script = "until [ -e /marks/go ]; do sleep 0.02; done; touch /marks/done; echo finished"
    execution = await submitted(service, marks, oci_lab.image, script)
    assert await service.stop() == 0
    (marks / "go").touch()
    await appears(marks / "done")
    await service.start()
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=60)
    assert ended.steps["a"].outputs["result"] == "finished"
    await nothing_is_left(service)

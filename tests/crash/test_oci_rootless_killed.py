"""The service of an ordinary user is killed: the next one joins its namespace, and has its containers in hand."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from docker_lab import busybox_root
from fan_out import fan_out, ran_once_with_all_its_lines
from rootless_lab import FIRST, NUMBER

pytestmark = [pytest.mark.oci, pytest.mark.slow, pytest.mark.timeout(240)]

IMAGE = "aiop-test-busybox:1"


@pytest.fixture
def marks(rootless_lab, tmp_path):
    """A directory of the user's that steps write to."""
    place = rootless_lab.home / tmp_path.name / "marks"
    place.mkdir(parents=True)
    for directory in (place.parent, place):
        os.chown(directory, NUMBER, NUMBER)
    return place


@pytest.fixture
async def service(rootless_lab, service_process, marks, tmp_path):
    """The user's service, with an image."""
    archive = tmp_path / "busybox.tar"
    archive.write_bytes(busybox_root())
    made = service_process(
        marks.parent / "data",
        wrap=rootless_lab.command,
        engine="oci",
        volume_roots=str(marks.parent),
    )
    await made.start()
    async with made.client() as client:
        await client.images.import_archive(archive, IMAGE, root=True)
    yield made
    await made.kill()
    ended = end_of_user()
    assert not ended, ended


def processes():
    """What runs as the user, or as who the user is in a container."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            owner = path.stat().st_uid
            words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words and (owner == NUMBER or FIRST <= owner < FIRST + 65_536):
            found[int(path.name)] = words
    return found


def end_of_user():
    """End whatever still runs; returns what that was."""
    left = processes()
    for number in left:
        os.kill(number, signal.SIGKILL)
    return left


async def nothing_runs():
    """Wait until no process of the user is there."""
    async with asyncio.timeout(20):
        while processes():  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # other processes: there is no event to await


async def submitted(client, container, **more):
    """Execute one step, and return once its container runs."""
    steps = [{"id": "a", "container": {"image": IMAGE, **container}, **more}]
    workflow = await client.workflows.create({"name": "one", "steps": steps})
    execution = (await client.workflows.execute(workflow.id)).execution_id
    async for event in client.executions.events(execution):
        if event.type == "StepStarted":
            break
    return execution


async def test_each_step_runs_exactly_once_and_what_it_writes_is_the_users(service, marks):
    document = fan_out(marks, IMAGE, width=8)
    async with service.client() as client:
        workflow = await client.workflows.create(document)
        execution = (await client.workflows.execute(workflow.id)).execution_id
    for _ in range(2):
        await asyncio.sleep(0.4)
        await service.kill()
        await service.start()
    async with service.client() as client:
        assert (await client.executions.wait(execution, timeout=120)).status == "completed"
        await ran_once_with_all_its_lines(client, execution, marks, [step["id"] for step in document["steps"]])
    assert {path.stat().st_uid for path in marks.iterdir()} == {NUMBER}
    assert await service.stop() == 0
    await nothing_runs()


@pytest.mark.parametrize("also", ["the service alone", "what keeps its namespace too"])
async def test_a_container_of_another_user_is_stopped_by_the_service_that_comes_after(service, also):
    async with service.client() as client:
        script = "trap '' TERM; id -u; while true; do sleep 0.1; done"
        execution = await submitted(client, {"script": script, "user": "4711", "network": "none"}, grace_seconds=0.2)
    await service.kill()
    if also != "the service alone":
        [keeper] = [number for number, words in processes().items() if words.startswith("aiop-namespace")]
        os.kill(keeper, signal.SIGKILL)
    await service.start()
    async with service.client() as client:
        await client.executions.cancel(execution)
        ended = await client.executions.wait(execution, timeout=60)
        assert (ended.status, ended.steps["a"].exit_code) == ("cancelled", 137)
        assert (await client.executions.logs(execution, step="a")).split() == ["4711"]
    assert await service.stop() == 0
    await nothing_runs()


async def test_a_container_keeps_its_network_while_no_service_is_there(service, marks):
    script = "until [ -e /marks/go ]; do sleep 0.05; done; ip route | grep -c default; exit 3"
    volume = {"source": str(marks), "target": "/marks"}
    async with service.client() as client:
        execution = await submitted(client, {"script": script, "volumes": [volume]})
        [local] = (await client.agents.list()).items
        lacks = set((await client.agents.get(local.id)).engine.lacks)
        assert lacks - {"cpu_limit", "memory_limit"} == {"gpus"}  # those are the machine's affair
    assert await service.stop() == 0
    (marks / "go").touch()
    await service.start()
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=60)
        assert (ended.status, ended.steps["a"].exit_code) == ("failed", 3)
        assert (await client.executions.logs(execution, step="a")).split() == ["1"]
    assert await service.stop() == 0
    await nothing_runs()


def test_what_is_left_can_be_deleted_by_its_user(rootless_lab):
    aiop = [sys.executable, "-c", "from aiop.cli.main import main; main()", "unshare"]
    place = rootless_lab.home / "left"
    made = rootless_lab.run(
        *aiop, "sh", "-c", f"mkdir -p {place}/of/more && chown 4711 {place}/of && chmod 700 {place}/of"
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert (place / "of").stat().st_uid == FIRST + 4710
    assert rootless_lab.run("rm", "-r", str(place)).returncode != 0
    assert rootless_lab.run(*aiop, "rm", "-r", str(place)).returncode == 0
    assert not place.exists()

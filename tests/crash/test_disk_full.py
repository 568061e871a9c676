"""A disk is full in mid-run, that of the service or Docker's: all waits, says why, and is done when there is space."""

import asyncio

import httpx
import pytest

from aiop.client import Retry, Unavailable
from docker_lab import IMAGE
from small_disk import SmallDisk

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]

LINES = 12
MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path):
    made = []

    def make(path, size):
        made.append(SmallDisk(path, size))
        return made[-1]

    yield make
    for disk in made:
        disk.close()


@pytest.fixture
def small_service(small_disk, service_on, docker_lab, tmp_path):
    """A service whose data directory is on a small disk, and the disk."""
    disk = small_disk(tmp_path / "small", 24 * MIB)
    service = service_on(docker_lab.endpoint, data_dir=disk.path / "data")
    service.log = tmp_path / "service.log"
    return service, disk


def workflow(marks, image, width=6):
    """Parts that write lines and leave a mark beside the full disk, and one that is given what they printed last."""
    work = "\n".join(
        [
            f"for n in $(seq 1 {LINES}); do echo $AIOP_STEP_ID $n; sleep 0.05; done",
            "echo $AIOP_STEP_ID:$AIOP_ATTEMPT >> /marks/ran",
        ]
    )
    parts = [f"part{n}" for n in range(width)]
    return {
        "name": "full",
        "container_config": {
            "image": image,
            "network": "none",
            "volumes": [{"source": str(marks), "target": "/marks"}],
        },
        "steps": [
            {"id": "first", "container": {"script": work}},
            *({"id": part, "container": {"script": work}, "depends_on": ["first"]} for part in parts),
            {
                "id": "last",
                "container": {"script": work},
                "depends_on": parts,
                "inputs": {part: f"${{steps.{part}.outputs.result}}" for part in parts},
            },
        ],
    }


async def until_ran(marks, steps):
    """Wait for the marks of these steps."""
    ran = marks / "ran"
    async with asyncio.timeout(60):
        while True:
            if ran.exists() and {line.partition(":")[0] for line in ran.read_text().split()} >= steps:
                return
            await asyncio.sleep(0.05)  # another process: there is no event to await


async def answer_of(service, path):
    async with httpx.AsyncClient(base_url=service.url) as http:
        return await http.get(path)


async def until_ready(service, *, ready):
    """Wait until ``/readyz`` says so, and return its answer."""
    async with asyncio.timeout(30):
        while True:
            answer = await answer_of(service, "/readyz")
            if (answer.status_code == 200) is ready:
                return answer
            await asyncio.sleep(0.05)  # another process: there is no event to await


async def until_refused(client, workflow, disk):
    """Execute until it is refused, which it is once all that was allocated before is used up.

    Returns the refusal, and the executions that were acknowledged.
    """
    acknowledged = []
    for _ in range(1000):
        disk.fill()
        try:
            acknowledged.append((await client.workflows.execute(workflow)).execution_id)
        except Unavailable as refusal:
            return refusal, acknowledged
    raise AssertionError("it was never refused")


async def first(client, execution, kind):
    """Wait for the first event of a kind."""
    async for event in client.executions.events(execution):
        if event.type == kind:
            return event
    raise AssertionError(f"no {kind} came")


@pytest.mark.parametrize("fate", ["lives", "is killed"])
async def test_with_its_disk_full_the_service_says_so_and_loses_nothing(
    small_service, docker_lab, docker_image, marks, no_container_is_left, fate
):
    service, disk = small_service
    await service.start()
    document = workflow(marks, docker_image)
    steps = {step["id"] for step in document["steps"]}
    async with service.client(retry=Retry(attempts=1)) as client:
        step = {"id": "a", "container": {"image": docker_image, "command": ["true"], "network": "none"}}
        other = await client.workflows.create({"name": "other", "steps": [step]})
        execution = (await client.workflows.execute((await client.workflows.create(document)).id)).execution_id
        await first(client, execution, "StepFinished")
        refusal, acknowledged = await until_refused(client, other.id, disk)
        assert refusal.code == "storage_unavailable"
        assert "disk" in refusal.message
        not_ready = await until_ready(service, ready=False)
        assert not_ready.status_code == 503
        assert "disk" in not_ready.json()["message"]
        assert (await answer_of(service, "/healthz")).status_code == 200
        await until_ran(marks, steps - {"last"})
        assert (await client.executions.get(execution)).status == "running"
    if fate == "is killed":
        await service.kill()
    disk.free()
    if fate == "is killed":
        await service.start()
    await until_ready(service, ready=True)
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=120)
        assert ended.status == "completed", ended
        assert sorted((marks / "ran").read_text().split()) == sorted(f"{step}:1" for step in steps)
        for each in acknowledged:
            assert (await client.executions.wait(each, timeout=60)).status == "completed"
        assert (await client.executions.list(limit=1)).total == len(acknowledged) + 1
        assert ended.steps["last"].inputs == {
            part: "\n".join(f"{part} {n}" for n in range(1, LINES + 1)) for part in steps - {"first", "last"}
        }
        for step in steps:
            text = await client.executions.logs(execution, step=step, stream="stdout")
            assert text.splitlines() == [f"{step} {n}" for n in range(1, LINES + 1)]
        events = [event async for event in client.executions.events(execution)]
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert sorted(event.data["step"] for event in events if event.type == "StepFinished") == sorted(steps)
    await no_container_is_left(service, docker_lab.endpoint)


async def test_with_dockers_disk_full_steps_wait_say_why_and_spend_no_retry(
    dockerd, service_on, marks, no_container_is_left
):
    daemon = dockerd(data_size=64 * MIB)
    disk = daemon.disk
    service = service_on(daemon.endpoint)
    await service.start()
    async with service.client() as client:
        flow = await client.workflows.create(workflow(marks, IMAGE, width=2))
        under_way = (await client.workflows.execute(flow.id)).execution_id
        await first(client, under_way, "StepStarted")
        disk.fill()
        waited = await first(client, under_way, "StepWaited")
        assert "the disk of the Docker Engine is full" in waited.data["detail"]
        assert waited.data["code"] == "engine_unavailable"
        assert (await client.executions.get(under_way)).status == "running"
        disk.free()
        ended = await client.executions.wait(under_way, timeout=120)
        assert ended.status == "completed", ended
        events = [event.type async for event in client.executions.events(under_way)]
        assert "StepRetried" not in events
        for step in ended.steps:
            text = await client.executions.logs(under_way, step=step, stream="stdout")
            assert text.splitlines() == [f"{step} {n}" for n in range(1, LINES + 1)]
    assert sorted((marks / "ran").read_text().split()) == sorted(f"{step}:1" for step in ended.steps)
    await no_container_is_left(service, daemon.endpoint)

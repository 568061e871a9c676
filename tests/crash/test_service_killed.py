"""``kill -9`` of the service at any moment: every step runs exactly once, every line is kept exactly once."""

import asyncio
import random

import pytest

from fan_out import fan_out, ran_once_with_all_its_lines

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("seed", [1, 2])
async def test_each_step_runs_exactly_once_and_each_line_is_kept_exactly_once(
    service, docker_lab, docker_image, marks, no_container_is_left, seed
):
    rng = random.Random(seed)
    await service.start()
    async with service.client() as client:
        workflow = await client.workflows.create(fan_out(marks, docker_image))
        execution = (await client.workflows.execute(workflow.id)).execution_id
    for _ in range(7):
        await asyncio.sleep(rng.uniform(0.05, 1.5))
        await service.kill()
        if rng.random() < 0.5:  # containers end while nobody looks
            await asyncio.sleep(rng.uniform(0, 1))
        await service.start()
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=180)
        assert ended.status == "completed", ended
        steps = [step["id"] for step in fan_out(marks, docker_image)["steps"]]
        await ran_once_with_all_its_lines(client, execution, marks, steps)
        last = ended.steps["last"]
        assert last.inputs == {f"part{n}": f"part{n}" for n in range(30)}
        events = [event async for event in client.executions.events(execution)]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    finished = [event.data["step"] for event in events if event.type == "StepFinished"]
    assert sorted(finished) == sorted(steps)
    await no_container_is_left(service, docker_lab.endpoint)


async def test_an_execution_that_was_acknowledged_is_never_lost(service, docker_image, marks):
    await service.start()
    async with service.client() as client:
        workflow = await client.workflows.create(
            {"name": "short", "steps": [{"id": "a", "container": {"image": docker_image, "command": ["true"]}}]}
        )
        submissions = await asyncio.gather(*(client.workflows.execute(workflow.id) for _ in range(5)))
    await service.kill()
    await service.start()
    async with service.client() as client:
        for submission in submissions:
            assert (await client.executions.wait(submission.execution_id, timeout=120)).status == "completed"


async def test_a_timeout_holds_over_a_restart(service, docker_image):
    await service.start()
    document = {
        "name": "slow",
        "steps": [
            {
                "id": "a",
                "container": {"image": docker_image, "command": ["sleep", "300"]},
                "timeout_seconds": 3,
                "grace_seconds": 1,
            }
        ],
    }
    async with service.client() as client:
        execution = (await client.workflows.execute((await client.workflows.create(document)).id)).execution_id
        async for event in client.executions.events(execution):
            if event.type == "StepStarted":
                break
    await service.kill()
    await service.start()
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=60)
    assert ended.status == "failed"
    assert ended.steps["a"].reason == "timeout"


async def test_a_stop_of_the_service_leaves_steps_running_and_the_next_one_goes_on(service, docker_image, marks):
    await service.start()
    script = "sleep 3; echo done >> /marks/ran; echo finished"
    volume = {"source": str(marks), "target": "/marks"}
    step = {"id": "a", "container": {"image": docker_image, "script": script, "volumes": [volume]}}
    async with service.client() as client:
        workflow = await client.workflows.create({"name": "calm", "steps": [step]})
        execution = (await client.workflows.execute(workflow.id)).execution_id
        async for event in client.executions.events(execution):
            if event.type == "StepStarted":
                break
    assert await service.stop() == 0
    await service.start()
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=60)
    assert ended.status == "completed"
    assert ended.steps["a"].outputs["result"] == "finished"
    assert (marks / "ran").read_text() == "done\n"

"""``kill -9`` of the service in the middle of a pipeline: no step runs twice, no change of the workspace is lost, and
what is in the cache afterwards is whole.
"""

import asyncio
import random

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]


def pipeline(image, marks, width=6):
    volume = {"source": str(marks), "target": "/marks"}
    mark = 'echo "$AIOP_STEP_ID:$AIOP_ATTEMPT" >> /marks/ran'
    work = "mkdir parts; sleep 0.{n}5; cat a.txt > parts/{n}; sleep 1; echo {n} >> parts/{n}"
    steps = [
        {
            "id": f"part{n}",
            "container": {
                "volumes": [volume],
                "script": f"{mark}; {work.format(n=n)}",
            },
        }
        for n in range(width)
    ]
    steps += [
        {"id": "cached", "container": {"script": "cat a.txt; sleep 1; echo made > made.txt"}},
        {
            "id": "joined",
            "depends_on": [*(step["id"] for step in steps), "cached"],
            "container": {
                "volumes": [volume],
                "script": f"{mark}; sleep 1; cat parts/* made.txt > all.txt; cat all.txt",
            },
        },
    ]
    return {
        "name": "p",
        "container_config": {"image": image, "network": "none"},
        "steps": steps,
        "outputs": [{"name": "all", "path": "all.txt", "step": "joined"}],
    }


@pytest.mark.parametrize("seed", [1, 2])
async def test_each_step_runs_once_and_every_change_is_there(
    service, docker_lab, docker_image, marks, tmp_path, no_container_is_left, seed
):
    rng = random.Random(seed)
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("source\n")
    await service.start()
    async with service.client() as client:
        document = {"name": "p", "source_directory": str(source), "pipeline_definition": pipeline(docker_image, marks)}
        made = await client.pipelines.create(document)
        execution = (await client.pipelines.execute(made.id)).execution_id
    (source / "a.txt").write_text("changed meanwhile\n")
    for _ in range(5):
        await asyncio.sleep(rng.uniform(0.05, 1.2))
        await service.kill()
        if rng.random() < 0.5:  # containers end while nobody looks
            await asyncio.sleep(rng.uniform(0, 1))
        await service.start()
    expected = "".join(f"source\n{n}\n" for n in range(6)) + "made\n"
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=180)
        assert ended.status == "completed", ended
        assert sorted((marks / "ran").read_text().split()) == sorted([*(f"part{n}:1" for n in range(6)), "joined:1"])
        assert ended.steps["joined"].outputs["result"] == expected.strip()
        pieces = [piece async for piece in client.executions.read_output(execution, "all")]
        assert b"".join(pieces).decode() == expected

        (source / "a.txt").write_text("source\n")
        again = await client.executions.wait((await client.pipelines.execute(made.id)).execution_id, timeout=180)
        assert again.steps["cached"].cached, await client.executions.step_cache(again.id, "cached")
        assert again.steps["joined"].outputs["result"] == expected.strip()
        log = await client.executions.logs(again.id, step="cached")
        assert log.splitlines() == ["source"]
    await no_container_is_left(service, docker_lab.endpoint)

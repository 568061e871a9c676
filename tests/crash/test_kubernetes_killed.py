"""``kill -9`` of the service: its pods run on, and are taken up by the next one, each step once."""

from collections import Counter

import pytest

from service_process import ServiceProcess

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow, pytest.mark.timeout(300)]

ROUNDS = 3


@pytest.fixture
async def service(tmp_path):
    made = ServiceProcess(tmp_path / "data", engine="fake", local_agent="false")
    yield made
    await made.stop()


def document(image):
    """Two steps that end at once, two that take a while and leave outputs, small and large, and one after all."""
    quick = [{"id": f"quick{n}", "container": {"script": f"echo quick{n} $AIOP_ATTEMPT"}} for n in range(2)]
    large = "head -c 100000 /dev/zero | tr '\\0' x >/tmp/large"
    slow = [
        {
            "id": f"slow{n}",
            "depends_on": [f"quick{n}"],
            "container": {
                "script": f"echo slow{n} up; sleep 6; echo done; echo again >&2; echo n={n} >>$AIOP_OUTPUT; {large}"
            },
            "outputs": {"n": {}, "large": {"path": "/tmp/large"}},
        }
        for n in range(2)
    ]
    script = "echo last ${steps.slow0.outputs.n} ${steps.slow1.outputs.n}"
    last = {"id": "last", "depends_on": ["slow0", "slow1"], "container": {"script": script}}
    return {"name": "killed", "container_config": {"image": image}, "steps": [*quick, *slow, last]}


async def test_what_runs_is_taken_up_by_the_next_service(service, kubernetes_lab):
    await service.start()
    async with service.client() as client:
        await client.agents.create({"name": "cluster", "engine": kubernetes_lab.engine})
        workflow = await client.workflows.create(document(kubernetes_lab.image))
        execution = (await client.workflows.execute(workflow.id)).execution_id
        left = {"slow0 up", "slow1 up"}
        async for line in client.executions.follow_logs(execution):
            left.discard(line.text)
            if not left:
                break
    for _ in range(ROUNDS):
        await service.kill()
        await service.start()
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=180)
        assert ended.status == "completed", ended
        said = Counter((await client.executions.logs(execution)).splitlines())
    assert said == Counter(
        {
            "[quick0] quick0 1": 1,
            "[quick1] quick1 1": 1,
            "[slow0] slow0 up": 1,
            "[slow1] slow1 up": 1,
            "[slow0] done": 1,
            "[slow1] done": 1,
            "[slow0] again": 1,
            "[slow1] again": 1,
            "[last] last 0 1": 1,
        }
    )
    assert len(ended.steps["slow1"].outputs["large"]) == 100_000

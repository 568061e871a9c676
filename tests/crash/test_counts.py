"""``kill -9`` in mid-run, again and again: the metrics say what the database says."""

import asyncio
import random
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aiop.client import ServiceUnreachable
from service_process import ServiceProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

EXECUTIONS = 12
STEPS = 40


def workflow():
    """Many short steps, some of which fail at first or for good, and a long one."""

    def step(n):
        script = ("true", "sleep 0.05", "exit 3", 'test "$AIOP_ATTEMPT" -ge 2')[n % 4]
        return {
            "id": f"s{n}",
            "container": {"image": "fake", "script": script},
            "continue_on_error": True,
            "retries": 1,
            **({"depends_on": [f"s{n - 7}"]} if n >= 7 else {}),
        }

    return {"name": "counted", "steps": [step(n) for n in range(STEPS)]}


async def samples(client):
    text = await client.monitoring.metrics()
    return {
        (sample.name.removeprefix("dagger_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def stored(client):
    """Count what ended by what the API says of each execution."""
    executions, steps = Counter(), Counter()
    async for each in client.executions.iter():
        if each.status.ended:
            executions[each.status] += 1
        steps.update(step.status for step in each.steps.values() if step.status.ended)
    return executions, steps


@pytest.mark.parametrize("seed", [1, 2])
async def test_after_each_crash_the_counts_are_those_of_the_database(tmp_path, seed):
    rng = random.Random(seed)
    service = ServiceProcess(tmp_path / "data", engine="fake")
    try:
        await service.start()
        async with service.client() as client:
            made = await client.workflows.create(workflow())
            ids = [(await client.workflows.execute(made.id)).execution_id for _ in range(EXECUTIONS)]
        before = {}
        for _ in range(4):
            await asyncio.sleep(rng.uniform(0.02, 0.3))
            await service.kill()
            await service.start()
            async with service.client() as client:
                now = await samples(client)
            totals = {key: value for key, value in now.items() if key[0].endswith(("_total", "_bucket", "_count"))}
            kept = {key: value for key, value in totals.items() if not key[0].startswith("http")}
            assert all(kept[key] >= value for key, value in before.items()), "a counter went down"
            before = kept
        async with service.client() as client:
            for execution in ids:
                await client.executions.wait(execution, timeout=60)
            executions, steps = await stored(client)
            found = await samples(client)
    except ServiceUnreachable as error:
        raise AssertionError(service.log.read_text()[-3000:]) from error
    finally:
        await service.kill()
    assert sum(executions.values()) == EXECUTIONS
    for status in ("completed", "failed", "cancelled"):
        assert found["workflow_executions_total", made.id, status] == executions[status]
        assert found["workflow_execution_duration_seconds_count", status] == executions[status]
    assert sum(steps.values()) == EXECUTIONS * STEPS
    for status in ("completed", "failed", "cancelled", "skipped"):
        assert found["step_executions_total", status] == steps[status]
    assert found["concurrent_workflows",] == found["concurrent_steps",] == found["queue_length",] == 0
    # A fourth of the steps fails twice; another fourth once, or not at all if a crash has cost its first attempt.
    assert EXECUTIONS * STEPS / 2 <= found["errors_total", "exit_code"] <= EXECUTIONS * STEPS * 3 / 4

"""``kill -9`` of the service, of its session and of the Dagger Engine: what ran is run again, what had ended is not."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from service_process import ServiceProcess

pytestmark = [pytest.mark.dagger, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
async def service(tmp_path):
    made = ServiceProcess(tmp_path / "data", engine="fake", local_agent="false")
    yield made
    await made.stop()


def document(image):
    """Two steps that end at once, two that take a while, and one after all of them."""
    quick = [{"id": f"quick{n}", "container": {"script": f"echo quick{n} $AIOP_ATTEMPT"}} for n in range(2)]
    slow = [
        {"id": f"slow{n}", "depends_on": [f"quick{n}"], "container": {"script": f"echo slow{n} up; sleep 4; echo done"}}
        for n in range(2)
    ]
    last = {"id": "last", "depends_on": ["slow0", "slow1"], "container": {"script": "echo last"}}
    return {"name": "killed", "container_config": {"image": image}, "steps": [*quick, *slow, last]}


async def started(service, lab):
    await service.start()
    async with service.client() as client:
        engine = {"type": "dagger", "endpoint": lab.endpoint}
        await client.agents.create({"name": "dagger", "engine": engine})
        workflow = await client.workflows.create(document(lab.image))
        execution = (await client.workflows.execute(workflow.id)).execution_id
        await says(client, execution, "slow0 up", "slow1 up")
    return execution


async def says(client, execution, *words):
    """Return once the log has had all of these lines."""
    left = set(words)
    async with asyncio.timeout(60):
        async for line in client.executions.follow_logs(execution):
            left.discard(line.text)
            if not left:
                return


def sessions_of(pid):
    """The processes that the service has beside it."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == pid and b"session" in (process / "cmdline").read_bytes():
                    found.append(int(process.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


async def ended_well(service, execution):
    async with service.client() as client:
        ended = await client.executions.wait(execution, timeout=180)
        assert ended.status == "completed", ended
        said = Counter((await client.executions.logs(execution)).splitlines())
    assert {line: count for line, count in said.items() if "quick" in line or "last" in line} == {
        "[quick0] quick0 1": 1,
        "[quick1] quick1 1": 1,
        "[last] last": 1,
    }
    assert said["[slow0] done"] == said["[slow1] done"] == 1


async def test_a_killed_service_runs_again_what_was_running(service, dagger_lab):
    execution = await started(service, dagger_lab)
    [session] = sessions_of(service.pid)
    await service.kill()
    await service.start()
    await ended_well(service, execution)
    assert not Path(f"/proc/{session}").exists() or "Z" in Path(f"/proc/{session}/stat").read_text()
    assert len(sessions_of(service.pid)) == 1


async def test_a_killed_session_is_replaced(service, dagger_lab):
    execution = await started(service, dagger_lab)
    [session] = sessions_of(service.pid)
    os.kill(session, signal.SIGKILL)
    await ended_well(service, execution)
    assert len(sessions_of(service.pid)) == 1


async def test_a_killed_engine_is_waited_for(service, dagger_lab):
    if dagger_lab.restart is None:
        pytest.skip("AIOP_TEST_DAGGER_RESTART does not say how the engine may be killed and started again")
    execution = await started(service, dagger_lab)
    await asyncio.to_thread(dagger_lab.restarted)
    await ended_well(service, execution)
    assert len(sessions_of(service.pid)) == 1

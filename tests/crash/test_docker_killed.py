"""The Docker daemon dies and comes back during a run: the service waits, adopts and goes on."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from docker_lab import Dockerd, DockerMissing, ensure_image, missing
from fan_out import LINES, fan_out
from service_process import ServiceProcess

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]

IMAGE = "aiop-test-busybox:1"
WIDTH = 12


@pytest.fixture
def dockerd():
    """Start a Docker Engine that the test may kill."""
    started = []

    def start(*options):
        # A socket's path must be short.
        daemon = Dockerd(Path(tempfile.mkdtemp(prefix="aiop-docker-")), *options)
        try:
            daemon.start()
            ensure_image(daemon.endpoint)
        except DockerMissing as why:
            missing("docker", str(why))
        started.append(daemon)
        return daemon

    yield start
    for daemon in started:
        daemon.close()


async def run_through(daemon, service, marks, disturb):
    await service.start()
    async with service.client() as client:
        workflow = await client.workflows.create(fan_out(marks, IMAGE, WIDTH))
        execution = (await client.workflows.execute(workflow.id)).execution_id
        async for event in client.executions.events(execution):
            if event.type == "StepFinished":
                break
        for _ in range(2):
            await asyncio.sleep(1)
            await asyncio.to_thread(disturb)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(daemon.start)
        ended = await client.executions.wait(execution, timeout=200)
        assert ended.status == "completed", {name: (step.reason, step.error) for name, step in ended.steps.items()}
        logs = {}
        for step in ended.steps:
            for stream in ("stdout", "stderr"):
                text = await client.executions.logs(execution, step=step, stream=stream)
                logs[step, stream] = [line.removeprefix(f"[{step}] ") for line in text.splitlines()]
    return ended, logs


async def test_with_live_restore_each_step_runs_exactly_once(dockerd, tmp_path, marks):
    daemon = dockerd("--live-restore")
    service = ServiceProcess(tmp_path / "data", docker_endpoint=daemon.endpoint, volume_roots=str(tmp_path))
    try:
        ended, logs = await run_through(daemon, service, marks, daemon.kill)
    finally:
        await service.kill()
    assert sorted((marks / "ran").read_text().split()) == sorted(f"{step}:1" for step in ended.steps)
    for (step, stream), lines in logs.items():
        assert lines == [f"{step} {stream[3:]} {n}" for n in range(1, LINES + 1)]


@pytest.mark.parametrize("how", ["kill", "terminate"])
async def test_without_live_restore_what_the_daemon_took_along_is_run_again(dockerd, tmp_path, marks, how):
    daemon = dockerd()
    service = ServiceProcess(tmp_path / "data", docker_endpoint=daemon.endpoint, volume_roots=str(tmp_path))
    try:
        ended, logs = await run_through(daemon, service, marks, getattr(daemon, how))
    finally:
        await service.kill()
    # Each step has come to its end once; an attempt that was taken along has left no mark.
    ran = [mark.partition(":")[0] for mark in (marks / "ran").read_text().split()]
    assert sorted(ran) == sorted(ended.steps)
    for (step, stream), lines in logs.items():
        assert lines[-LINES:] == [f"{step} {stream[3:]} {n}" for n in range(1, LINES + 1)]

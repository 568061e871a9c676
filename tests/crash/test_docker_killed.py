"""The Docker daemon dies and comes back during a run: the service waits, adopts and goes on."""

import asyncio
from collections import Counter

import pytest

from docker_lab import IMAGE
from fan_out import LINES, fan_out

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]

WIDTH = 12
LAST_OUTPUT = "output may be missing"


class Run:
    """An execution during which the daemon ends twice, and what it has left behind."""

    def __init__(self, daemon, service, marks):
        self._daemon, self._service, self._marks = daemon, service, marks

    async def through(self, disturb):
        await self._service.start()
        async with self._service.client() as client:
            workflow = await client.workflows.create(fan_out(self._marks, IMAGE, WIDTH))
            execution = (await client.workflows.execute(workflow.id)).execution_id
            async for event in client.executions.events(execution):
                if event.type == "StepFinished":
                    break
            for _ in range(2):
                await asyncio.sleep(1)
                await asyncio.to_thread(disturb)
                await asyncio.sleep(0.5)
                await asyncio.to_thread(self._daemon.start)
            self.ended = await client.executions.wait(execution, timeout=200)
            failed = [step for step in self.ended.steps.values() if step.status != "completed"]
            assert self.ended.status == "completed", [(step.id, step.reason, step.error) for step in failed]
            events = [event async for event in client.executions.events(execution)]
            self.retried = Counter(event.data["step"] for event in events if event.type == "StepRetried")
            assert {event.data["reason"] for event in events if event.type == "StepRetried"} <= {"engine_lost"}
            self.lines = {
                (step, stream): [
                    line.removeprefix(f"[{step}] ")
                    for line in (await client.executions.logs(execution, step=step, stream=stream)).splitlines()
                ]
                for step in self.ended.steps
                for stream in ("stdout", "stderr", "system")
            }

    def ran_once_unless_it_was_lost(self):
        """No attempt runs twice, the last one of each step has, and another follows only one that Docker has lost."""
        ran = Counter((self._marks / "ran").read_text().split())
        assert set(ran.values()) == {1}
        for step in self.ended.steps:
            attempts = range(1, self.retried[step] + 2)
            assert f"{step}:{attempts[-1]}" in ran
            assert {mark for mark in ran if mark.startswith(f"{step}:")} <= {f"{step}:{n}" for n in attempts}

    def kept_each_line_of_the_last_attempt_once(self):
        """Nothing is there twice, and what is missing at the end the step tells of: Docker drops it."""
        for (step, stream), lines in self.lines.items():
            if stream == "system":
                continue
            whole = [f"{step} {stream[3:]} {n}" for n in range(1, LINES + 1)]
            if any(LAST_OUTPUT in line for line in self.lines[step, "system"]):
                begin = len(lines) - lines[::-1].index(whole[0]) - 1 if whole[0] in lines else len(lines)
                assert lines[begin:] == whole[: len(lines) - begin]
            else:
                assert lines[-LINES:] == whole
            if not self.retried[step]:
                assert len(lines) <= LINES


@pytest.fixture
def run(service_on, marks):
    return lambda daemon: Run(daemon, service_on(daemon.endpoint), marks)


@pytest.mark.parametrize("containerd", [True, False], ids=["and-containerd-lives-on", "and-containerd-dies-along"])
async def test_containers_that_live_on_are_adopted(dockerd, run, no_container_is_left, service_on, containerd):
    daemon = dockerd("--live-restore", containerd=containerd)
    this = run(daemon)
    await this.through(daemon.kill)
    this.ran_once_unless_it_was_lost()
    this.kept_each_line_of_the_last_attempt_once()
    await no_container_is_left(this._service, daemon.endpoint)


@pytest.mark.parametrize("how", ["kill", "terminate"])
async def test_what_the_daemon_took_along_is_run_again(dockerd, run, no_container_is_left, how):
    daemon = dockerd()
    this = run(daemon)
    await this.through(getattr(daemon, how))
    this.ran_once_unless_it_was_lost()
    this.kept_each_line_of_the_last_attempt_once()
    await no_container_is_left(this._service, daemon.endpoint)

"""Two Docker Engines at once, one of them over TCP with certificates, which dies and comes back in mid-run."""

import asyncio
import socket
from collections import Counter

import pytest

from certificates import Authority
from fan_out import LINES, fan_out

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]

IMAGE = "aiop-test-busybox:1"
EXECUTIONS = 4
WIDTH = 3


@pytest.fixture
def authority():
    return Authority()


@pytest.fixture
def remote(authority, dockerd, tmp_path):
    """A Docker Engine that speaks TLS with those whom the authority knows, and its endpoint."""
    pair = authority.server()
    for name, text in (("ca", authority.certificate), ("cert", pair.certificate), ("key", pair.key)):
        (tmp_path / f"{name}.pem").write_text(text)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        files = [
            f"--tls{name}={tmp_path}/{file}.pem" for name, file in (("cacert", "ca"), ("cert", "cert"), ("key", "key"))
        ]
        daemon = dockerd("--live-restore", "--tlsverify", *files, listener=listener)
        yield daemon, f"tcp://127.0.0.1:{listener.getsockname()[1]}"


async def test_an_engine_that_does_not_know_us_is_told_from_one_that_does(service, remote, authority):
    _, endpoint = remote
    pair, stranger = authority.client(), Authority().client()
    tls = {"ca": authority.certificate, "certificate": pair.certificate, "key": pair.key}
    await service.start()
    async with service.client() as client:

        async def status_with(**files):
            engine = {"type": "docker", "endpoint": endpoint, **({"tls": tls | files} if files else {})}
            agent = await client.agents.create({"name": "x", "engine": engine})
            return agent.status, agent.error

        assert await status_with(ca=authority.certificate) == ("idle", None)
        for wrong in (
            {"certificate": stranger.certificate, "key": stranger.key},  # the engine does not know us
            {"ca": Authority().certificate},  # we do not know the engine
        ):
            status, error = await status_with(**wrong)
            assert status == "offline"
            assert "certificate" in error.lower() or "tls" in error.lower()
        status, error = await status_with(key=stranger.key)
        assert status == "error"
        assert "certificates of the engine cannot be used" in error
        assert (await status_with())[0] == "error"  # it speaks TLS, and we do not


async def test_an_agent_that_dies_and_comes_back_in_mid_run_loses_nothing_and_repeats_nothing(
    service, docker_lab, remote, authority, marks, no_container_is_left
):
    daemon, endpoint = remote
    pair = authority.client()
    tls = {"ca": authority.certificate, "certificate": pair.certificate, "key": pair.key}
    await service.start()
    async with service.client() as client:
        agent = await client.agents.create(
            {"name": "remote", "engine": {"type": "docker", "endpoint": endpoint, "tls": tls}}
        )
        workflow = await client.workflows.create(fan_out(marks, IMAGE, WIDTH))
        submitted = [await client.workflows.execute(workflow.id) for _ in range(EXECUTIONS)]
        executions = [each.execution_id for each in submitted]
        where = Counter([await started_on(client, execution) for execution in executions])
        assert where == {"local": EXECUTIONS // 2, "remote": EXECUTIONS // 2}
        assert (await client.agents.get(agent.id)).current_load == EXECUTIONS // 2

        lost = Counter()
        await asyncio.to_thread(daemon.kill)
        await until(lambda: status_is(client, agent.id, "offline"))
        await asyncio.to_thread(daemon.start)

        for execution in executions:
            ended = await client.executions.wait(execution, timeout=200)
            assert ended.status == "completed", {step.id: step.error for step in ended.steps.values()}
            for step in ended.steps:
                for stream in ("stdout", "stderr"):
                    text = await client.executions.logs(execution, step=step, stream=stream)
                    lines = [line.removeprefix(f"[{step}] ") for line in text.splitlines()]
                    whole = [f"{step} {stream[3:]} {n}" for n in range(1, LINES + 1)]
                    assert lines[-LINES:] == whole or "may be missing" in await client.executions.logs(
                        execution, step=step, stream="system"
                    )
            async for event in client.executions.events(execution):
                if event.type == "StepRetried":
                    assert event.data["reason"] == "engine_lost"
                    lost[event.data["step"]] += 1
        # Of what it was starting or ending at that moment an engine that is killed knows nothing afterwards.
        ran = Counter(mark.partition(":")[0] for mark in (marks / "ran").read_text().split())
        for step in ended.steps:
            assert EXECUTIONS <= ran[step] <= EXECUTIONS + lost[step]
        assert (await client.agents.get(agent.id)).current_load == 0
    for engine in (docker_lab.endpoint, daemon.endpoint):
        await no_container_is_left(service, engine)


async def until(holds):
    """Ask again and again, as what is waited for happens in another process."""
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110 - there is no event to await
            await asyncio.sleep(0.1)


async def status_is(client, agent, status):
    return (await client.agents.get(agent)).status == status


async def started_on(client, execution):
    async for event in client.executions.events(execution):
        if event.type == "ExecutionStarted":
            return event.data["agent"]
    return None

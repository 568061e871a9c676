"""The Docker Engine ends, is killed, comes back; and others meddle with our containers."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest
from aiodocker import DockerError
from aiodocker.containers import DockerContainer

from aiop.engines.docker.client import left_over
from aiop.errors import EngineUnavailable, StepLost
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun, Outcome
from contract.engine.subject import DockerSubject, Output
from docker_lab import IMAGE, Dockerd, DockerMissing, docker_client, ensure_image, missing

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ENDS = {"killed": Dockerd.kill, "ended in order": Dockerd.terminate}


@dataclass
class Step:
    """One container on an engine that will go away."""

    subject: DockerSubject
    key: StepKey
    run: ContainerRun
    release: Callable[[], None]
    output: Output = field(default_factory=Output)

    async def adopted(self) -> Outcome:
        self.output = Output()
        engine = self.subject.restarted()
        await engine.adopt(self.key, self.run, self.output)
        return await engine.wait(self.key)


@asynccontextmanager
async def engine_of_its_own(*options: str) -> AsyncIterator[tuple[Dockerd, DockerSubject]]:
    with TemporaryDirectory(prefix="aiop-docker-") as root:
        try:
            dockerd = Dockerd(Path(root), *options)
            await asyncio.to_thread(dockerd.start)
        except DockerMissing as why:
            missing("docker", str(why))
        try:
            await asyncio.to_thread(ensure_image, dockerd.endpoint)
            directory = Path(root) / "test"
            directory.mkdir()
            subject = DockerSubject(dockerd.endpoint, image=IMAGE, directory=directory)
            try:
                yield dockerd, subject
            finally:
                await subject.aclose()
        finally:
            await asyncio.to_thread(dockerd.close)


async def started(subject: DockerSubject, code: int) -> tuple[Step, asyncio.Task[Outcome]]:
    """A gated step that has begun, and the wait for it."""
    run, release = subject.gated(before="before\n", after="after\n", code=code)
    step = Step(subject, subject.key(), run, release)
    await subject.engine.start(step.key, run, step.output)
    waiting = asyncio.create_task(subject.engine.wait(step.key))
    await step.output.shows(b"before\n")
    return step, waiting


@pytest.mark.parametrize("how", ENDS)
async def test_containers_that_outlive_the_engine_are_adopted(how: str) -> None:
    async with engine_of_its_own("--live-restore") as (dockerd, subject):
        running, first_wait = await started(subject, code=5)
        ending, second_wait = await started(subject, code=6)
        await asyncio.to_thread(ENDS[how], dockerd)
        for waiting in (first_wait, second_wait):
            with pytest.raises(EngineUnavailable):
                await waiting
        ending.release()
        await asyncio.to_thread(dockerd.start)
        running.release()
        assert (await running.adopted()).exit_code == 5
        unseen = await ending.adopted()
        assert unseen.exit_code == 6
        # Docker drops what is written while no engine is there to read it, and the last of what it had not kept yet.
        assert b"before\nafter\n".startswith(ending.output.stdout)
        assert "may be missing" in (unseen.log_gap or "")
        assert running.output.stdout == b"before\nafter\n"


@pytest.mark.parametrize("how", ENDS)
async def test_containers_that_the_engine_takes_along_are_lost(how: str) -> None:
    async with engine_of_its_own() as (dockerd, subject):
        ended = subject.key()
        run = subject.run("echo done; exit 7")
        await subject.engine.start(ended, run, Output())
        await subject.engine.wait(ended)
        running, waiting = await started(subject, code=5)
        await asyncio.to_thread(ENDS[how], dockerd)
        # An engine that ends in order may still tell of what it has ended.
        with pytest.raises((EngineUnavailable, StepLost)):
            await waiting
        await asyncio.to_thread(dockerd.start)
        with pytest.raises(StepLost):
            await running.adopted()
        assert (await Step(subject, ended, run, lambda: None).adopted()).exit_code == 7


async def test_one_that_ends_as_it_likes_when_the_engine_takes_it_along_is_lost_too() -> None:
    async with engine_of_its_own() as (dockerd, subject):
        run = subject.run("trap 'exit 3' TERM; echo up; while true; do sleep 0.02; done")
        step = Step(subject, subject.key(), run, lambda: None)
        await subject.engine.start(step.key, run, step.output)
        waiting = asyncio.create_task(subject.engine.wait(step.key))
        await step.output.shows(b"up")
        await asyncio.to_thread(dockerd.terminate)
        await asyncio.to_thread(dockerd.start)
        with pytest.raises((EngineUnavailable, StepLost)) as told:
            await waiting
        if told.type is EngineUnavailable:
            await subject.engine.adopt(step.key, run, step.output)
            with pytest.raises(StepLost):
                await subject.engine.wait(step.key)


async def test_while_the_engine_is_away_every_call_says_so_and_afterwards_works() -> None:
    async with engine_of_its_own() as (dockerd, subject):
        engine, key, run = subject.engine, subject.key(), subject.run("exit 3")
        await engine.check()
        await asyncio.to_thread(dockerd.kill)
        calls: list[Callable[[], object]] = [
            engine.check,
            engine.attempts,
            lambda: engine.start(key, run, Output()),
            lambda: engine.adopt(key, run, Output()),
            lambda: engine.stop(key, grace=timedelta(0)),
            lambda: engine.remove(key),
        ]
        for call in calls:
            with pytest.raises(EngineUnavailable):
                await call()  # type: ignore[misc]
        await asyncio.to_thread(dockerd.start)
        await engine.start(key, run, Output())
        assert (await engine.wait(key)).exit_code == 3


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGTERM"])
async def test_a_container_that_somebody_kills_is_lost(on_docker: DockerSubject, signal: str) -> None:
    step, waiting = await started(on_docker, code=0)
    async with docker_client(on_docker.endpoint) as docker:
        await docker.containers.container(step.key.name).kill(signal=signal)
    with pytest.raises(StepLost):
        await waiting


async def test_a_container_that_somebody_stops_is_lost_though_it_ends_as_it_likes(on_docker: DockerSubject) -> None:
    run = on_docker.run("trap 'exit 3' TERM; echo up; while true; do sleep 0.02; done")
    key, output = on_docker.key(), Output()
    await on_docker.engine.start(key, run, output)
    waiting = asyncio.create_task(on_docker.engine.wait(key))
    await output.shows(b"up")
    async with docker_client(on_docker.endpoint) as docker:
        await docker.containers.container(key.name).stop()
    with pytest.raises(StepLost):
        await waiting


async def test_a_signal_that_does_not_kill_is_nobodys_business(on_docker: DockerSubject) -> None:
    run = on_docker.run("trap 'kill -9 $$' HUP; echo up; while true; do sleep 0.02; done")
    key, output = on_docker.key(), Output()
    await on_docker.engine.start(key, run, output)
    waiting = asyncio.create_task(on_docker.engine.wait(key))
    await output.shows(b"up")
    async with docker_client(on_docker.endpoint) as docker:
        await docker.containers.container(key.name).kill(signal="SIGHUP")
    assert (await waiting).exit_code == 137


async def test_a_container_that_was_made_and_never_started_is_started(on_docker: DockerSubject) -> None:
    key, run = on_docker.key(), on_docker.run("cat /given; exit 4", files={"/given": b"text"})
    for take_up in ("start", "adopt"):
        async with docker_client(on_docker.endpoint) as docker:
            config = {"Image": run.image, "Entrypoint": list(run.command or ()), "NetworkDisabled": True}
            await docker.containers.create(config, name=key.name)
        engine, output = on_docker.restarted(), Output()
        assert await getattr(engine, take_up)(key, run, output) is not None
        assert (await engine.wait(key)).exit_code == 4
        assert output.stdout == b"text"
        await engine.remove(key)


async def test_containers_of_another_installation_are_not_ours(on_docker: DockerSubject) -> None:
    key = on_docker.key()
    await on_docker.engine.start(key, on_docker.run("true"), Output())
    stranger = on_docker.restarted(installation="somebody-else")
    assert key in await on_docker.engine.attempts()
    assert key not in await stranger.attempts()


async def test_where_the_engine_does_not_see_our_directories_outputs_are_copied(on_docker: DockerSubject) -> None:
    on_docker.engine = on_docker.restarted(handover=None)
    outcome = await on_docker.outcome(on_docker.run("echo a=1 > $AIOP_OUTPUT", user="1000", files={"/x": b""}))
    assert outcome.output_file is not None
    assert outcome.output_file.content == b"a=1\n"


async def test_an_engine_that_cannot_be_found_is_unavailable(on_docker: DockerSubject) -> None:
    for endpoint in (f"unix://{on_docker.directory}/absent", "tcp://127.0.0.1:1", "what://is/this"):
        engine = on_docker.restarted(endpoint=endpoint)
        with pytest.raises(EngineUnavailable):
            await engine.check()


def broken_start(monkeypatch: pytest.MonkeyPatch, *, delivered: bool) -> None:
    """Let the connection break during the next start, before or after the engine does it."""
    start = DockerContainer.start

    async def break_off(container: DockerContainer, **options: object) -> None:
        monkeypatch.setattr(DockerContainer, "start", start)
        if delivered:
            await start(container, **options)
        broken = DockerError(900, "the connection broke")
        broken.__context__ = aiohttp.ServerDisconnectedError()
        raise broken

    monkeypatch.setattr(DockerContainer, "start", break_off)


async def test_a_start_that_was_not_answered_and_has_happened_is_adopted(
    on_docker: DockerSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, run, output = on_docker.key(), on_docker.run("echo once; exit 4"), Output()
    broken_start(monkeypatch, delivered=True)
    with pytest.raises(EngineUnavailable):
        await on_docker.engine.start(key, run, output)
    await on_docker.engine.start(key, run, output)
    assert (await on_docker.engine.wait(key)).exit_code == 4
    assert output.stdout == b"once\n"


async def test_a_start_that_was_not_answered_and_is_not_known_of_is_lost_since_it_may_run(
    on_docker: DockerSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, run = on_docker.key(), on_docker.run("exit 4")
    broken_start(monkeypatch, delivered=False)
    with pytest.raises(EngineUnavailable):
        await on_docker.engine.start(key, run, Output())
    with pytest.raises(StepLost):
        await on_docker.engine.start(key, run, Output())
    await on_docker.engine.remove(key)
    assert (await on_docker.outcome(run)).exit_code == 4


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        ("task 030c5075846c: already exists", True),
        ("failed to start shim: mkdir /run/containerd/moby/1d28: file exists: unknown", True),
        ("failed to create task for container: id already in use", True),
        ('exec: "nothing": executable file not found in $PATH', False),
        ("error while creating mount source path '/x': mkdir /x: file exists", False),
    ],
)
def test_what_a_start_that_was_killed_left_over_is_told_from_other_faults(words: str, lost: bool) -> None:
    assert left_over(DockerError(500, words)) is lost


async def test_a_stop_goes_on_though_it_cannot_be_written_down(
    on_docker: DockerSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    key = on_docker.key()
    await on_docker.engine.start(key, on_docker.run("exec sleep 60"), Output())
    monkeypatch.setattr(Path, "touch", no_space)
    await on_docker.engine.stop(key, grace=timedelta(0))
    assert (await on_docker.engine.wait(key)).exit_code in (137, 143)


async def test_without_space_for_outputs_the_engine_is_unavailable_and_says_why(
    on_docker: DockerSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", no_space)
    with pytest.raises(EngineUnavailable, match="No space left"):
        await on_docker.engine.start(on_docker.key(), on_docker.run("true"), Output())

"""What is of Docker alone in how workspaces come to be and go."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from aiop.artifacts import LocalArtifacts
from aiop.errors import EngineUnavailable, StepLost
from aiop.runtime.clock import SystemClock
from contract.engine.subject import DockerSubject, Output
from contract.engine.test_docker_lost import engine_of_its_own
from contract.engine.workshop import Workshop
from docker_lab import DockerLab, docker_client, missing

pytestmark = pytest.mark.docker
Make = Callable[..., Awaitable[Workshop]]


async def workspaces_volumes(endpoint: str) -> set[str]:
    async with docker_client(endpoint) as docker:
        return {volume["Name"] for volume in (await docker.volumes.list())["Volumes"] or ()}


@pytest.fixture
async def docker_shop(docker_lab: DockerLab, tmp_path: Path) -> AsyncIterator[Make]:
    """Makes a workshop in a directory of choice."""
    async with AsyncExitStack() as stack:

        async def make(directory: Path = tmp_path, **options: object) -> Workshop:
            subject = DockerSubject(docker_lab.endpoint, image=docker_lab.image, directory=directory, **options)
            stack.push_async_callback(subject.aclose)
            artifacts = LocalArtifacts(directory / "artifacts", SystemClock())
            await artifacts.open()
            stack.push_async_callback(artifacts.aclose)
            return Workshop(subject, artifacts, "mount")

        yield make


async def test_the_volume_of_a_workspace_goes_with_its_container(docker_shop: Make) -> None:
    for mounts in (True, False):
        shop = await docker_shop(mounts=mounts)
        endpoint, key = shop.subject.endpoint, shop.subject.key()
        before = await workspaces_volumes(endpoint)
        await shop.subject.engine.start(key, await shop.prepare(key, "true"), Output())
        await shop.subject.engine.wait(key)
        assert len(await workspaces_volumes(endpoint)) == len(before) + 1
        # As after a restart: this engine knows nothing of the container.
        await shop.subject.restarted().remove(key)
        assert await workspaces_volumes(endpoint) == before


async def test_a_volume_without_its_container_is_found_and_removed(docker_shop: Make) -> None:
    shop = await docker_shop()
    key = shop.subject.key()
    await shop.subject.engine.start(key, await shop.prepare(key, "true"), Output())
    await shop.subject.engine.wait(key)
    async with docker_client(shop.subject.endpoint) as docker:
        await docker.containers.container(key.name).delete(force=True, v=True)
    engine = shop.subject.restarted()
    assert key in await engine.attempts()
    await engine.remove(key)
    assert key not in await engine.attempts()


async def test_paths_that_cannot_be_mount_options_are_copied(docker_shop: Make, tmp_path: Path) -> None:
    directory = tmp_path / "a,b:c d"
    directory.mkdir()
    # The handover of outputs is not what this is about.
    shop = await docker_shop(directory, handover=None)
    await shop.start_from({"f": "1"})
    assert shop.changes(await shop.step("cat f; echo 2 > g")) == {"g": "2\n"}


@pytest.fixture
def directory_on_an_overlay(tmp_path: Path) -> Iterator[Path]:
    """An overlay cannot take its upper directory from an overlay."""
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    merged = tmp_path / "merged"
    options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, merged], check=False).returncode:
        missing("docker", "this machine cannot mount an overlay")
    yield merged
    subprocess.run(["umount", "-l", merged], check=True)


async def test_where_the_engine_cannot_mount_it_is_copied(docker_shop: Make, directory_on_an_overlay: Path) -> None:
    shop = await docker_shop(directory_on_an_overlay)
    await shop.start_from({"f": "1"})
    for _ in range(2):
        assert shop.changes(await shop.step("cat f; echo 2 > g")) == {"g": "2\n"}


async def test_both_ways_make_the_same_layer(docker_shop: Make, tmp_path: Path) -> None:
    text = (
        "echo more >> d/a; rm -r d/s; mkdir d/s; echo new > d/s/new; ln -s a d/l; chmod 600 f; chown 5:6 d"
        "; mkdir -p deep/er; printf 1 > same; ln d/a h; rm gone; touch kept"
    )
    digests = []
    for mounts in (True, False):
        directory = tmp_path / str(mounts)
        directory.mkdir()
        shop = await docker_shop(directory, mounts=mounts)
        await shop.start_from({"f": "1", "d/a": "2", "d/s/b": "3", "same": "1", "gone": "x", "kept": "k"})
        digests.append((await shop.step(text)).digest)
    assert digests[0] == digests[1]


async def test_a_layer_in_another_data_directory_is_not_taken_for_ours(docker_shop: Make, tmp_path: Path) -> None:
    shops = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shops.append(await docker_shop(tmp_path / name))
        await shops[-1].start_from({"f": "1"})
    one, two = shops
    key = one.subject.key()
    await one.subject.engine.start(key, await one.prepare(key, "echo 2 > f"), Output())
    await one.subject.engine.wait(key)
    theirs = await two.prepare(key, "echo 2 > f")
    for take_up in (two.subject.engine.adopt, two.subject.engine.start):
        with pytest.raises(StepLost, match="another service"):
            await take_up(key, theirs, Output())


async def test_a_layer_in_a_data_directory_that_was_given_another_name_is_ours(
    docker_shop: Make, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    shop = await docker_shop(tmp_path / "data")
    await shop.start_from({"f": "1"})
    key = shop.subject.key()
    run = await shop.prepare(key, "echo 2 > f")
    assert run.workspace is not None
    await shop.subject.engine.start(key, run, Output())
    (tmp_path / "name").symlink_to(tmp_path / "data")
    upper = tmp_path / "name" / Path(run.workspace.upper).relative_to(tmp_path / "data")
    engine = shop.subject.restarted()
    await engine.adopt(key, replace(run, workspace=replace(run.workspace, upper=str(upper))), Output())
    assert (await engine.wait(key)).succeeded


@pytest.mark.slow
async def test_a_layer_is_whole_though_the_engine_was_killed_while_the_container_ran() -> None:
    """The engine that comes back takes its mount away; that of the container stays."""
    async with engine_of_its_own("--live-restore") as (dockerd, subject):
        artifacts = LocalArtifacts(subject.directory / "artifacts", SystemClock())
        await artifacts.open()
        shop = Workshop(subject, artifacts, "mount")
        await shop.start_from({"f": "1", "gone": "x"})
        gated, release = subject.gated(before="before")
        assert gated.command is not None
        text = gated.command[2].replace("exit 0", "cp f late; rm gone")
        key, output = subject.key(), Output()
        run = await shop.prepare(key, f"echo early > early; {text}", mounts=gated.mounts)
        await subject.engine.start(key, run, output)
        waiting = asyncio.create_task(subject.engine.wait(key))
        await output.shows(b"before")
        await asyncio.to_thread(dockerd.kill)
        with pytest.raises(EngineUnavailable):
            await waiting
        await asyncio.to_thread(dockerd.start)
        release()
        engine = subject.restarted()
        await engine.adopt(key, run, Output())
        assert (await engine.wait(key)).succeeded
        layer = await artifacts.seal(key)
        assert shop.changes(layer) == {"early": "early\n", "late": "1", "gone": "(removed)"}
        await engine.remove(key)
        # Such an engine counts the container's mount until its own end, and gives the volume away only then.
        await asyncio.to_thread(dockerd.terminate)
        await asyncio.to_thread(dockerd.start)
        for left in await engine.attempts():
            await engine.remove(left)
        assert await engine.attempts() == []
        await artifacts.aclose()

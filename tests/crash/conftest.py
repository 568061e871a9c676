"""A service on real Docker, and a look at what it leaves there."""

import asyncio

import pytest

from docker_lab import docker_client
from service_process import ServiceProcess


@pytest.fixture
def marks(tmp_path):
    """A directory that steps write to; what they ran is counted there."""
    directory = tmp_path / "marks"
    directory.mkdir()
    return directory


@pytest.fixture
def docker_image(docker_lab):
    return docker_lab.image


@pytest.fixture
async def service(docker_lab, tmp_path):
    """The service, not started yet, on the Docker Engine of the tests."""
    process = ServiceProcess(tmp_path / "data", docker_endpoint=docker_lab.endpoint, volume_roots=str(tmp_path))
    yield process
    await process.kill()


@pytest.fixture
def containers_of(docker_lab):
    """List the containers of a service; with ``none_left``, wait until there are none and fail if some stay."""

    async def look(service, *, none_left=False):
        installation = (service.data_dir / "installation").read_text().strip()
        async with docker_client(docker_lab.endpoint) as docker, asyncio.timeout(20):
            while True:
                label = f'{{"label": ["aiop.installation={installation}"]}}'
                found = await docker.containers.list(all=True, filters=label)
                if not none_left or not found:
                    return found
                await asyncio.sleep(0.1)  # removal is in the background, in another process

    return look

"""A service on real Docker, and a look at what it leaves there."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from docker_lab import Dockerd, DockerMissing, docker_client, ensure_image, missing


@pytest.fixture
def marks(tmp_path):
    """A directory that steps write to; what they ran is counted there."""
    directory = tmp_path / "marks"
    directory.mkdir()
    return directory


@pytest.fixture
def service(docker_lab, service_on):
    """The service, not started yet, on the Docker Engine of the tests."""
    return service_on(docker_lab.endpoint)


@pytest.fixture
def no_container_is_left():
    """Wait until a service has no container on an engine; fails if some stay."""

    async def look(service, endpoint):
        installation = (service.data_dir / "installation").read_text().strip()
        async with docker_client(endpoint) as docker, asyncio.timeout(20):
            label = f'{{"label": ["aiop.installation={installation}"]}}'
            while True:
                if not await docker.containers.list(all=True, filters=label):
                    return
                await asyncio.sleep(0.1)  # removal is in the background, in another process

    return look


@pytest.fixture
def dockerd():
    """Start a Docker Engine that the test may kill."""
    started = []

    def start(*options, **more):
        # A socket's path must be short.
        daemon = Dockerd(Path(tempfile.mkdtemp(prefix="aiop-docker-")), *options, **more)
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

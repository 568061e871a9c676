"""What several packages of tests share."""

from collections.abc import Iterator

import pytest

from docker_lab import DockerLab, DockerMissing, missing


@pytest.fixture(scope="session")
def docker_lab() -> Iterator[DockerLab]:
    """A Docker Engine for all tests of the session."""
    try:
        lab = DockerLab()
    except DockerMissing as why:
        missing("docker", str(why))
        raise
    yield lab
    lab.close()

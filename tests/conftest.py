"""What several packages of tests share."""

import os
from collections.abc import Iterator

import pytest

from docker_lab import DockerLab, DockerMissing


def missing(service: str, why: str) -> None:
    """Skip for want of a real service; fail where ``AIOP_REQUIRE`` names it, as in CI."""
    if service in os.environ.get("AIOP_REQUIRE", "").split(","):
        pytest.fail(f"{service} is required: {why}")
    pytest.skip(why)


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

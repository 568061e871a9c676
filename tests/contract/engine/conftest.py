"""Runs the suite on each engine."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from aiop.engines.fake import FakeEngine
from aiop.interfaces import Capabilities
from contract.engine.registry import DockerRegistry, RegistryMissing
from contract.engine.subject import (
    DaggerSubject,
    DockerSubject,
    FakeSubject,
    KubernetesSubject,
    OciSubject,
    Subject,
)
from docker_lab import DockerLab, missing

# The fake runs nothing, so it has no limits and no mounts that could be looked at from inside.
FAKE_CAPABILITIES = Capabilities(
    **{
        field.name: field.name in ("files", "output_paths", "graceful_stop", "reattach", "workspace")
        for field in fields(Capabilities)
    }
)


@pytest.fixture(
    params=[
        "fake",
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("dagger", marks=pytest.mark.dagger),
        pytest.param("kubernetes", marks=pytest.mark.kubernetes),
        pytest.param("oci", marks=pytest.mark.oci),
    ]
)
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """Each engine in turn."""
    made: Subject
    if request.param == "fake":
        made = FakeSubject(lambda world: FakeEngine(world, capabilities=FAKE_CAPABILITIES), directory=tmp_path)
    elif request.param == "dagger":
        made = DaggerSubject(request.getfixturevalue("dagger_lab"), directory=tmp_path)
    elif request.param == "kubernetes":
        made = KubernetesSubject(request.getfixturevalue("kubernetes_lab"), directory=tmp_path)
    elif request.param == "oci":
        made = OciSubject(request.getfixturevalue("oci_lab"), directory=tmp_path)
    else:
        lab = request.getfixturevalue("docker_lab")
        made = DockerSubject(lab.endpoint, image=lab.image, directory=tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
async def on_docker(docker_lab: DockerLab, tmp_path: Path) -> AsyncIterator[DockerSubject]:
    """The Docker engine alone, for what is beyond the common contract."""
    made = DockerSubject(docker_lab.endpoint, image=docker_lab.image, directory=tmp_path)
    yield made
    await made.aclose()


@pytest.fixture(scope="module")
def registry(docker_lab: DockerLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A registry that asks for a password, next to the Docker Engine."""
    try:
        made = DockerRegistry(docker_lab, tmp_path_factory.mktemp("registry"))
    except RegistryMissing as why:
        missing("registry", str(why))
        raise
    yield made
    made.close()

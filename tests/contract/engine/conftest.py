"""Runs the suite on each engine."""

from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path

import pytest

from aiop.engines.docker import DockerEngine
from aiop.engines.fake import FakeEngine
from aiop.interfaces import Capabilities
from contract.engine.subject import DockerSubject, FakeSubject, Subject

INSTALLATION = "contract-tests"

# The fake runs nothing, so it has no limits and no mounts that could be looked at from inside.
FAKE_CAPABILITIES = Capabilities(
    **{field.name: field.name in ("files", "output_paths", "reattach") for field in fields(Capabilities)}
)


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.docker)])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """Each engine in turn."""
    made: Subject
    if request.param == "fake":
        made = FakeSubject(lambda world: FakeEngine(world, capabilities=FAKE_CAPABILITIES), directory=tmp_path)
    else:
        lab = request.getfixturevalue("docker_lab")

        def make() -> DockerEngine:
            return DockerEngine(
                endpoint=lab.endpoint, installation=INSTALLATION, handover=tmp_path / "handover", start_limit=4
            )

        made = DockerSubject(make, lab=lab, directory=tmp_path)
    yield made
    await made.aclose()

"""Runs the suite on a directory, on a bucket, and on two services that share a bucket and take turns."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from aiop.artifacts import LocalArtifacts, SharedArtifacts
from aiop.artifacts.archives import ArchiveLimits
from contract.artifacts.subject import Turns
from s3_lab import S3Lab
from trees import MEMORY
from unit.artifacts.conftest import StillClock

Opening = Callable[..., Any]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory in memory where there is one: everything is flushed many times here."""
    with tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def opening(tmp_path: Path, clock: StillClock, request: pytest.FixtureRequest) -> AsyncIterator[Opening]:
    """Open artifacts of a kind."""
    async with AsyncExitStack() as stack:

        async def make(kind: str, limits: ArchiveLimits | None = None) -> Any:
            limits = limits or ArchiveLimits()
            if kind == "local":
                made = [LocalArtifacts(tmp_path / "artifacts", clock, limits=limits)]
            else:
                lab: S3Lab = request.getfixturevalue("s3_lab")
                place = lab.place()
                made = [
                    SharedArtifacts(tmp_path / name, clock, lab.open(place), cache_limit=0, limits=limits)
                    for name in (["artifacts", "artifacts-2"] if kind == "turns" else ["artifacts"])
                ]
            for each in made:
                await each.open()
                stack.push_async_callback(each.aclose)
            return Turns(*made) if kind == "turns" else made[0]

        yield make


@pytest.fixture(params=["local", "bucket", "turns"])
async def artifacts(request: pytest.FixtureRequest, opening: Opening) -> Any:
    """Each way in turn, empty."""
    return await opening(request.param)


@pytest.fixture(params=["local", "bucket"])
async def service(request: pytest.FixtureRequest, opening: Opening) -> Any:
    """One service, for tests that look into its directory."""
    return await opening(request.param)

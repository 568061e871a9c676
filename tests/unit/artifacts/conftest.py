"""Artifacts in a directory of their own, with a clock that the test moves."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aiop.artifacts import LocalArtifacts
from trees import MEMORY


class StillClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        # Buckets have a clock of their own.
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, delay: timedelta) -> None:
        self.time += delay

    def pass_by(self, delay: timedelta) -> None:
        self.time += delay


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory in memory where there is one: everything is flushed many times here."""
    with tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def artifacts(tmp_path: Path, clock: StillClock) -> AsyncIterator[LocalArtifacts]:
    made = LocalArtifacts(tmp_path / "artifacts", clock)
    await made.open()
    yield made
    await made.aclose()

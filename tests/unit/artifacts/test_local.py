"""Files in the directory of one service."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiop.artifacts import NOT_SHARED, LocalArtifacts
from aiop.errors import StorageUnavailable
from unit.artifacts.conftest import StillClock


async def pieces() -> AsyncIterator[bytes]:
    yield b""


async def test_no_source_is_taken_as_long_as_there_are_replicas_that_could_not_read_it(
    tmp_path: Path, clock: StillClock
) -> None:
    source, company = tmp_path / "source", True
    source.mkdir()
    artifacts = LocalArtifacts(tmp_path / "kept", clock, alone=lambda: not company)
    await artifacts.open()

    for take in (lambda: artifacts.snapshot(str(source)), lambda: artifacts.upload(pieces())):
        with pytest.raises(StorageUnavailable, match=NOT_SHARED):
            await take()
    company = False
    taken = await artifacts.snapshot(str(source))

    assert (await artifacts.view(taken.id, ())).id == taken.id
    await artifacts.aclose()

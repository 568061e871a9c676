"""What nobody needs goes in the end, and nothing else does."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from aiop.errors import ArtifactLost, NotFound
from aiop.interfaces import Artifacts
from aiop.model.artifacts import Garbage
from contract.artifacts.subject import EXECUTION, everything, services
from tars import pieces, tar
from unit.artifacts.conftest import StillClock

LONG = timedelta(hours=25)


async def sweep(artifacts: Artifacts, clock: StillClock, kept: Garbage) -> None:
    """Do what the sweeper does for some days, with a store that needs ``kept``."""
    for _ in range(4):
        clock.pass_by(LONG)
        held = await artifacts.held()
        await artifacts.discard(
            Garbage(
                held.snapshots - kept.snapshots,
                held.layers - kept.layers,
                held.uploads - kept.uploads,
                held.outputs - kept.outputs,
            )
        )


async def test_what_was_made_lately_is_not_listed(artifacts: Artifacts, tmp_path: Path) -> None:
    await everything(artifacts, tmp_path)
    assert await artifacts.held() == Garbage()


async def test_what_nobody_needs_is_gone_in_the_end(artifacts: Artifacts, tmp_path: Path, clock: StillClock) -> None:
    made = await everything(artifacts, tmp_path)
    await sweep(artifacts, clock, Garbage())
    for each in services(artifacts)[1:]:
        # One that did not sweep has what it had in its own directory.
        shutil.rmtree(each._disk.root)
        await each.open()
    (snapshot,), (layer,), (upload,) = made.snapshots, made.layers, made.uploads
    with pytest.raises(ArtifactLost):
        await artifacts.read(snapshot, "f", limit=1)
    with pytest.raises(ArtifactLost):
        await artifacts.layer(layer)
    with pytest.raises(NotFound):
        await artifacts.uploaded(upload)
    with pytest.raises(ArtifactLost):
        await anext(artifacts.read_output(EXECUTION, "o"))
    assert await artifacts.held() == Garbage()


async def test_what_is_needed_stays_whole(artifacts: Artifacts, tmp_path: Path, clock: StillClock) -> None:
    made = await everything(artifacts, tmp_path)
    await sweep(artifacts, clock, made)
    (snapshot,), (layer,), (upload,) = made.snapshots, made.layers, made.uploads
    assert await artifacts.read(snapshot, "f", limit=1) == b"1"
    assert (await artifacts.layer(layer)).size == 4
    assert await artifacts.read((await artifacts.uploaded(upload)).id, "u", limit=3) == b"333"
    assert b"".join([piece async for piece in artifacts.read_output(EXECUTION, "o")]) == b"4444"


async def test_the_source_of_a_kept_upload_stays(artifacts: Artifacts, clock: StillClock) -> None:
    upload = await artifacts.upload(pieces(tar([("u", b"333")])))
    await sweep(artifacts, clock, Garbage(uploads=frozenset({upload})))
    assert await artifacts.read((await artifacts.uploaded(upload)).id, "u", limit=3) == b"333"

"""The copy of a workspace on its way out and back."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiop.errors import EngineUnavailable
from aiop.overlay import is_taken_back, shown, take_back, unpack_changes
from trees import raw


@pytest.fixture
def layers(tmp_path: Path) -> tuple[Path, Path, Path]:
    """The layer below, that of the step, and its scratch space."""
    made = (tmp_path / "below", tmp_path / "upper", tmp_path / "work")
    for directory in made:
        directory.mkdir()
    (made[0] / "same").write_text("same\n")
    return made


async def pieces(archive: bytes) -> AsyncIterator[bytes]:
    yield archive


async def copy_of(directory: Path) -> bytes:
    return b"".join([piece async for piece in shown([str(directory)], ".")])


async def test_what_a_copy_changed_comes_back_as_the_layer(layers: tuple[Path, Path, Path], tmp_path: Path) -> None:
    below, upper, work = layers
    (upper / "tried").write_text("by an attempt to take it back that was broken off\n")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "same").write_text("same\n")
    os.utime(copy / "same", (0, 0))
    (copy / "made").write_text("made\n")
    archive = await copy_of(copy)

    def unpack(file, into):
        unpack_changes(file, ".", into, [str(below)])

    assert not is_taken_back(str(work))
    await take_back(pieces(archive), unpack, upper=str(upper), work=str(work))
    assert {path.name: path.read_text() for path in upper.iterdir()} == {"made": "made\n"}
    assert is_taken_back(str(work))
    assert [path.name for path in work.iterdir()] == ["copied"]


async def test_a_copy_that_breaks_off_changes_nothing_and_is_taken_again(
    layers: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    below, upper, work = layers
    (upper / "there").write_text("before\n")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "made").write_text("made\n" * 200)
    archive = await copy_of(copy)

    def unpack(file, into):
        unpack_changes(file, ".", into, [str(below)])

    with pytest.raises(EngineUnavailable, match="the workspace cannot be copied"):
        await take_back(pieces(archive[:1500]), unpack, upper=str(upper), work=str(work))
    assert [path.name for path in upper.iterdir()] == ["there"]
    assert not is_taken_back(str(work))
    await take_back(pieces(archive), unpack, upper=str(upper), work=str(work))
    assert raw(upper) == {"made": "made\n" * 200, "same": "(removed)"}


async def test_a_workspace_that_cannot_be_read_is_no_fault_of_the_step(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="the workspace cannot be copied"):
        await copy_of(tmp_path / "gone")

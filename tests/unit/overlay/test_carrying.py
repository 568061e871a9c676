"""A directory that was carried is the same; an archive of anything else is refused."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from aiop.overlay import pack_directory, unpack_directory
from changes import shapes
from tars import Member, tar
from trees import Shape, plant, shape


def carried(source: Path, into: Path) -> Path:
    into.mkdir()
    unpack_directory(io.BytesIO(b"".join(pack_directory(str(source)))), str(into))
    return into


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(content=shapes())
def test_any_tree_is_carried_whole(tmp_path_factory: pytest.TempPathFactory, content: Shape) -> None:
    base = tmp_path_factory.mktemp("carried")
    source = plant(base / "source", content)
    target = carried(source, base / "target")
    assert shape(target) == shape(source)
    for path in [source, *source.rglob("*")]:
        before, after = path.lstat(), (target / path.relative_to(source)).lstat()
        assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
        assert after.st_mtime_ns == before.st_mtime_ns


def test_a_time_before_the_epoch_and_a_long_name_are_kept(tmp_path: Path) -> None:
    name = "n" * 200
    source = plant(tmp_path / "source", {f"{name}/{name}": "x", "l": f"-> {name * 3}"})
    os.utime(source / name / name, ns=(0, -1_500_000_001))
    target = carried(source, tmp_path / "target")
    assert (target / name / name).stat().st_mtime_ns == -1_500_000_001
    assert str((target / "l").readlink()) == name * 3


@pytest.mark.parametrize(
    "members",
    [
        [(".", None), ("../x", b"")],
        [(".", None), ("/x", b"")],
        [(".", None), ("d/../../x", b"")],
        [(".", None), ("l", "-> /"), ("l/x", b"")],
        [(".", None), ("d/x", b"")],
        [(".", None), ("f", b""), ("h", "=> f")],
    ],
)
def test_what_is_not_of_that_form_is_refused(tmp_path: Path, members: list[Member]) -> None:
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(tarfile.TarError):
        unpack_directory(io.BytesIO(tar(members)), str(into))
    assert [path.name for path in tmp_path.iterdir()] == ["into"]


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.BLKTYPE])
def test_only_what_a_layer_holds_is_made(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(tarfile.TarError, match="nothing that a layer holds"):
        unpack_directory(io.BytesIO(tar([("f", b"")], kind=kind)), str(tmp_path))


def test_what_a_layer_cannot_hold_is_not_packed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(tarfile.TarError, match="nothing that a layer holds"):
        list(pack_directory(str(tmp_path)))

"""Snapshots: named by their content, immutable, without what is ignored, and without leaving the source."""

import os
import socket
import stat
from pathlib import Path

import pytest

from aiop.artifacts import LocalArtifacts
from aiop.artifacts.blobs import Blobs
from aiop.errors import ArtifactLost, SourceRefused
from aiop.interfaces import Artifacts
from aiop.model.ids import ExecutionId, SnapshotId, StepId, StepKey
from trees import Shape, plant, shape

OLD = 1_600_000_000


def settled(root: Path) -> Path:
    """Let all files look as if they had been there for long: times of change cannot be set, so the clock is."""
    for path in root.rglob("*"):
        os.utime(path, (OLD, OLD), follow_symlinks=False)
    return root


async def tree(artifacts: Artifacts, snapshot: SnapshotId) -> Path:
    """Return the directory that a first step sees."""
    key = StepKey(ExecutionId(snapshot), StepId("looks"))
    workspace = await artifacts.prepare(key, source=snapshot, layers=[], target="/w")
    (bottom,) = workspace.lowers
    return Path(bottom)


async def test_a_snapshot_shows_what_the_source_was(artifacts: Artifacts, tmp_path: Path) -> None:
    content: Shape = {"a": "1", "d/b": "2", "d/e": None, "l": "-> a", "out": "-> /etc/passwd", "up": "-> ../../x"}
    source = plant(tmp_path / "source", content)
    taken = await artifacts.snapshot(str(source))
    assert (taken.files, taken.size) == (2, 2)
    (source / "a").write_text("changed")
    assert shape(await tree(artifacts, taken.id)) == {**content, "d": None}


async def test_equal_trees_are_one_snapshot_wherever_and_whenever_they_are(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    one = plant(tmp_path / "one", {"a": "1", "d/b": "2"})
    other = settled(plant(tmp_path / "other", {"d/b": "2", "a": "1"}))
    (other / "a").chmod(0o600)
    assert await artifacts.snapshot(str(one)) == await artifacts.snapshot(str(other))


@pytest.mark.parametrize(
    "other",
    [
        {"a": "1", "d/b": "3"},
        {"a": "1", "d/c": "2"},
        {"a": "1", "d/b": "2", "e": None},
        {"a": "1", "d": None, "b": "2"},
        {"a": "-> 1", "d/b": "2"},
        {"a": "1"},
        {"a": "", "d/b": "12"},
    ],
)
async def test_other_trees_are_other_snapshots(artifacts: Artifacts, tmp_path: Path, other: Shape) -> None:
    first = await artifacts.snapshot(str(plant(tmp_path / "one", {"a": "1", "d/b": "2"})))
    assert (await artifacts.snapshot(str(plant(tmp_path / "other", other)))).id != first.id


async def test_the_right_to_execute_is_kept_and_counts(artifacts: Artifacts, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {"run": "x", "not": "x"})
    before = await artifacts.snapshot(str(source))
    (source / "run").chmod(0o700)
    after = await artifacts.snapshot(str(source))
    assert after.id != before.id
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (await tree(artifacts, after.id)).iterdir()}
    assert modes == {"run": 0o777, "not": 0o666}
    assert stat.S_IMODE((await tree(artifacts, after.id)).stat().st_mode) == 0o777


async def test_equal_files_in_one_tree_are_two_files(artifacts: Artifacts, tmp_path: Path) -> None:
    """``cp`` and ``mv`` do nothing between two names of one file."""
    taken = await artifacts.snapshot(str(plant(tmp_path / "source", {"a": "same", "b": "same", "c": "same"})))
    assert len({path.stat().st_ino for path in (await tree(artifacts, taken.id)).iterdir()}) == 3


async def test_snapshots_share_what_they_have_in_common(service: LocalArtifacts, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {"a": "1", "b": "same", "c": "same"})
    one = await service.snapshot(str(source))
    (source / "a").write_text("2")
    other = await service.snapshot(str(source))
    for name in ("b", "c"):
        assert (await tree(service, one.id)).joinpath(name).samefile(await tree(service, other.id) / name)


async def test_what_did_not_change_is_not_read_again(
    service: LocalArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = plant(tmp_path / "source", {"a": "1", "b": "2"})
    monkeypatch.setattr("aiop.artifacts.scan._SETTLED_NS", -(10**12))
    await service.snapshot(str(source))
    read: list[str] = []
    take = Blobs.take

    def watched(self: Blobs, file, **options):  # type: ignore[no-untyped-def]
        taken = take(self, file, **options)
        read.append(taken[0])
        return taken

    monkeypatch.setattr(Blobs, "take", watched)
    await service.snapshot(str(source))
    assert read == []
    (source / "b").write_text("3")
    changed = await service.snapshot(str(source))
    assert len(read) == 1
    assert shape(await tree(service, changed.id)) == {"a": "1", "b": "3"}


async def test_a_file_that_was_just_written_is_read_again_though_it_looks_the_same(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    source = plant(tmp_path / "source", {"a": "1"})
    before = await artifacts.snapshot(str(source))
    status = (source / "a").stat()
    (source / "a").write_text("2")
    os.utime(source / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (await artifacts.snapshot(str(source))).id != before.id


async def test_a_memory_of_files_that_is_broken_or_out_of_date_is_made_good(
    service: LocalArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = plant(tmp_path / "source", {"a": "1", "b": "2"})
    monkeypatch.setattr("aiop.artifacts.scan._SETTLED_NS", -(10**12))
    first = await service.snapshot(str(source))
    # Nothing of it is left but what the next scan believes to know.
    service._snapshots.delete(first.id)
    assert service._blobs.sweep() == 2
    assert (await service.snapshot(str(source))).id == first.id
    assert shape(await tree(service, first.id)) == {"a": "1", "b": "2"}
    (memory,) = service._disk.scans.iterdir()
    for broken in (b"", b"{", b"[1]", b'{"a":[1]}'):
        memory.write_bytes(broken)
        assert (await service.snapshot(str(source))).id == first.id


async def test_a_file_may_have_more_names_than_the_disk_allows(
    artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, limit = os.link, 3

    def limited(source, target, **options):  # type: ignore[no-untyped-def]
        if os.stat(source).st_nlink >= limit:  # noqa: PTH116
            raise OSError(31, "Too many links")
        link(source, target, **options)

    monkeypatch.setattr(os, "link", limited)
    source = plant(tmp_path / "source", {"kept": "same"})
    for number in range(8):
        (source / "other").write_text(str(number))
        taken = await artifacts.snapshot(str(source))
        assert shape(await tree(artifacts, taken.id)) == {"kept": "same", "other": str(number)}
        part = await artifacts.view(taken.id, ["kept"])
        assert shape(await tree(artifacts, part.id)) == {"kept": "same"}


# --- what is refused ----------------------------------------------------------------------------------------


async def test_special_files_are_refused_by_name(artifacts: Artifacts, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {"d/a": "1"})
    os.mkfifo(source / "d/pipe")
    with pytest.raises(SourceRefused, match="d/pipe is a pipe"):
        await artifacts.snapshot(str(source))
    (source / "d/pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(source / "d/socket"))
        with pytest.raises(SourceRefused, match="d/socket is a socket"):
            await artifacts.snapshot(str(source))


@pytest.mark.parametrize("name", ["none", "file", "link"])
async def test_a_source_that_is_no_directory_is_refused(artifacts: Artifacts, tmp_path: Path, name: str) -> None:
    plant(tmp_path, {"file": "x", "link": "-> ."})
    with pytest.raises(SourceRefused, match="cannot be read"):
        await artifacts.snapshot(str(tmp_path / name))


async def test_a_link_to_a_directory_outside_is_not_followed(artifacts: Artifacts, tmp_path: Path) -> None:
    plant(tmp_path / "outside", {"secret": "x"})
    source = plant(tmp_path / "source", {"d": "-> ../outside", ".gitignore": "-> ../outside/secret"})
    taken = await artifacts.snapshot(str(source))
    assert (taken.files, shape(await tree(artifacts, taken.id))) == (0, shape(source))


# --- reading and views --------------------------------------------------------------------------------------


async def test_a_file_is_read_through_links_inside_the_source_only(artifacts: Artifacts, tmp_path: Path) -> None:
    content = {
        "d/f": "text",
        "l": "-> d/f",
        "d/up": "-> ../l",
        "out": "-> ../secret",
        "abs": "-> /etc/passwd",
        "e": "-> e",
    }
    plant(tmp_path, {"secret": "x"})
    taken = await artifacts.snapshot(str(plant(tmp_path / "source", content)))
    for path in ("d/f", "l", "d/up", "./d//f", "d/../d/f"):
        assert await artifacts.read(taken.id, path, limit=4) == b"text"
    for path, words in [
        ("out", "leads out"), ("abs", "leads out"), ("../secret", "leads out"), ("/etc/passwd", "leads out"),
        ("none", "not in the source"), ("d/f/x", "not in the source"), ("e", "not in the source"), ("d", "no file"),
    ]:  # fmt: skip
        with pytest.raises(SourceRefused, match=words):
            await artifacts.read(taken.id, path, limit=4)
    with pytest.raises(SourceRefused, match="larger than 3"):
        await artifacts.read(taken.id, "d/f", limit=3)


async def test_a_view_holds_what_the_patterns_name(artifacts: Artifacts, tmp_path: Path) -> None:
    content = {"src/a.py": "1", "src/b.txt": "2", "src/deep/c.py": "3", "docs/d.py": "4", "e.py": "5", "none": None}
    taken = await artifacts.snapshot(str(plant(tmp_path / "source", content)))

    async def names(*patterns: str) -> set[str]:
        shown = shape(await tree(artifacts, (await artifacts.view(taken.id, patterns)).id))
        return {path for path, text in shown.items() if text is not None}

    assert await names("src/") == {"src/a.py", "src/b.txt", "src/deep/c.py"}
    assert await names("*.py") == {"src/a.py", "src/deep/c.py", "docs/d.py", "e.py"}
    assert await names("/*.py") == {"e.py"}
    assert await names("src/**", "!src/deep") == {"src/a.py", "src/b.txt"}
    assert await names("*", "!*.txt") == {"src/a.py", "src/deep/c.py", "docs/d.py", "e.py"}
    assert await names("nothing") == set()
    with pytest.raises(SourceRefused, match="cannot be read"):
        await artifacts.view(taken.id, ["!"])


async def test_a_view_does_not_change_with_what_it_does_not_show(artifacts: Artifacts, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {"src/a": "1", "docs/b": "2"})
    one = await artifacts.snapshot(str(source))
    (source / "docs/b").write_text("3")
    other = await artifacts.snapshot(str(source))
    assert one != other
    assert await artifacts.view(one.id, ["src"]) == await artifacts.view(other.id, ["src"])
    assert await artifacts.view(one.id, ["*"]) == one


async def test_what_is_not_held_is_lost(artifacts: Artifacts) -> None:
    unknown = SnapshotId("0" * 64)
    with pytest.raises(ArtifactLost):
        await artifacts.view(unknown, ["x"])
    with pytest.raises(ArtifactLost):
        await artifacts.read(unknown, "x", limit=1)

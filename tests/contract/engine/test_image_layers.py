"""What layers become: overlayfs shows of them what unpacking them one over the other gives, and none does harm."""

import asyncio
import io
import os
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiop.engines.oci.images import Image, ImageStore
from aiop.errors import ImageRefused, ImageStoreFull
from aiop.model.definition import PullPolicy
from aiop.model.images import ImageConfig
from aiop.overlay import Stack
from aiop.runtime.clock import SystemClock
from docker_lab import missing
from image_lab import PACKERS, directory, image_layout, layer, member, skopeo_is_there
from small_disk import SmallDisk

pytestmark = pytest.mark.oci


@pytest.fixture(scope="module", autouse=True)
def _skopeo() -> None:
    if not skopeo_is_there():
        missing("oci", "skopeo is not installed")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ImageStore]:
    made = ImageStore(tmp_path / "images", SystemClock())
    await made.open()
    yield made
    await made.aclose()


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def stored(store: ImageStore, *layers: bytes) -> Image:
    """Put an image of these layers into the store."""
    with tempfile.TemporaryDirectory() as place:
        image_layout(Path(place), layers)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(place, ".")
    await store.import_archive(once(archive.getvalue()), "made:1")
    return await store.resolve("made:1", pull=PullPolicy.MISSING, credentials=None)


def paths(image: Image) -> list[str]:
    return [os.path.realpath(path) for path in image.layers]


# --- whiteouts ------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(("a", "b", "c"))
LEAF = st.one_of(st.sampled_from((b"one", b"two", b"")), st.just("link"), st.just("removed"))
INSIDE = st.dictionaries(NAMES, LEAF, max_size=3)
ENTRY = st.one_of(LEAF, st.tuples(st.sampled_from(("merged", "opaque first", "opaque last")), INSIDE))
LAYER = st.dictionaries(NAMES, ENTRY, max_size=3)


def packed(entries: dict[str, Any], prefix: str = "") -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Describe a layer as tar has it."""
    for name, entry in entries.items():
        path = f"{prefix}{name}"
        if entry == "removed":
            yield member(f"{prefix}.wh.{name}")
        elif entry == "link":
            yield member(path, type=tarfile.SYMTYPE, linkname="elsewhere")
        elif isinstance(entry, bytes):
            yield member(path, entry)
        else:
            how, inside = entry
            opaque = [member(f"{path}/.wh..wh..opq")]
            yield directory(path)
            yield from opaque if how == "opaque first" else ()
            yield from packed(inside, f"{path}/")
            yield from opaque if how == "opaque last" else ()


def applied(below: dict[str, Any], entries: dict[str, Any]) -> dict[str, Any]:
    """Unpack a layer over a tree; directories are dictionaries."""
    tree = dict(below)
    for name, entry in entries.items():
        if entry == "removed":
            tree.pop(name, None)
        elif isinstance(entry, tuple):
            how, inside = entry
            under = tree.get(name)
            tree[name] = applied(under if isinstance(under, dict) and how == "merged" else {}, inside)
        else:
            tree[name] = entry
    return tree


def read(root: Path) -> dict[str, Any]:
    """Read a tree from the disk.

    The kernel lists the name of a whiteout of what was never there; it finds nothing under it, and so do programs.
    """
    return {
        path.name: "link" if path.is_symlink() else read(path) if path.is_dir() else path.read_bytes()
        for path in root.iterdir()
        if os.path.lexists(path)
    }


def viewed(stack: Stack) -> dict[str, Any]:
    """Read a tree from a stack that is not mounted."""
    tree: dict[str, Any] = {}
    for node in stack.walk():
        *parents, name = node.path.split("/")
        place = tree
        for parent in parents:
            place = place[parent]
        place[name] = "link" if node.is_link else Path(node.real[0]).read_bytes() if node.is_file else {}
    return tree


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layers=st.lists(LAYER, min_size=1, max_size=4))
def test_an_overlay_of_the_layers_shows_what_unpacking_them_gives(tmp_path: Path, layers: list[dict[str, Any]]) -> None:
    tree: dict[str, Any] = {}
    for entries in layers:
        tree = applied(tree, entries)

    async def run() -> Image:
        made = ImageStore(tmp_path / "images", SystemClock())
        await made.open()
        return await stored(made, *(layer(*packed(entries)) for entries in layers))

    found = paths(asyncio.run(run()))
    assert viewed(Stack(found)) == tree
    target, spare = tmp_path / "mounted", tmp_path / "spare"
    target.mkdir(exist_ok=True)
    spare.mkdir(exist_ok=True)
    # The kernel wants two of them for a mount that is only read.
    command = ["mount", "-t", "overlay", "overlay", "-o", f"ro,lowerdir={':'.join([*found, str(spare)])}", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        assert read(target) == tree
    finally:
        subprocess.run(["umount", str(target)], check=True)


# --- what means harm ------------------------------------------------------------------------------------------

SYMLINK, HARD_LINK = {"type": tarfile.SYMTYPE}, {"type": tarfile.LNKTYPE}


def harm(outside: Path) -> dict[str, bytes]:
    """Layers that try to reach ``outside``, where ``secret`` is."""
    up = "../" * 20 + str(outside).lstrip("/")
    way = member("way", linkname=str(outside), **SYMLINK)
    return {
        "a path that goes up": layer(member(f"{up}/written", b"harm")),
        "an absolute path": layer(member(f"{outside}/written", b"harm")),
        "a path that goes up from within": layer(directory("a"), member(f"a/../{up}/written", b"harm")),
        "a file behind an absolute link": layer(way, member("way/written", b"harm")),
        "a file behind a link that goes up": layer(
            member("way", linkname=up, **SYMLINK), member("way/written", b"harm")
        ),
        "a directory over a link": layer(way, directory("way"), member("way/written", b"harm")),
        "a hard link to an absolute path": layer(member("got", linkname=f"{outside}/secret", **HARD_LINK)),
        "a hard link that goes up": layer(member("got", linkname=f"{up}/secret", **HARD_LINK)),
        "a hard link behind a link": layer(way, member("got", linkname="way/secret", **HARD_LINK)),
        "a file over a hard link": layer(
            way, member("got", linkname="way/secret", **HARD_LINK), member("got", b"harm")
        ),
        "a whiteout behind a link": layer(way, member("way/.wh.secret")),
        "a whiteout of what is above": layer(directory("a"), member("a/.wh...")),
        "a whiteout of itself": layer(directory("a"), member("a/.wh..")),
        "an opaque mark behind a link": layer(way, member("way/.wh..wh..opq")),
    }


@pytest.mark.parametrize("kind", harm(Path("/outside")))
async def test_no_layer_reaches_what_is_outside(store: ImageStore, tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    try:
        image = await stored(store, harm(outside)[kind])
    except ImageRefused:
        assert store.list() == []
    else:
        # What the layer has is below it; nothing there is the file outside by another name.
        inside = [path for root in paths(image) for path in Path(root).rglob("*")]
        assert all(path.lstat().st_ino != (outside / "secret").lstat().st_ino for path in inside)
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"
    assert (outside / "secret").lstat().st_nlink == 1
    assert not list((tmp_path / "images/t").iterdir())


async def test_special_files_are_kept_for_what_they_are_and_stop_nothing(store: ImageStore) -> None:
    image = await stored(
        store,
        layer(
            member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
            member("pipe", type=tarfile.FIFOTYPE),
            member("su", b"program", mode=0o4755, uid=0),
            member("theirs", b"", uid=1234, gid=2345),
        ),
    )
    root = Path(paths(image)[0])
    assert stat.S_ISCHR((root / "null").lstat().st_mode)
    assert stat.S_ISFIFO((root / "pipe").lstat().st_mode)
    assert stat.S_IMODE((root / "su").lstat().st_mode) == 0o4755
    assert ((root / "theirs").lstat().st_uid, (root / "theirs").lstat().st_gid) == (1234, 2345)


def lying(size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Pack a member that says it is larger than what follows."""
    entry = tarfile.TarInfo("large")
    entry.type, entry.size = kind, size
    return entry.tobuf(tarfile.GNU_FORMAT) + bytes(10 * 512)


@pytest.mark.parametrize(
    "content",
    [lying(2**62), lying(2**30, tarfile.XHDTYPE), lying(2**30, tarfile.GNUTYPE_LONGNAME), b"\xff" * 4096],
    ids=["a file", "a header", "a name", "no archive"],
)
async def test_what_lies_about_its_size_is_refused_at_once(store: ImageStore, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ImageRefused):
        await stored(store, content)
    with pytest.raises(ImageRefused):
        await store.import_root(once(content), "made:1", ImageConfig())
    assert store.list() == []
    await store.prune(0)
    assert layers_left(tmp_path) == []


async def test_what_does_not_fit_on_the_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path, 24 * 1024**2)
    try:
        store = ImageStore(tmp_path / "images", SystemClock())
        await store.open()
        small = await stored(store, layer(member("small", b"small")))
        bomb = PACKERS["+gzip"](layer(member("zeros", bytes(64 * 1024**2))))
        with tempfile.TemporaryDirectory() as place:
            image_layout(Path(place), [layer(member("zeros", bytes(64 * 1024**2)))])
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as tar:
                tar.add(place, ".")
        for arrives in (
            lambda: store.import_root(once(bomb), "bomb:1", ImageConfig()),
            lambda: store.import_archive(once(packed.getvalue()), "bomb:1"),
            lambda: store.import_root(once(bytes(64 * 1024**2)), "bomb:1", ImageConfig()),
        ):
            with pytest.raises(ImageStoreFull, match="full"):
                await arrives()
            assert len(layers_left(tmp_path)) == 1
            assert not list((tmp_path / "images/t").iterdir())
        assert [image.names for image in store.list()] == [("made:1",)]
        assert (Path(paths(small)[0]) / "small").read_bytes() == b"small"
        await store.aclose()
    finally:
        disk.close()


def layers_left(place: Path) -> list[Path]:
    return list((place / "images/s/overlay").glob("[0-9a-f]" * 64))

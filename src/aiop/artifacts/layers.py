"""What attempts change: a directory each, in which the engine lets the container write."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from aiop.artifacts.disk import Disk, flush_tree
from aiop.artifacts.snapshots import Snapshots
from aiop.artifacts.squashes import Part, Squashes
from aiop.errors import ArtifactLost
from aiop.model.artifacts import Layer
from aiop.model.ids import LayerId, SnapshotId, StepKey
from aiop.model.run import Workspace
from aiop.overlay import attributes, copy_status, holes, is_whiteout, settle

__all__ = ["Layers"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_VERSION = b"1\0"

_OPTIONS = 4096 - 256
"""The kernel takes one page of options for a mount, and some of that is for others than the paths."""


class Layers:
    """A layer is made and sealed in place, and never moved. Beside ``u`` and ``w``, what overlayfs calls upper and
    work, it has ``p``, what it was prepared with, and once it is sealed ``i``, its digest and size.
    """

    def __init__(self, disk: Disk, snapshots: Snapshots, squashes: Squashes, used: Callable[[Path], None]) -> None:
        self._disk = disk
        self._snapshots = snapshots
        self._squashes = squashes
        self._used = used

    def prepare(self, key: StepKey, *, source: SnapshotId | None, layers: Sequence[LayerId], target: str) -> Workspace:
        """Make the directories of an attempt, or find them."""
        place = self.path(key.layer)
        above, bottom = [self._part(layer) for layer in layers], self._bottom(source)
        upper, work = place / "u", place / "w"
        place.mkdir(mode=0o700, exist_ok=True)
        self._used(place)
        self._note(place, {"source": source, "layers": list(layers)})
        work.mkdir(mode=0o700, exist_ok=True)
        if not upper.exists():
            # With the mode of the directory that it takes the place of; as a draft, so that it is never without it.
            draft = self._disk.draft()
            draft.mkdir(mode=0o700)
            copy_status(above[-1].path if above else bottom, str(draft))
            draft.rename(upper)
        room = _OPTIONS - sum(len(os.fsencode(path)) for path in (bottom, upper, work))
        return Workspace(target, (*self._squashes.fit(above, bottom, room=room), bottom), str(upper), str(work))

    def seal(self, key: StepKey) -> Layer:
        """Settle the layer, and write down what it is; raises ``ArtifactLost``."""
        place = self.path(key.layer)
        if (place / "i").exists():
            return self.get(key.layer)
        noted = _read(place / "p")
        if noted is None:
            raise ArtifactLost(f"the layer of {key.name} was not prepared, or is gone")
        if noted["boot"] != _boot():
            raise ArtifactLost(f"the machine went down while {key.name} ran: what it wrote may be lost")
        upper = place / "u"
        settle(str(upper), self.lowers(noted["source"], noted["layers"]), str(self._disk.draft()))
        digest, size = _measure(upper)
        flush_tree(upper)
        self._describe(place, digest, size)
        self._used(place)
        return Layer(key.layer, digest, size)

    def get(self, layer: LayerId) -> Layer:
        """Return a sealed layer; raises ``ArtifactLost``."""
        found = self._sealed(layer)
        return Layer(layer, found["digest"], found["size"])

    def restore(self, layer: Layer, fill: Callable[[Path], None]) -> None:
        """Take in a sealed layer from elsewhere: ``fill`` makes its directory. Raises ``ArtifactLost`` if what it made
        is not that layer.

        One that is open here was sealed elsewhere meanwhile: its container has ended, and what is here counts no more.
        """
        place = self.path(layer.id)
        with self._disk.drafted() as draft:
            upper = draft / "u"
            upper.mkdir()
            fill(upper)
            if _measure(upper) != (layer.digest, layer.size):
                raise ArtifactLost(f"the layer {layer.id} is damaged where it is kept")
            flush_tree(draft)
            self._describe(draft, layer.digest, layer.size)
            if not (place / "i").exists():
                self._disk.delete(place)
            self._disk.publish(draft, place)
        self._used(place)

    def pinned(self) -> tuple[set[SnapshotId], set[LayerId]]:
        """Return what the open layers lie on: containers may have it mounted."""
        snapshots, layers = set[SnapshotId](), set[LayerId]()
        for layer, place in self.held():
            noted = None if (place / "i").exists() else _read(place / "p")
            if noted is not None:
                layers.update({layer}, noted["layers"])
                snapshots.update({noted["source"]} - {None})
        return snapshots, layers

    def size(self, layer: LayerId) -> int:
        """Return the size of a sealed layer; 0 if it is not here, or open."""
        found = _read(self.path(layer) / "i")
        return 0 if found is None else int(found["size"])

    def lowers(self, source: SnapshotId | None, layers: Sequence[LayerId]) -> list[str]:
        """Return the directories of a stack, the topmost first; raises ``ArtifactLost``."""
        return [*(self._part(layer).path for layer in reversed(layers)), self._bottom(source)]

    def held(self) -> list[tuple[LayerId, Path]]:
        """List all, with their directories."""
        return [(LayerId(place.name), place) for place in self._disk.layers.iterdir()]

    def delete(self, layer: LayerId) -> int:
        """Delete one; no container has it in its stack any more."""
        return self._squashes.delete_with(layer) + self._disk.delete(self.path(layer))

    def path(self, layer: LayerId) -> Path:
        """Return where it is, if it is here."""
        return self._disk.layers / layer

    def _describe(self, place: Path, digest: str, size: int) -> None:
        """Write down what the layer is: from then on it is sealed."""
        empty = [os.fsencode(path).hex() for path in holes(str(place / "u"))]
        self._disk.write(place / "i", orjson.dumps({"digest": digest, "size": size, "holes": empty}))

    def _sealed(self, layer: LayerId) -> dict[str, Any]:
        place = self.path(layer)
        try:
            self._used(place)
            found = _read(place / "i")
        except FileNotFoundError:
            found = None
        if found is None:
            raise ArtifactLost(f"the layer {layer} is not here any more, or was never sealed")
        return found

    def _part(self, layer: LayerId) -> Part:
        empty = tuple(os.fsdecode(bytes.fromhex(path)) for path in self._sealed(layer)["holes"])
        return Part((layer,), str(self.path(layer) / "u"), empty)

    def _bottom(self, source: SnapshotId | None) -> str:
        return str(self._disk.empty if source is None else self._snapshots.tree(source))

    def _note(self, place: Path, made_of: dict[str, object]) -> None:
        """Write down what the layer lies on, and when: what is there stays, unless nothing was done with it yet."""
        noted = _read(place / "p")
        if noted is not None:
            if noted != {**made_of, "boot": noted["boot"]}:
                raise RuntimeError(f"the layer {place.name} was prepared on something else")
            if noted["boot"] == _boot() or (place / "i").exists() or _has_content(place / "u"):
                return
        self._disk.write(place / "p", orjson.dumps({**made_of, "boot": _boot()}), flush=False)


def _has_content(directory: Path) -> bool:
    return directory.exists() and any(directory.iterdir())


def _boot() -> str:
    return _BOOT.read_text().strip()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None  # or half written, when the power went
    return found if isinstance(found, dict) else None


def _measure(upper: Path) -> tuple[str, int]:
    """Return the digest and size of what a settled layer holds."""
    digest, size = hashlib.sha256(_VERSION), 0
    for path, status in _everything(str(upper)):
        relative = os.fsencode(path)[len(os.fsencode(upper)) :]
        kind = "-" if is_whiteout(status) else f"{status.st_mode:o} {status.st_uid} {status.st_gid}"
        content = b""
        if stat.S_ISREG(status.st_mode):
            size += status.st_size
            with open(path, "rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
        elif stat.S_ISLNK(status.st_mode):
            content = os.fsencode(os.readlink(path))
        kept = attributes(path) if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) else {}
        # Each part begins with its length, so that no two lists of parts look alike.
        for part in (relative, kind.encode(), content, *(name.encode() + b"=" + value for name, value in kept.items())):
            digest.update(len(part).to_bytes(8) + part)
        digest.update(b"\xff" * 8)
    return digest.hexdigest(), size


def _everything(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield a directory and all that is in it, in the order of the bytes of names."""
    yield directory, os.lstat(directory)
    with os.scandir(directory) as entries:
        found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    for entry in found:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            yield from _everything(entry.path)
        else:
            yield entry.path, status

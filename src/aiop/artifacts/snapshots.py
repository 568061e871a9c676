"""Immutable trees of files, named by what is in them."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson

from aiop.artifacts.blobs import Blobs
from aiop.artifacts.disk import Disk, flush_tree
from aiop.artifacts.manifest import Entry, Kind, describe, in_order, link_entry, read_manifest, write_manifest
from aiop.artifacts.scan import Scan
from aiop.errors import ArtifactLost, SourceRefused
from aiop.ignore import read_patterns
from aiop.model.artifacts import Snapshot
from aiop.model.ids import SnapshotId
from aiop.overlay import Escape, Stack, find, link_or_copy

__all__ = ["Snapshots"]

_VIEWS_KEPT = 1000

Placer = Callable[[Entry, Path], bool]
"""Makes a file appear at a path; false if its content is not at hand any more."""


class Snapshots:
    """Each is a directory of hard links, so that it costs names, and content only once.

    ``used`` is called with what is given out, for the sweep to see.
    """

    def __init__(self, disk: Disk, blobs: Blobs, used: Callable[[Path], None]) -> None:
        self._disk = disk
        self._blobs = blobs
        self._used = used
        self._views: OrderedDict[tuple[SnapshotId, tuple[str, ...]], SnapshotId] = OrderedDict()

    def take(self, directory: Path, *, remember: bool = True) -> Snapshot:
        """Take a snapshot of a directory; raises ``SourceRefused``.

        ``remember``: the directory will be there for another snapshot, which need not read what did not change.
        """
        for trust in (True, False, False):
            entries = in_order(Scan(directory, self._blobs, self._disk, trust=trust, remember=remember).run())
            copies = Counter[tuple[str, Kind]]()

            def place(entry: Entry, path: Path, copies: Counter[tuple[str, Kind]] = copies) -> bool:
                copy = copies[entry.digest, entry.kind]
                copies[entry.digest, entry.kind] += 1
                return self._blobs.link(entry.digest, path, executable=entry.kind is Kind.EXECUTABLE, copy=copy)

            def read_link(entry: Entry) -> str:
                return os.readlink(directory / entry.path)

            made = self._make(entries, place, read_link)
            if made is not None:
                return made
        raise SourceRefused(f"{directory} changes faster than it can be read")

    def get(self, snapshot: SnapshotId) -> Snapshot:
        """Return what is known of a snapshot; raises ``ArtifactLost``."""
        place = self._place(snapshot)
        try:
            self._used(place)
            found = orjson.loads((place / "i").read_bytes())
        except FileNotFoundError:
            found = None
        if found is None or found["id"] != snapshot:
            raise ArtifactLost(f"the snapshot {snapshot} is not here any more")
        return Snapshot(snapshot, found["files"], found["size"])

    def restore(self, snapshot: SnapshotId, fill: Callable[[Path], None]) -> None:
        """Take in a snapshot from elsewhere: ``fill`` makes its tree. Raises ``ArtifactLost`` if what it made is not
        that snapshot.
        """
        with self._disk.drafted() as draft:
            (draft / "t").mkdir()
            fill(draft / "t")
            entries = in_order(_entries(str(draft / "t")))
            made = describe(entries)
            if made.id != snapshot:
                raise ArtifactLost(f"the snapshot {snapshot} is damaged where it is kept")
            self._finish(draft, entries, made)
        self._used(self._place(snapshot))

    def tree(self, snapshot: SnapshotId) -> Path:
        """Return the directory to be mounted; raises ``ArtifactLost``."""
        self.get(snapshot)
        return self._place(snapshot) / "t"

    def view(self, snapshot: SnapshotId, patterns: Sequence[str]) -> Snapshot:
        """Return the part that patterns name; raises ``SourceRefused`` and ``ArtifactLost``."""
        wanted = (snapshot, tuple(patterns))
        known = self._views.get(wanted)
        if known is not None:
            try:
                return self.get(known)
            except ArtifactLost:
                del self._views[wanted]
        tree = self.tree(snapshot)
        entries = _selected(read_manifest((tree.parent / "m").read_bytes()), patterns)

        def place(entry: Entry, path: Path) -> bool:
            link_or_copy(str(tree / entry.path), str(path))
            return True

        made = self._make(entries, place, lambda entry: os.readlink(tree / entry.path))
        if made is None:
            raise ArtifactLost(f"the snapshot {snapshot} is not whole")
        self._views[wanted] = made.id
        if len(self._views) > _VIEWS_KEPT:
            self._views.popitem(last=False)
        return made

    def read(self, snapshot: SnapshotId, path: str, *, limit: int) -> bytes:
        """Return a file; raises ``SourceRefused`` and ``ArtifactLost``."""
        try:
            node = find(Stack([str(self.tree(snapshot))]), path)
        except Escape:
            raise SourceRefused(f"{path} leads out of the source") from None
        if node is None:
            raise SourceRefused(f"{path} is not in the source, or is left out of it by an ignore file")
        if not node.is_file:
            raise SourceRefused(f"{path} is no file")
        if node.status.st_size > limit:
            raise SourceRefused(f"{path} is larger than {limit} bytes")
        return Path(node.real[0]).read_bytes()

    def held(self) -> list[tuple[SnapshotId, Path]]:
        """List all, with their directories."""
        found = []
        for place in self._disk.snapshots.iterdir():
            try:
                found.append((SnapshotId(orjson.loads((place / "i").read_bytes())["id"]), place))
            except FileNotFoundError:
                continue
        return found

    def size(self, snapshot: SnapshotId) -> int:
        """Return the size of one; 0 if it is not here."""
        try:
            return int(orjson.loads((self._place(snapshot) / "i").read_bytes())["size"])
        except FileNotFoundError:
            return 0

    def delete(self, snapshot: SnapshotId) -> int:
        """Delete one; its blobs stay until they are swept."""
        return self._disk.delete(self._place(snapshot))

    def path(self, snapshot: SnapshotId) -> Path:
        """Return where it is, if it is here."""
        return self._place(snapshot)

    def _place(self, snapshot: SnapshotId) -> Path:
        return self._disk.snapshots / base64.b32encode(bytes.fromhex(snapshot)[:10]).decode().lower()

    def _make(self, entries: Sequence[Entry], place: Placer, read_link: Callable[[Entry], str]) -> Snapshot | None:
        """Build the tree unless it is there; ``None`` if something is not at hand any more."""
        made = describe(entries)
        try:
            return self.get(made.id)
        except ArtifactLost:
            pass
        with self._disk.drafted() as draft:
            tree = draft / "t"
            tree.mkdir()
            tree.chmod(0o777)
            for entry in entries:
                if not _build(entry, tree / entry.path, place, read_link):
                    return None
            self._finish(draft, entries, made)
        return self.get(made.id)

    def _finish(self, draft: Path, entries: Sequence[Entry], made: Snapshot) -> None:
        (draft / "m").write_bytes(write_manifest(entries))
        (draft / "i").write_bytes(orjson.dumps({"id": made.id, "files": made.files, "size": made.size}))
        flush_tree(draft)
        self._disk.publish(draft, self._place(made.id))


def _entries(tree: str, prefix: str = "") -> Iterator[Entry]:
    """Describe what a tree of ours holds."""
    with os.scandir(tree) as found:
        entries = list(found)
    for entry in entries:
        path, status = prefix + entry.name, entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            yield Entry(path, Kind.DIRECTORY)
            yield from _entries(entry.path, f"{path}/")
        elif stat.S_ISLNK(status.st_mode):
            yield link_entry(path, os.readlink(entry.path))
        else:
            kind = Kind.EXECUTABLE if status.st_mode & stat.S_IXUSR else Kind.FILE
            with open(entry.path, "rb") as file:
                yield Entry(path, kind, hashlib.file_digest(file, "sha256").hexdigest(), status.st_size)


def _build(entry: Entry, path: Path, place: Placer, read_link: Callable[[Entry], str]) -> bool:
    if entry.kind is Kind.DIRECTORY:
        path.mkdir()
        path.chmod(0o777)
        return True
    if entry.kind is Kind.LINK:
        try:
            target = read_link(entry)
        except OSError:
            return False
        path.symlink_to(target)
        return link_entry(entry.path, target) == entry
    return place(entry, path)


def _selected(entries: Sequence[Entry], patterns: Sequence[str]) -> list[Entry]:
    """Keep what patterns name, with the directories on the way; the order stays."""
    spec = read_patterns(patterns, "sources")
    kept: set[str] = set()
    for entry in entries:
        path = f"{entry.path}/" if entry.kind is Kind.DIRECTORY else entry.path
        if spec.check_file(path).include:
            part = entry.path
            while part and part not in kept:
                kept.add(part)
                part = part.rpartition("/")[0]
    return [entry for entry in entries if entry.path in kept]

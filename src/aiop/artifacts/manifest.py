"""The list of what a tree of files holds, and the digest that names the tree."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aiop.model.artifacts import Snapshot
from aiop.model.ids import SnapshotId

__all__ = ["Entry", "Kind", "describe", "in_order", "link_entry", "read_manifest", "write_manifest"]

_VERSION = b"1\0"
"""Of what goes into a digest: another version makes other digests."""


class Kind(StrEnum):
    """What an entry is: all of its permissions, too."""

    DIRECTORY = "d"
    FILE = "f"
    EXECUTABLE = "x"
    LINK = "l"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path. ``digest`` is that of the content, or of the target of a link; empty for a directory."""

    path: str
    kind: Kind
    digest: str = ""
    size: int = 0


def link_entry(path: str, target: str) -> Entry:
    """Describe a link, whatever it leads to."""
    text = os.fsencode(target)
    return Entry(path, Kind.LINK, hashlib.sha256(text).hexdigest(), len(text))


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Sort by the bytes of the paths: each directory comes before what is in it."""
    return sorted(entries, key=lambda entry: os.fsencode(entry.path))


def describe(entries: Sequence[Entry]) -> Snapshot:
    """Name the tree; the entries are in order."""
    digest = hashlib.sha256(_VERSION)
    files = size = 0
    for entry in entries:
        digest.update(f"{entry.kind}{entry.digest}".encode() + b"\0" + os.fsencode(entry.path) + b"\0")
        if entry.kind in (Kind.FILE, Kind.EXECUTABLE):
            files += 1
            size += entry.size
    return Snapshot(SnapshotId(digest.hexdigest()), files, size)


def write_manifest(entries: Iterable[Entry]) -> bytes:
    """Write the list as bytes."""
    return b"".join(
        f"{entry.kind} {entry.digest} {entry.size} ".encode() + os.fsencode(entry.path) + b"\0" for entry in entries
    )


def read_manifest(data: bytes) -> list[Entry]:
    """Read what ``write_manifest`` wrote."""
    found = []
    for line in data.split(b"\0")[:-1]:
        kind, digest, size, path = line.split(b" ", 3)
        found.append(Entry(os.fsdecode(path), Kind(kind.decode()), digest.decode(), int(size)))
    return found

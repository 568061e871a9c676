"""Files that outlive a container: what a pipeline starts from, what its steps change, what it hands out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aiop.model.ids import ExecutionId, LayerId, SnapshotId, UploadId

__all__ = ["Garbage", "Layer", "OutputKind", "Snapshot", "StoredOutput"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An immutable tree of files. ``id`` is the digest of its content: paths, kinds, executable bits, contents and
    link targets, not times. ``files`` counts regular files, ``size`` is the sum of their bytes.
    """

    id: SnapshotId
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Layer:
    """What one attempt changed in its workspace; immutable.

    ``digest`` is that of the changes (paths, kinds, modes, owners, contents, link targets, removals, not times): equal
    changes have equal digests, no changes have the digest of no changes. ``size`` is in bytes.
    """

    id: LayerId
    digest: str
    size: int


class OutputKind(StrEnum):
    """What a named output is, and so how it is handed out: as it is, or as a ``.tar.gz``."""

    FILE = "file"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """A named output as it is kept; ``size`` and ``sha256`` are those of the bytes that a download gives."""

    kind: OutputKind
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """Things that are held, or that may go, each by the name it has for others. ``outputs``: all of an execution's."""

    snapshots: frozenset[SnapshotId] = frozenset()
    layers: frozenset[LayerId] = frozenset()
    uploads: frozenset[UploadId] = frozenset()
    outputs: frozenset[ExecutionId] = frozenset()

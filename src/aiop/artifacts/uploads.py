"""Sources that were sent as an archive."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from aiop.artifacts.archives import ArchiveLimits, unpack
from aiop.artifacts.disk import Disk
from aiop.artifacts.snapshots import Snapshots
from aiop.errors import NotFound
from aiop.model.artifacts import Snapshot
from aiop.model.ids import SnapshotId, UploadId, new_id

__all__ = ["Uploads"]

_ID = re.compile(r"[0-9a-f-]{36}")


class Uploads:
    """A file for each upload, which names its snapshot."""

    def __init__(self, disk: Disk, snapshots: Snapshots, limits: ArchiveLimits, used: Callable[[Path], None]) -> None:
        self.limits = limits
        self._disk = disk
        self._snapshots = snapshots
        self._used = used

    def take(self, archive: Path) -> UploadId:
        """Unpack an archive and take its snapshot; raises ``SourceRefused`` and ``TooLarge``."""
        with self._disk.drafted() as draft:
            unpack(archive, draft, self.limits)
            snapshot = self._snapshots.take(draft, remember=False)
        upload = UploadId(new_id())
        self.note(upload, snapshot.id)
        return upload

    def note(self, upload: UploadId, snapshot: SnapshotId) -> None:
        """Write down which snapshot an upload is."""
        self._disk.write(self.path(upload), snapshot.encode())
        self._used(self.path(upload))

    def get(self, upload: UploadId) -> Snapshot:
        """Return the snapshot of an upload; raises ``NotFound`` and ``ArtifactLost``."""
        return self._snapshots.get(self.snapshot(upload))

    def snapshot(self, upload: UploadId) -> SnapshotId:
        """Name the snapshot of an upload; raises ``NotFound``."""
        if self.is_id(upload):
            with contextlib.suppress(FileNotFoundError):
                snapshot = SnapshotId(self.path(upload).read_text())
                self._used(self.path(upload))
                return snapshot
        raise NotFound(f"no source was uploaded as {upload}")

    def is_id(self, text: str) -> bool:
        """Whether it may name an upload: what is no id must not be taken for a path."""
        return _ID.fullmatch(text) is not None

    def held(self) -> list[tuple[UploadId, SnapshotId, Path]]:
        """List all, with their snapshots and files."""
        return [(UploadId(path.name), SnapshotId(path.read_text()), path) for path in self._disk.uploads.iterdir()]

    def path(self, upload: UploadId) -> Path:
        """Return where it is, if it is here."""
        return self._disk.uploads / upload

    def delete(self, upload: UploadId) -> int:
        """Delete one; its snapshot goes as others do."""
        return self._disk.delete(self.path(upload))

"""The contents of all snapshots, each stored once."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from aiop.artifacts.disk import Disk

__all__ = ["Blobs"]

_CHUNK = 1024 * 1024
_MODES = {False: 0o666, True: 0o777}
"""Steps run as any user, and each may change the files of its workspace."""


class Blobs:
    """Files named by the digest of their content, with or without the right to be executed.

    Two equal files in one tree must not be one file on the disk: ``cp`` and ``mv`` refuse to work on what is the same.
    So each blob has as many copies as a tree has ever had of it; ``copy`` counts from 0.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def take(self, source: BinaryIO, *, executable: bool, mtime_ns: int) -> tuple[str, int]:
        """Store what can be read from ``source``; returns its digest and size."""
        chunk = source.read(_CHUNK)
        digest = hashlib.sha256(chunk)
        if len(chunk) < _CHUNK:
            name = digest.hexdigest()
            if not self._path(name, executable, 0).exists():
                self._store(name, executable, iter((chunk,)), mtime_ns)
            return name, len(chunk)
        return self._take_large(source, chunk, executable=executable, mtime_ns=mtime_ns)

    def link(self, digest: str, place: Path, *, executable: bool, copy: int) -> bool:
        """Make the blob appear at ``place``; ``False`` if it is not here."""
        path = self._path(digest, executable, copy)
        while True:
            try:
                os.link(path, place)
            except FileNotFoundError:
                first = self._path(digest, executable, 0)
                if copy == 0 or not first.exists():
                    return False
                self._copy(first, path)
            except OSError as error:
                if error.errno != errno.EMLINK:
                    raise
                # The old file lives on in the trees that have it.
                self._copy(path, path)
            else:
                return True

    def sweep(self) -> int:
        """Delete what is in no snapshot; returns the bytes freed.

        One that is linked to meanwhile stays alive there, and is stored again when it is wanted next.
        """
        freed = 0
        for directory in self._disk.blobs.iterdir():
            with os.scandir(directory) as entries:
                for entry in entries:
                    status = entry.stat()
                    if status.st_nlink == 1:
                        os.unlink(entry.path)
                        freed += status.st_size
        return freed

    def _path(self, digest: str, executable: bool, copy: int) -> Path:
        suffix = f"{'x' if executable else ''}{copy or ''}"
        return self._disk.blobs / digest[:2] / f"{digest[2:]}.{suffix}"

    def _take_large(self, source: BinaryIO, chunk: bytes, *, executable: bool, mtime_ns: int) -> tuple[str, int]:
        """Read once, hash and write at the same time: what is stored is what was hashed, whoever writes meanwhile."""
        digest, size = hashlib.sha256(), 0
        draft = self._disk.draft()
        try:
            with draft.open("xb") as file:
                while chunk:
                    digest.update(chunk)
                    size += file.write(chunk)
                    chunk = source.read(_CHUNK)
            self._finish(draft, digest.hexdigest(), executable, 0, mtime_ns)
        finally:
            draft.unlink(missing_ok=True)
        return digest.hexdigest(), size

    def _store(self, name: str, executable: bool, chunks: Iterator[bytes], mtime_ns: int) -> None:
        draft = self._disk.draft()
        try:
            with draft.open("xb") as file:
                file.writelines(chunks)
            self._finish(draft, name, executable, 0, mtime_ns)
        finally:
            draft.unlink(missing_ok=True)

    def _finish(self, draft: Path, name: str, executable: bool, copy: int, mtime_ns: int) -> None:
        draft.chmod(_MODES[executable])
        os.utime(draft, ns=(mtime_ns, mtime_ns))
        path = self._path(name, executable, copy)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft.rename(path)

    def _copy(self, source: Path, target: Path) -> None:
        draft = self._disk.draft()
        try:
            shutil.copy2(source, draft)
            draft.rename(target)
        finally:
            draft.unlink(missing_ok=True)

"""Where things are in the directory, and how they come there whole and go again."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from aiop.errors import StorageUnavailable

__all__ = ["Disk", "flush_file", "flush_tree", "storage_faults"]

_libc = ctypes.CDLL(None, use_errno=True)

_FEW = 32
"""Files that are flushed one by one; for more, the whole file system is in one go."""

_BROKEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


@contextmanager
def storage_faults() -> Iterator[None]:
    """Turn what is the disk's fault into ``StorageUnavailable``."""
    try:
        yield
    except OSError as error:
        if error.errno in _BROKEN:
            raise StorageUnavailable(f"files cannot be kept: {error.strerror}") from error
        raise


class Disk:
    """One directory of our own on one file system.

    The names are short: the paths of all layers of a workspace must fit into the options of one mount. A thing is made
    as a draft and renamed when it is whole, and renamed before it is deleted: so under its name it is whole, always.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = root / "b"
        self.snapshots = root / "s"
        self.layers = root / "l"
        self.squashed = root / "q"
        self.uploads = root / "u"
        self.outputs = root / "o"
        self.scans = root / "c"
        self.drafts = root / "t"
        self.empty = root / "e"

    def open(self) -> None:
        """Make what is missing, and delete the drafts that a crash left."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        delete_tree(self.drafts)
        for part in (self.blobs, self.snapshots, self.layers, self.squashed, self.uploads, self.outputs):
            part.mkdir(mode=0o700, exist_ok=True)
        self.scans.mkdir(mode=0o700, exist_ok=True)
        self.drafts.mkdir(mode=0o700)
        self.empty.mkdir(exist_ok=True)
        self.empty.chmod(0o777)

    def draft(self) -> Path:
        """Return a free path."""
        return self.drafts / uuid4().hex

    @contextmanager
    def drafted(self) -> Iterator[Path]:
        """Make a directory that is deleted at the end, with what is in it by then."""
        path = self.draft()
        path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            delete_tree(path)

    def publish(self, draft: Path, path: Path) -> None:
        """Give a flushed draft its name; if the name is taken, by the same thing, the draft goes."""
        try:
            draft.rename(path)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            delete_tree(draft)
        flush_file(path.parent)

    def write(self, path: Path, content: bytes, *, flush: bool = True) -> None:
        """Write a small file, whole or not at all."""
        draft = self.draft()
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                if flush:
                    os.fsync(file.fileno())
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)
        if flush:
            flush_file(path.parent)

    def delete(self, path: Path) -> int:
        """Delete a thing, as a whole; returns how many bytes were freed. Nothing happens if it is not there."""
        draft = self.draft()
        try:
            path.rename(draft)
        except FileNotFoundError:
            return 0
        return delete_tree(draft)


def flush_file(path: Path) -> None:
    """Flush one file or directory."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_tree(root: Path) -> None:
    """Flush all files and directories of a tree."""
    found: list[str] = []
    for directory, _, files in os.walk(root):
        found.append(directory)
        for name in files:
            path = f"{directory}/{name}"
            if stat.S_ISREG(os.lstat(path).st_mode):
                found.append(path)
        if len(found) > _FEW:
            _flush_file_system(root)
            return
    for path in reversed(found):
        flush_file(Path(path))


def _flush_file_system(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)


def delete_tree(path: Path) -> int:
    """Delete whatever is there; returns the bytes of what nothing else links to."""
    freed = 0
    try:
        status = path.lstat()
    except FileNotFoundError:
        return 0
    if not stat.S_ISDIR(status.st_mode):
        path.unlink()
        return status.st_size if status.st_nlink == 1 else 0
    for directory, _, files in os.walk(path):
        # A step may have left directories that not even their owner may change.
        if os.geteuid() != 0:
            os.chmod(directory, 0o700)
        for name in files:
            status = os.lstat(f"{directory}/{name}")
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                freed += status.st_size
    shutil.rmtree(path)
    return freed

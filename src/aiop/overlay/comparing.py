"""Whether two entries are the same but for their times."""

from __future__ import annotations

import errno
import os
import stat

from aiop.overlay.stack import Node

__all__ = ["attributes", "same_directory", "same_entry"]

_CHUNK = 256 * 1024
_KEPT = ("user.", "security.capability")
_OWN = "user.overlay."


def attributes(path: str) -> dict[str, bytes]:
    """Return the extended attributes that belong to a file and not to the file system, the kernel or overlayfs."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {
            name: os.getxattr(path, name, follow_symlinks=False)
            for name in sorted(names)
            if name.startswith(_KEPT) and not name.startswith(_OWN)
        }
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise


def same_directory(path: str, other: Node) -> bool:
    """Whether two directories have the same mode, owner and attributes."""
    return _same_status(os.lstat(path), other.status) and attributes(path) == attributes(other.real[0])


def same_entry(path: str, status: os.stat_result, other: Node) -> bool:
    """Whether two files or links have the same mode, owner, attributes and content."""
    if not _same_status(status, other.status):
        return False
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path) == os.readlink(other.real[0])
    return (
        status.st_size == other.status.st_size
        and attributes(path) == attributes(other.real[0])
        and _same_content(path, other.real[0])
    )


def _same_status(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_mode, one.st_uid, one.st_gid) == (other.st_mode, other.st_uid, other.st_gid)


def _same_content(one: str, other: str) -> bool:
    with open(one, "rb", buffering=0) as first, open(other, "rb", buffering=0) as second:
        while True:
            chunk = first.read(_CHUNK)
            if chunk != second.read(_CHUNK):
                return False
            if not chunk:
                return True

"""The marks of overlayfs: "this name is removed", and "nothing below this directory counts"."""

from __future__ import annotations

import errno
import os
import stat

__all__ = ["clear_opaque", "is_opaque", "is_whiteout", "make_opaque", "make_whiteout", "replace_by_whiteout"]

_OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")
"""The second one is that of mounts with ``userxattr``."""

_ABSENT = frozenset({errno.ENODATA, errno.ENOTSUP, errno.EPERM})


def is_whiteout(status: os.stat_result) -> bool:
    """Whether the entry removes its name from what lies below."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def make_whiteout(path: str) -> None:
    """Remove a name from what lies below; it must not be taken. Since Linux 5.8 anyone may, before only root."""
    os.mknod(path, stat.S_IFCHR, 0)


def replace_by_whiteout(path: str, scratch: str) -> None:
    """Put a whiteout in the place of what is no directory, at once; ``scratch`` is a free path of the file system."""
    make_whiteout(scratch)
    os.rename(scratch, path)


def is_opaque(directory: str) -> bool:
    """Whether the directory hides those below it."""
    for name in _OPAQUE:
        try:
            # "x" only tells of another kind of whiteout that the kernel does not make by itself.
            if os.getxattr(directory, name, follow_symlinks=False) == b"y":
                return True
        except OSError as error:
            if error.errno not in _ABSENT:
                raise
    return False


def make_opaque(directory: str) -> None:
    """Let the directory hide those below it. Who is not root of the machine can do so only for ``userxattr``."""
    try:
        os.setxattr(directory, _OPAQUE[0], b"y", follow_symlinks=False)
    except PermissionError:
        os.setxattr(directory, _OPAQUE[1], b"y", follow_symlinks=False)


def clear_opaque(directory: str) -> None:
    """Undo ``make_opaque``; nothing happens if there is no mark."""
    for name in _OPAQUE:
        try:
            os.removexattr(directory, name, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise

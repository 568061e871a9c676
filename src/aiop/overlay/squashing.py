"""Making one directory of several layers."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Sequence

from aiop.overlay.comparing import attributes
from aiop.overlay.marks import is_opaque, is_whiteout, make_opaque, make_whiteout

__all__ = ["copy_status", "link_or_copy", "squash"]


def squash(layers: Sequence[str], into: str) -> None:
    """Fill the empty directory ``into`` so that it can take the place of ``layers`` (the topmost first) in any stack.

    Files are hard links, so this costs names and no content. Only root may: it takes opaque marks.
    """
    _merge(layers, into)
    copy_status(layers[0], into)


def _merge(directories: Sequence[str], into: str) -> None:
    """Write what the directories have, and what they remove from those below all of them."""
    closed: set[str] = set()
    merged: dict[str, list[str]] = {}
    hiding: set[str] = set()
    for directory in directories:
        with os.scandir(directory) as entries:
            for entry in entries:
                name = entry.name
                if name in closed:
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    merged.setdefault(name, []).append(entry.path)
                    if is_opaque(entry.path):
                        closed.add(name)
                        hiding.add(name)
                    continue
                closed.add(name)
                if name in merged:
                    # A directory over something else, which would have ended the merging.
                    hiding.add(name)
                elif is_whiteout(status):
                    make_whiteout(f"{into}/{name}")
                else:
                    link_or_copy(entry.path, f"{into}/{name}")
    for name, found in merged.items():
        path = f"{into}/{name}"
        os.mkdir(path)
        if name in hiding:
            make_opaque(path)
        _merge(found, path)
        copy_status(found[0], path)


def link_or_copy(source: str, target: str) -> None:
    """Make a hard link; a copy where the file has as many as it can have."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EMLINK:
            raise
        shutil.copy2(source, target, follow_symlinks=False)
        status = os.lstat(source)
        if os.geteuid() == 0:
            os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(target, stat.S_IMODE(status.st_mode))


def copy_status(source: str, target: str) -> None:
    """Give a directory the owner, mode, attributes and times of another."""
    status = os.lstat(source)
    if os.geteuid() == 0:
        os.chown(target, status.st_uid, status.st_gid)
    os.chmod(target, stat.S_IMODE(status.st_mode))
    for name, value in attributes(source).items():
        os.setxattr(target, name, value)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))

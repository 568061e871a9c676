"""Making one directory of several layers."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence

from aiop.overlay.comparing import attributes
from aiop.overlay.marks import is_opaque, is_whiteout, make_opaque, make_whiteout
from aiop.overlay.stack import Node, Stack, child

__all__ = ["copy_status", "holes", "link_or_copy", "phantoms", "squash"]


def squash(layers: Sequence[str], below: Sequence[str], into: str) -> None:
    """Fill the empty directory ``into`` so that it can take the place of ``layers`` on top of ``below``.

    The topmost of each is the first. Files are hard links, so this costs names and no content. A whiteout is kept only
    where it removes something: the kernel shows the names of others, see ``phantoms``. Only root may: it takes opaque
    marks.
    """
    _merge(layers, Stack(below).root, into)
    copy_status(layers[0], into)


def holes(layer: str) -> Iterator[str]:
    """Yield the directories of a layer, but its root, that have a whiteout in them."""
    for directory, _, files in os.walk(layer):
        if directory != layer and any(is_whiteout(os.lstat(f"{directory}/{name}")) for name in files):
            yield directory[len(layer) + 1 :]


def phantoms(directories: Iterable[str], below: Sequence[str]) -> bool:
    """Whether one of the ``holes`` of a layer would be no directory without the layer.

    The kernel does not look for whiteouts in a directory that it need not merge: a program that lists it sees their
    names, and that nothing is there. This comes to be if another layer in between has removed the directory.
    """
    stack = Stack(below)
    for directory in directories:
        node = stack.lookup(directory)
        if node is None or not node.is_directory:
            return True
    return False


def _merge(directories: Sequence[str], below: Node | None, into: str) -> None:
    """Write what the directories have, and what they remove from those below all of them."""
    merged, hiding = _take_all_but_directories(directories, below, into)
    for name, found in merged.items():
        path = f"{into}/{name}"
        under = child(below, name) if below is not None else None
        if under is not None and not under.is_directory:
            under = None
        os.mkdir(path)
        if name in hiding and under is not None:
            make_opaque(path)
            under = None
        _merge(found, under, path)
        copy_status(found[0], path)


def _take_all_but_directories(
    directories: Sequence[str], below: Node | None, into: str
) -> tuple[dict[str, list[str]], set[str]]:
    """Return the directories that are left to merge, by name, and the names of those that hide what lies below."""
    closed: set[str] = set()
    merged: dict[str, list[str]] = {}
    hiding: set[str] = set()
    for entry in _entries(directories):
        name, status = entry.name, entry.stat(follow_symlinks=False)
        if name in closed:
            continue
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
        elif not is_whiteout(status):
            link_or_copy(entry.path, f"{into}/{name}")
        elif below is not None and child(below, name) is not None:
            make_whiteout(f"{into}/{name}")
    return merged, hiding


def _entries(directories: Sequence[str]) -> Iterator[os.DirEntry[str]]:
    for directory in directories:
        with os.scandir(directory) as entries:
            yield from entries


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

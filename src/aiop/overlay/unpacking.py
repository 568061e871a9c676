"""What a tar archive of a whole directory changed, against the stack that it began as: as a layer."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Sequence
from typing import IO

from aiop.overlay.marks import make_whiteout
from aiop.overlay.stack import Node, Stack, children

__all__ = ["unpack_changes"]

_CHUNK = 256 * 1024


def unpack_changes(archive: IO[bytes], name: str, upper: str, lowers: Sequence[str], *, user: int = 0) -> None:
    """Fill the empty directory ``upper`` with what differs between ``lowers`` and the archive's directory ``name``.

    The archive is of the whole directory, each directory before what is in it; sockets, pipes and devices in it are
    passed over. Raises ``tarfile.TarError`` for an archive that is not of that form. Who is not root cannot give files
    to others: the owners are then ours, and whoever may not write a file otherwise is let by its mode. A ``user``
    other than root who had to unpack the directory owns all in it: what still has its mode gets its owner from below.
    """
    with tarfile.open(fileobj=archive, mode="r|") as tar:
        work = _Unpacking(tar, name, upper, Stack(lowers), user)
        for member in tar:
            work.take(member)
    work.finish()


class _Unpacking:
    def __init__(self, tar: tarfile.TarFile, name: str, upper: str, below: Stack, user: int) -> None:
        self._tar = tar
        self._name = name
        self._upper = upper
        self._below = below
        self._user = user
        self._root = os.geteuid() == 0
        self._directories: dict[str, tarfile.TarInfo] = {}
        """Those that the archive has; all that is not in one of them is refused."""
        self._made: set[str] = set()
        self._kept: set[str] = set()

    def take(self, member: tarfile.TarInfo) -> None:
        path = self._path(member)
        if self._user and member.uid == self._user:
            self._give_back(path, member)
        if member.isdir():
            self._directories[path] = member
            if path:
                below = self._below.lookup(path)
                if below is None or not below.is_directory or not self._same_status(member, below):
                    self._make_directory(path)
        elif member.isreg():
            self._take_file(path, member)
        elif member.islnk():
            self._take_hard_link(path, member)
        elif member.issym():
            below = self._below.lookup(path)
            same = below is not None and below.is_link and self._same_status(member, below)
            if not (same and below is not None and os.readlink(below.real[0]) == member.linkname):
                os.symlink(member.linkname, self._place(path))
                self._own(path, member)
        else:
            return
        self._kept.add(path)

    def _give_back(self, path: str, member: tarfile.TarInfo) -> None:
        below = self._below.lookup(path)
        if below is not None and (member.issym() or stat.S_IMODE(below.status.st_mode) == self._mode(member)):
            member.uid, member.gid = below.status.st_uid, below.status.st_gid

    def finish(self) -> None:
        """Write whiteouts, and the modes and times of directories, which nothing must change any more."""
        if "" not in self._directories:
            raise tarfile.ReadError("the archive lacks the directory that it is of")
        self._remove(self._below.root)
        for path in sorted(self._made | {""}, key=len, reverse=True):
            self._own(path, self._directories[path])

    def _path(self, member: tarfile.TarInfo) -> str:
        parts = member.name.rstrip("/").split("/")
        if parts[0] != self._name or any(part in ("", ".", "..") for part in parts[1:]):
            raise tarfile.ReadError(f"{member.name} is not in {self._name}")
        parent = "/".join(parts[1:-1])
        if len(parts) > 1 and parent not in self._directories:
            raise tarfile.ReadError(f"{member.name} comes before its directory")
        return "/".join(parts[1:])

    def _place(self, path: str) -> str:
        """Return where to make something, with its directories made."""
        parent = path.rpartition("/")[0]
        if parent not in self._made:
            self._make_directory(parent)
        return f"{self._upper}/{path}"

    def _make_directory(self, path: str) -> None:
        if path and path not in self._made:
            os.mkdir(self._place(path), 0o700)
            self._made.add(path)

    def _take_file(self, path: str, member: tarfile.TarInfo) -> None:
        content = self._tar.extractfile(member)
        assert content is not None  # noqa: S101 - it is a regular file
        below = self._below.lookup(path)
        if below is None or not below.is_file or below.status.st_size != member.size:
            self._write(path, member, b"", content)
            return
        with open(below.real[0], "rb", buffering=0) as old:
            at = 0
            while chunk := content.read(_CHUNK):
                if old.read(len(chunk)) != chunk:
                    break
                at += len(chunk)
            else:
                if self._same_status(member, below):
                    return
            # Up to here it was the same; the archive cannot be read twice, what lies below can.
            os.lseek(old.fileno(), 0, os.SEEK_SET)
            self._write(path, member, chunk, content, old, at)

    def _write(
        self,
        path: str,
        member: tarfile.TarInfo,
        chunk: bytes,
        rest: IO[bytes],
        same: IO[bytes] | None = None,
        same_size: int = 0,
    ) -> None:
        with open(self._place(path), "xb") as file:
            while same is not None and same_size:
                piece = same.read(min(same_size, _CHUNK))
                file.write(piece)
                same_size -= len(piece)
            file.write(chunk)
            while piece := rest.read(_CHUNK):
                file.write(piece)
        self._own(path, member)

    def _take_hard_link(self, path: str, member: tarfile.TarInfo) -> None:
        target = tarfile.TarInfo(member.linkname)
        source = self._path(target)
        if source not in self._kept:
            raise tarfile.ReadError(f"{member.name} is a link to what comes later")
        changed = f"{self._upper}/{source}"
        if os.path.lexists(changed):
            os.link(changed, self._place(path), follow_symlinks=False)
            return
        # The other name did not change, so this one is a file of its own.
        old = self._below.lookup(source)
        if old is None or not old.is_file:
            raise tarfile.ReadError(f"{member.name} is a link to what is no file")
        with open(old.real[0], "rb", buffering=0) as content:
            self._write(path, member, b"", content)

    def _remove(self, below: Node) -> None:
        for node in children(below).values():
            if node.path not in self._kept:
                place = self._place(node.path)
                if not os.path.lexists(place):
                    make_whiteout(place)
            elif node.is_directory and node.path in self._directories:
                self._remove(node)

    def _same_status(self, member: tarfile.TarInfo, below: Node) -> bool:
        status = below.status
        if stat.S_IMODE(status.st_mode) != self._mode(member) and not member.issym():
            return False
        return not self._root or (status.st_uid, status.st_gid) == (member.uid, member.gid)

    def _mode(self, member: tarfile.TarInfo) -> int:
        if self._root or member.issym():
            return member.mode
        owner = member.mode & 0o700 | (0o700 if member.isdir() else 0o600)
        return owner | owner >> 3 | owner >> 6

    def _own(self, path: str, member: tarfile.TarInfo) -> None:
        place = f"{self._upper}/{path}" if path else self._upper
        if self._root:
            os.chown(place, member.uid, member.gid, follow_symlinks=False)
        if not member.issym():
            os.chmod(place, self._mode(member))
        os.utime(place, (member.mtime, member.mtime), follow_symlinks=False)

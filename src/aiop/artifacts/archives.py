"""Unpacking what somebody sent, so that it can do no harm."""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import zstandard

from aiop.errors import SourceRefused, TooLarge

__all__ = ["ArchiveLimits", "unpack"]

_CHUNK = 256 * 1024
_PADDING_LIMIT = 16 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_HEADER_LIMIT = 1024 * 1024
"""Of a header that gives a long name or other things; tarfile reads it into memory whole."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """``packed`` bytes are taken, ``unpacked`` bytes and ``members`` written."""

    packed: int = 1024**3
    unpacked: int = 4 * 1024**3
    members: int = 200_000


def unpack(archive: Path, into: Path, limits: ArchiveLimits) -> None:
    """Unpack a tar archive, plain or compressed by gzip or zstd, into an empty directory.

    Raises ``SourceRefused``, with the name of the member that is at fault: a path that is absolute or has ``..``, one
    behind a link, a device, socket or pipe. Links are made and not followed, so they may lead anywhere. Owners, and
    permissions but the right to execute, are not taken. Raises ``TooLarge`` for more than the limits.
    """
    try:
        with archive.open("rb") as file:
            stream = _opened(file)
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as tar:
                work = _Unpacking(tar, into, limits)
                for member in tar:
                    work.take(member)
                    # Otherwise all of them would be kept until the end.
                    tar.members = []  # type: ignore[attr-defined]
            _finish(stream)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError, EOFError, ValueError) as error:
        raise SourceRefused(f"the archive cannot be read: {error}") from error


def _finish(stream: IO[bytes]) -> None:
    """Read what comes after the end of the archive: the check sums are there."""
    left = _PADDING_LIMIT
    while chunk := stream.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise tarfile.ReadError("something else follows its end")


def _opened(file: IO[bytes]) -> IO[bytes]:
    head = file.read(4)
    file.seek(0)
    if head.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[return-value]
    if head == _ZSTD:
        return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return file


class _Member(tarfile.TarInfo):
    """Does not read a header of any size into memory."""

    def _proc_pax(self, tar: Any) -> Any:
        self._bound()
        return super()._proc_pax(tar)  # type: ignore[misc]

    def _proc_gnulong(self, tar: Any) -> Any:
        self._bound()
        return super()._proc_gnulong(tar)  # type: ignore[misc]

    def _bound(self) -> None:
        if self.size > _HEADER_LIMIT:
            raise tarfile.ReadError(f"a header is larger than {_HEADER_LIMIT} bytes")


class _Unpacking:
    """Writes only into directories that it has made itself, so nothing that an archive holds leads out of them."""

    def __init__(self, tar: tarfile.TarFile, into: Path, limits: ArchiveLimits) -> None:
        self._tar = tar
        self._into = into
        self._limits = limits
        self._directories = {""}
        self._files: set[str] = set()
        self._others: set[str] = set()
        self._members = 0
        self._size = 0

    def take(self, member: tarfile.TarInfo) -> None:
        self._count(member)
        path = _inner_path(member.name)
        if member.isdir():
            self._make_directory(path, member.name)
            return
        if not path:
            raise SourceRefused(f"{member.name} has no name")
        self._make_directory(path.rpartition("/")[0], member.name)
        if path in self._directories:
            raise SourceRefused(f"{member.name} is there twice, once as a directory")
        place = self._into / path
        if path in self._files or path in self._others:
            # As tar does: the last one counts.
            place.unlink()
            self._files.discard(path)
            self._others.discard(path)
        try:
            self._make(member, path, place)
        except OSError as error:
            if error.filename is None:
                raise
            raise SourceRefused(f"{member.name} cannot be unpacked: {error.strerror}") from error

    def _make(self, member: tarfile.TarInfo, path: str, place: Path) -> None:
        if member.issym():
            place.symlink_to(member.linkname)
            self._others.add(path)
            return
        if member.islnk():
            source = _inner_path(member.linkname)
            if source not in self._files:
                raise SourceRefused(f"{member.name} is a link to {member.linkname}, which is no file before it")
            os.link(self._into / source, place)
        elif member.isreg():
            self._write(member, place)
        else:
            raise SourceRefused(f"{member.name} is neither a file, a directory nor a link")
        self._files.add(path)

    def _write(self, member: tarfile.TarInfo, place: Path) -> None:
        content = self._tar.extractfile(member)
        assert content is not None  # noqa: S101 - it is a regular file
        with place.open("xb") as file:
            while chunk := content.read(_CHUNK):
                file.write(chunk)
        place.chmod(0o700 if member.mode & 0o100 else 0o600)
        os.utime(place, (member.mtime, member.mtime))

    def _make_directory(self, path: str, name: str) -> None:
        if path in self._directories:
            return
        self._make_directory(path.rpartition("/")[0], name)
        if path in self._files or path in self._others:
            raise SourceRefused(f"{name} lies behind what is no directory")
        try:
            (self._into / path).mkdir(mode=0o700)
        except OSError as error:
            raise SourceRefused(f"{name} cannot be unpacked: {error.strerror}") from error
        self._directories.add(path)

    def _count(self, member: tarfile.TarInfo) -> None:
        self._members += 1
        self._size += member.size
        if self._members > self._limits.members:
            raise TooLarge(f"the archive has more than {self._limits.members} members")
        if self._size > self._limits.unpacked:
            raise TooLarge(f"the archive holds more than {self._limits.unpacked} bytes")


def _inner_path(name: str) -> str:
    """Return the path without dots; raises ``SourceRefused`` if it leads out."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts:
        raise SourceRefused(f"{name} leads out of the archive")
    return "/".join(part for part in parts if part not in ("", "."))

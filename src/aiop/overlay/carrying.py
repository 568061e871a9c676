"""A directory exactly as it is, as a tar archive, and back: to be carried to another machine."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from typing import IO

from aiop.overlay.comparing import attributes
from aiop.overlay.marks import is_whiteout, make_whiteout
from aiop.overlay.packing import Gathered, pack_content

__all__ = ["pack_directory", "unpack_directory"]

_PIECE = 256 * 1024
_ATTRIBUTE = "SCHILY.xattr."
"""How GNU tar and others name extended attributes."""

_BILLION = 1_000_000_000


def pack_directory(root: str) -> Iterator[bytes]:
    """Yield a tar archive of a settled layer, or of a tree without one, in pieces of a fair size.

    Kinds, modes, owners, times to the nanosecond, extended attributes and whiteouts are kept; two names of one file
    become two files. Nothing must change in it meanwhile.
    """
    out = Gathered()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for path, status in _everything(root):
            member = _member(path, path[len(root) + 1 :] or ".", status)
            tar.addfile(member)
            if member.isreg() and member.size:
                with open(path, "rb", buffering=0) as file:
                    yield from pack_content(file, member.size, out)
            if out.size >= _PIECE:
                yield out.take()
    yield out.take()


def unpack_directory(archive: IO[bytes], into: str) -> None:
    """Make what ``pack_directory`` packed in an empty directory; raises ``tarfile.TarError`` for anything else.

    Only who is root can make what belongs to others; who is not gets ``PermissionError``.
    """
    directories: list[tuple[str, tarfile.TarInfo]] = []
    made = {""}
    with tarfile.open(fileobj=archive, mode="r|") as tar:
        for member in tar:
            path, parent = _path(member), _path(member).rpartition("/")[0]
            if parent not in made:
                raise tarfile.ReadError(f"{member.name} comes before its directory")
            place = f"{into}/{path}" if path else into
            if member.isdir():
                if path:
                    os.mkdir(place, 0o700)
                made.add(path)
                directories.append((place, member))
            else:
                _make(tar, member, place)
            # Otherwise all of them would be kept until the end.
            tar.members = []  # type: ignore[attr-defined]
    # Their modes might forbid, and their times would not outlast, what is made in them.
    for place, member in reversed(directories):
        _dress(place, member)


def _everything(root: str) -> Iterator[tuple[str, os.stat_result]]:
    yield root, os.lstat(root)
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        for entry in found:
            status = entry.stat(follow_symlinks=False)
            yield entry.path, status
            if stat.S_ISDIR(status.st_mode):
                waiting.append(entry.path)


def _member(path: str, name: str, status: os.stat_result) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode = stat.S_IMODE(status.st_mode)
    member.uid, member.gid = status.st_uid, status.st_gid
    seconds, rest = divmod(status.st_mtime_ns, _BILLION)
    member.mtime = seconds
    headers = {"mtime": f"{seconds}.{rest:09d}"}
    if stat.S_ISDIR(status.st_mode):
        member.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        member.size = status.st_size
    elif is_whiteout(status):
        member.type = tarfile.CHRTYPE
    else:
        raise tarfile.TarError(f"{name} is nothing that a layer holds")
    if not member.issym() and not member.ischr():
        for key, value in attributes(path).items():
            headers[f"{_ATTRIBUTE}{key}"] = value.decode("utf-8", "surrogateescape")
    member.pax_headers = headers
    return member


def _path(member: tarfile.TarInfo) -> str:
    if member.name == ".":
        return ""
    if any(part in ("", ".", "..") for part in member.name.split("/")):
        raise tarfile.ReadError(f"{member.name} leads out of the archive")
    return member.name


def _make(tar: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> None:
    if member.issym():
        os.symlink(member.linkname, place)
    elif member.isreg():
        content = tar.extractfile(member)
        assert content is not None  # noqa: S101 - it is a regular file
        with open(place, "xb") as file:
            while chunk := content.read(_PIECE):
                file.write(chunk)
    elif member.ischr() and (member.devmajor, member.devminor) == (0, 0):
        make_whiteout(place)
    else:
        raise tarfile.ReadError(f"{member.name} is nothing that a layer holds")
    _dress(place, member)


def _dress(place: str, member: tarfile.TarInfo) -> None:
    """Give what was made its owner, mode, attributes and times, in the order in which they do not undo each other."""
    status = os.lstat(place)
    if (status.st_uid, status.st_gid) != (member.uid, member.gid):
        os.chown(place, member.uid, member.gid, follow_symlinks=False)
    if not member.issym() and not member.ischr():
        for key, value in member.pax_headers.items():
            if key.startswith(_ATTRIBUTE):
                content = value.encode("utf-8", "surrogateescape")
                os.setxattr(place, key.removeprefix(_ATTRIBUTE), content, follow_symlinks=False)
        os.chmod(place, member.mode)
    seconds, _, rest = member.pax_headers.get("mtime", f"{int(member.mtime)}.0").partition(".")
    time = int(seconds) * _BILLION + int(f"{rest:0<9}"[:9])
    os.utime(place, ns=(time, time), follow_symlinks=False)

"""Looking at a source directory: which files count, and what is in them."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from aiop.artifacts.blobs import Blobs
from aiop.artifacts.disk import Disk
from aiop.artifacts.manifest import Entry, Kind, link_entry
from aiop.errors import SourceRefused
from aiop.ignore import DOCKER_FILE, GIT_FILE, DockerRules, GitRules

__all__ = ["Scan"]

_SETTLED_NS = 2_000_000_000
"""A file that was changed this short a time before it was read may change again without its times showing it."""

_TRIES = 3
_RULES_LIMIT = 1024 * 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_SPECIAL = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What tells that a file has not changed since it was read."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    digest: str

    def fits(self, status: os.stat_result) -> bool:
        return (self.size, self.mtime_ns, self.ctime_ns, self.inode) == (
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
        )


class Scan:
    """One look at a directory. What was read is in the blobs then.

    Every file is opened by its name in a directory that is open, and no link is followed: whoever can change the source
    meanwhile cannot lead the scan out of it. ``trust``: what looks as it did at the last scan is not read again.
    """

    def __init__(self, root: Path, blobs: Blobs, disk: Disk, *, trust: bool, remember: bool) -> None:
        self._root = root
        self._blobs = blobs
        self._disk = disk
        self._began_ns = time.time_ns()
        self._docker = DockerRules()
        self._memory = disk.scans / hashlib.sha256(os.fsencode(root)).hexdigest()
        self._remember = remember
        self._known = _load(self._memory) if trust else {}
        self._seen: dict[str, _Seen] = {}

    def run(self) -> list[Entry]:
        """Return all that counts, in no order; raises ``SourceRefused``."""
        try:
            descriptor = os.open(self._root, _DIRECTORY)
        except OSError as error:
            raise SourceRefused(f"{self._root} cannot be read: {error.strerror}") from error
        try:
            self._docker = DockerRules(self._rules(descriptor, DOCKER_FILE))
            entries = list(self._directory(descriptor, "", GitRules()))
        finally:
            os.close(descriptor)
        if self._remember and self._seen != self._known:
            self._disk.write(self._memory, _dump(self._seen), flush=False)
        return entries

    def _directory(self, descriptor: int, prefix: str, rules: GitRules) -> Iterator[Entry]:
        with os.scandir(descriptor) as found:
            entries = list(found)
        if any(entry.name == GIT_FILE for entry in entries):
            rules = rules.below(prefix, self._rules(descriptor, GIT_FILE))
        for entry in entries:
            path = prefix + entry.name
            try:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    yield from self._subdirectory(descriptor, path, rules)
                elif not (rules.leaves_out(path) or self._docker.leaves_out(path)):
                    yield self._entry(descriptor, path, status)
            except FileNotFoundError:
                continue  # deleted since the directory was listed
            except PermissionError as error:
                raise SourceRefused(f"{path} cannot be read: {error.strerror}") from error

    def _subdirectory(self, parent: int, path: str, rules: GitRules) -> Iterator[Entry]:
        inside = f"{path}/"
        if rules.leaves_out(inside):
            return
        left_out = self._docker.leaves_out(inside)
        if left_out and not self._docker.may_take_in(inside):
            return
        descriptor = os.open(path.rpartition("/")[2], _DIRECTORY, dir_fd=parent)
        try:
            below = list(self._directory(descriptor, inside, rules))
        finally:
            os.close(descriptor)
        if below or not left_out:
            yield Entry(path, Kind.DIRECTORY)
        yield from below

    def _entry(self, directory: int, path: str, status: os.stat_result) -> Entry:
        name = path.rpartition("/")[2]
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFLNK:
            return link_entry(path, os.readlink(name, dir_fd=directory))
        if kind != stat.S_IFREG:
            raise SourceRefused(f"{path} is {_SPECIAL.get(kind, 'no file')}")
        known = self._known.get(path)
        if known is not None and known.fits(status):
            self._seen[path] = known
            return Entry(path, _kind(status), known.digest, known.size)
        return self._read(directory, name, path)

    def _read(self, directory: int, name: str, path: str) -> Entry:
        for _ in range(_TRIES):
            with os.fdopen(os.open(name, _FILE, dir_fd=directory), "rb", buffering=0) as file:
                before = os.fstat(file.fileno())
                if not stat.S_ISREG(before.st_mode):
                    raise SourceRefused(f"{path} is no file any more")
                kind = _kind(before)
                executable = kind is Kind.EXECUTABLE
                digest, size = self._blobs.take(file, executable=executable, mtime_ns=before.st_mtime_ns)
                seen = _Seen(size, before.st_mtime_ns, before.st_ctime_ns, before.st_ino, digest)
                if seen.fits(os.fstat(file.fileno())):
                    if before.st_ctime_ns < self._began_ns - _SETTLED_NS:
                        self._seen[path] = seen
                    break
        # What is written to all the time is taken as it was read last.
        return Entry(path, kind, digest, size)

    def _rules(self, directory: int, name: str) -> str:
        try:
            descriptor = os.open(name, _FILE, dir_fd=directory)
        except OSError:
            return ""  # none; or a link, which git does not follow either
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ""
            content = file.read(_RULES_LIMIT + 1)
        if len(content) > _RULES_LIMIT:
            raise SourceRefused(f"{name} is larger than {_RULES_LIMIT} bytes")
        return content.decode("utf-8", "surrogateescape")


def _kind(status: os.stat_result) -> Kind:
    return Kind.EXECUTABLE if status.st_mode & stat.S_IXUSR else Kind.FILE


def _load(path: Path) -> dict[str, _Seen]:
    try:
        found: dict[str, list[int | str]] = orjson.loads(path.read_bytes())
        return {
            os.fsdecode(name.encode("latin-1")): _Seen(*values)  # type: ignore[arg-type]
            for name, values in found.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # none, or one that a power cut left half written: everything is read again


def _dump(seen: dict[str, _Seen]) -> bytes:
    return orjson.dumps(
        {
            os.fsencode(path).decode("latin-1"): (one.size, one.mtime_ns, one.ctime_ns, one.inode, one.digest)
            for path, one in seen.items()
        }
    )

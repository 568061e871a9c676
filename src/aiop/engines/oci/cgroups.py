"""The limits of containers: where their cgroups are, and what these remember of an end by the memory limit.

A runtime removes the cgroup of a container when it has ended, and with it the count of its out-of-memory kills. On
version 2 the directory above has that count too. On version 1 it has not; there the path that the runtime is given
ends in ``/.``, which it can use and cannot remove. Both directories are ours to remove.

Ours lie as far up as we may write: for root at the top. For others it is what a service manager has delegated, if it
has (version 2); processes that are in the very place go into one below it, since the kernel gives a directory limits
for those below only if no process is in it.
"""

from __future__ import annotations

import contextlib
import enum
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

from aiop.engines.oci.spec import Limits

__all__ = ["Cgroups", "Hierarchy"]

_ROOT = Path("/sys/fs/cgroup")
_NEEDED = ("cpu", "memory", "pids")


class Hierarchy(enum.Enum):
    """How this machine has its cgroups."""

    UNIFIED = "v2"
    LEGACY = "v1"
    HYBRID = "v1 beside v2"
    NONE = "none"


class Cgroups:
    """The cgroups of one installation's containers; all calls are quick, and none fails for what is not there."""

    def __init__(self, installation: str, *, root: Path = _ROOT, own: str | None = None) -> None:
        """``own`` is the cgroup that this process is in, on version 2."""
        self._root = root
        self.hierarchy = _hierarchy(root)
        self._top = _top(root, own) if self.hierarchy is Hierarchy.UNIFIED else root
        self._prefix = f"{self._top.relative_to(root)}/aiop/{installation}".removeprefix("./")
        self._controllers = self._find_controllers()
        missing = self.missing()
        self.usable = frozenset(name for name in _NEEDED if name not in missing)
        """The controllers that limit here; the others do not."""
        self._swap = (root / "memory/memory.memsw.limit_in_bytes").exists()
        _, self._open_files = resource.getrlimit(resource.RLIMIT_NOFILE)

    @property
    def hidden(self) -> str | None:
        """What a runtime that does not know the hybrid must not see."""
        return str(self._root / "unified") if self.hierarchy is Hierarchy.HYBRID else None

    def missing(self) -> list[str]:
        """Name the controllers that limits need and that cannot be used here."""
        if self.hierarchy is Hierarchy.UNIFIED:
            places, found = [self._top], (self._top / "cgroup.controllers").read_text().split()
        else:
            places, found = self._controllers, [directory.name for directory in self._controllers]
        writable = all(os.access(directory, os.W_OK) for directory in places)
        return [name for name in _NEEDED if name not in found or not writable]

    def open(self) -> None:
        """Have the kernel give limits to what is below ours; to be called once before a container is made."""
        if self.hierarchy is not Hierarchy.UNIFIED or not self.usable:
            return
        if self._top != self._root or (self._root / "cgroup.type").exists():
            _move_down(self._top)
        wanted = " ".join(f"+{name}" for name in sorted(self.usable))
        for place in (self._top, self._top / "aiop", self._root / self._prefix):
            place.mkdir(exist_ok=True)
            (place / "cgroup.subtree_control").write_text(wanted)

    def limits(self, name: str) -> Limits:
        """Say where the container of this name has its cgroup."""
        if not self.usable:
            return Limits(None, self.usable, open_files=self._open_files)
        if self.hierarchy is Hierarchy.UNIFIED:
            return Limits(f"/{self._prefix}/{name}/c", self.usable, swap=True, open_files=self._open_files)
        return Limits(f"/{self._prefix}/{name}/.", self.usable, swap=self._swap, open_files=self._open_files)

    def oom_killed(self, name: str) -> bool:
        """Whether a process of the container was killed for want of memory; asked before ``remove``."""
        if self.hierarchy is Hierarchy.UNIFIED:
            events = self._root / self._prefix / name / "memory.events"
        else:
            events = self._root / "memory" / self._prefix / name / "memory.oom_control"
        with contextlib.suppress(OSError):
            counts = dict(line.split() for line in events.read_text().splitlines())
            return int(counts.get("oom_kill", 0)) > 0
        return False

    def kill(self, name: str) -> None:
        """Kill all that is in the container, which nobody watches any more."""
        for directory in self._of(name):
            for inner in (directory, directory / "c"):
                with contextlib.suppress(OSError):
                    for pid in (inner / "cgroup.procs").read_text().split():
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(int(pid), signal.SIGKILL)

    def remove(self, name: str) -> None:
        """Remove what is left of a container that has ended; what is still in use stays for ``sweep``."""
        for directory in self._of(name):
            for inner in (directory / "c", directory):
                with contextlib.suppress(OSError):
                    inner.rmdir()

    def sweep(self, kept: set[str]) -> None:
        """Kill and remove all of the installation but these: they were left by a service that was killed."""
        for controller in self._controllers:
            with contextlib.suppress(OSError):
                for place in (controller / self._prefix).iterdir():
                    if place.is_dir() and place.name not in kept:
                        self.kill(place.name)
                        self.remove(place.name)

    def dismantle(self) -> None:
        """Take away what all containers of the installation lie in, unless there are some; no engine may be open."""
        for controller in self._controllers:
            with contextlib.suppress(OSError):
                (controller / self._prefix).rmdir()
                (controller / self._prefix).parent.rmdir()

    def _of(self, name: str) -> Iterator[Path]:
        for controller in self._controllers:
            yield controller / self._prefix / name

    def _find_controllers(self) -> list[Path]:
        if self.hierarchy is Hierarchy.NONE:
            return []
        if self.hierarchy is Hierarchy.UNIFIED:
            return [self._root]
        # Links are other names of controllers that share a hierarchy.
        return [
            place
            for place in self._root.iterdir()
            if place.is_dir() and not place.is_symlink() and place.name != "unified"
        ]


def _top(root: Path, own: str | None) -> Path:
    """Find the cgroup farthest up, from our own, that we may make others in."""
    if own is None:
        own = _own_path(Path("/proc/self/cgroup").read_text())
    place = top = root / own.lstrip("/")
    while place != root:
        place = place.parent
        if not os.access(place, os.W_OK) or not os.access(place / "cgroup.procs", os.W_OK):
            break
        top = place
    return top


def _own_path(text: str) -> str:
    """Read it from a file like ``/proc/self/cgroup``."""
    return next((line[3:] for line in text.splitlines() if line.startswith("0::")), "/")


def _move_down(top: Path) -> None:
    """Put the processes of a cgroup into one below it."""
    leaf = top / "service"
    processes = (top / "cgroup.procs").read_text().split()
    if processes:
        leaf.mkdir(exist_ok=True)
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            (leaf / "cgroup.procs").write_text(process)


def _hierarchy(root: Path) -> Hierarchy:
    if (root / "cgroup.controllers").exists():
        return Hierarchy.UNIFIED
    if (root / "memory/memory.limit_in_bytes").exists() or (root / "pids").is_dir():
        return Hierarchy.HYBRID if (root / "unified").is_dir() else Hierarchy.LEGACY
    return Hierarchy.NONE

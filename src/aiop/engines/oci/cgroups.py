"""The limits of containers: where their cgroups are, and what these remember of an end by the memory limit.

A runtime removes the cgroup of a container when it has ended, and with it the count of its out-of-memory kills. On
version 2 the directory above has that count too. On version 1 it has not; there the path that the runtime is given
ends in ``/.``, which it can use and cannot remove. Both directories are ours to remove.
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

    def __init__(self, installation: str, *, root: Path = _ROOT) -> None:
        self._root = root
        self._prefix = f"aiop/{installation}"
        self.hierarchy = _hierarchy(root)
        self._controllers = self._find_controllers()
        self._swap = (root / "memory/memory.memsw.limit_in_bytes").exists()
        _, self._open_files = resource.getrlimit(resource.RLIMIT_NOFILE)

    @property
    def hidden(self) -> str | None:
        """What a runtime that does not know the hybrid must not see."""
        return str(self._root / "unified") if self.hierarchy is Hierarchy.HYBRID else None

    def missing(self) -> list[str]:
        """Name the controllers that limits need and that cannot be used here."""
        if self.hierarchy is Hierarchy.UNIFIED:
            found = (self._root / "cgroup.controllers").read_text().split()
        else:
            found = [directory.name for directory in self._controllers]
        writable = all(os.access(directory, os.W_OK) for directory in self._controllers)
        return [name for name in _NEEDED if name not in found or not writable]

    def limits(self, name: str) -> Limits:
        """Say where the container of this name has its cgroup."""
        if self.hierarchy is Hierarchy.NONE:
            return Limits(None, False, self._open_files)
        if self.hierarchy is Hierarchy.UNIFIED:
            return Limits(f"/{self._prefix}/{name}/c", True, self._open_files)
        return Limits(f"/{self._prefix}/{name}/.", self._swap, self._open_files)

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


def _hierarchy(root: Path) -> Hierarchy:
    if (root / "cgroup.controllers").exists():
        return Hierarchy.UNIFIED
    if (root / "memory/memory.limit_in_bytes").exists() or (root / "pids").is_dir():
        return Hierarchy.HYBRID if (root / "unified").is_dir() else Hierarchy.LEGACY
    return Hierarchy.NONE

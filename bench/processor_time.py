"""Processor time of processes with all that they start, by control groups of version 1 or 2."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["Group"]

ROOT = Path("/sys/fs/cgroup")


class Group:
    """One control group, with those in it that are gone already."""

    def __init__(self, name: str) -> None:
        self.name = name
        legacy = ROOT / "cpuacct"
        self._place = (legacy if legacy.is_dir() else ROOT) / name

    def take(self, pid: int) -> None:
        """Put a process in; what it starts from now on is in it too."""
        self._place.mkdir(parents=True, exist_ok=True)
        (self._place / "cgroup.procs").write_text(str(pid))

    def seconds(self) -> float:
        """Return what has been used; nothing if the group is not there."""
        with suppress(FileNotFoundError):
            return int((self._place / "cpuacct.usage").read_text()) / 1e9
        with suppress(FileNotFoundError):
            fields = dict(line.split() for line in (self._place / "cpu.stat").read_text().splitlines())
            return int(fields["usage_usec"]) / 1e6
        return 0.0

    def close(self) -> None:
        """Remove the group once nothing is in it."""
        with suppress(OSError):
            self._place.rmdir()

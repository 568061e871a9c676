"""A process that keeps something of the kernel's alive beyond the service, named in a file for the next one."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["Pin"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Pin:
    """The process that ``file`` names, which is there or not."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from making one meanwhile."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @property
    def process(self) -> int | None:
        """Its id; ``None`` if it has ended. Another process that has got its number is not taken for it."""
        with suppress(OSError, ValueError):
            number, born = self._file.read_text().split()
            if _birth_of(int(number)) == born:
                return int(number)
        return None

    def note(self, process: int) -> None:
        """Say which one it is."""
        self._file.write_text(f"{process} {_birth_of(process)}\n")

    def end(self) -> None:
        """End it, if it is there."""
        process = self.process
        if process is not None:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(process, 0)


def _birth_of(process: int) -> str:
    """Say when a process began, in ticks of which boot; a zombie has no birth."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    if fields[0] in "ZX":
        raise ProcessLookupError(process)
    return f"{_BOOT.read_text().strip()}/{fields[19]}"

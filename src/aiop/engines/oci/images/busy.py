"""Who is at work in the storage: processes of this service, and those that a killed one has left dying."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Busy"]


class Busy:
    """A lock on a file. The kernel gives it up when the last process that has inherited a share of it is gone."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def shared(self) -> Iterator[int]:
        """Return a descriptor to be inherited: as long as anybody has it, ``nobody`` waits."""
        with self._locked(fcntl.LOCK_SH) as descriptor:
            yield descriptor

    @contextmanager
    def nobody(self) -> Iterator[None]:
        """Wait until nobody has a share, and let nobody get one; blocks, so call it in a thread."""
        with self._locked(fcntl.LOCK_EX):
            yield

    @contextmanager
    def _locked(self, how: int) -> Iterator[int]:
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield descriptor
        finally:
            os.close(descriptor)

"""What a container writes: from its pipe into a file, and from there to whoever listens.

The file is filled by moving pages of the pipe (``splice``), so no piece is in nobody's hands if this process is killed.
"""

from __future__ import annotations

import enum
import os
import select
from pathlib import Path

__all__ = ["SPOOL_LIMIT", "Flow", "Spool"]

SPOOL_LIMIT = 128 * 1024 * 1024
"""Bytes of one stream that are kept until the container is removed; many times the part that goes into the log."""

_CHUNK = 1024 * 1024
_TURN = 4 * _CHUNK
"""How much is taken before others get their turn."""


class Flow(enum.Enum):
    """What a pipe is like after some of it was taken."""

    MORE = enum.auto()
    DRY = enum.auto()
    """Nothing is in it now."""
    OVER = enum.auto()
    """Nobody is left who could write."""


class Spool:
    """One stream of one container: the pipe that it writes to, and the file that keeps what it wrote."""

    def __init__(self, pipe: Path, file: Path, *, limit: int = SPOOL_LIMIT) -> None:
        self._file = file
        self._limit = limit
        self._out = -1
        self._given = 0
        self.pipe = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def fill(self) -> Flow:
        """Move what is in the pipe into the file; what is beyond the limit is dropped. Raises ``OSError``.

        There is no file before there is something for it.
        """
        if self._out < 0 and (flow := self._look()) is not Flow.MORE:
            return flow
        taken = 0
        while taken < _TURN:
            try:
                moved = self._move()
            except BlockingIOError:
                return Flow.DRY
            if not moved:
                return Flow.OVER
            taken += moved
        return Flow.MORE

    def take(self) -> bytes:
        """Return the next part of what is in the file and was not returned before."""
        if self._out < 0:
            if not self._file.exists():
                return b""
            self._open()
        data = os.pread(self._out, _CHUNK, self._given)
        self._given += len(data)
        return data

    @property
    def full(self) -> bool:
        """Whether something may have been dropped."""
        return self._out >= 0 and os.fstat(self._out).st_size >= self._limit

    def close(self) -> None:
        """Let go of both; may be repeated."""
        for descriptor in (self.pipe, self._out):
            if descriptor >= 0:
                os.close(descriptor)
        self.pipe = self._out = -1

    def _look(self) -> Flow:
        """Say what the pipe is like, and take nothing."""
        found = select.poll()
        found.register(self.pipe, select.POLLIN)
        for _, events in found.poll(0):
            return Flow.MORE if events & select.POLLIN else Flow.OVER
        return Flow.DRY

    def _move(self) -> int:
        if self._out < 0:
            self._open()
        size = os.fstat(self._out).st_size
        if size >= self._limit:
            return len(os.read(self.pipe, _CHUNK))
        room = min(_CHUNK, self._limit - size)
        return os.splice(self.pipe, self._out, room, offset_dst=size, flags=os.SPLICE_F_NONBLOCK | os.SPLICE_F_MOVE)

    def _open(self) -> None:
        self._out = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

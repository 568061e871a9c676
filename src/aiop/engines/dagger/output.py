"""What an attempt writes: live where that can be, and whole in any case.

Live pieces come from the session, which leaves out what is not valid UTF-8. Once the command has ended, the files to
which both streams were written as well are fetched: the rest comes from there, and what was given is compared.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiop.engines.dagger.logs import Record
from aiop.interfaces import OutputSink
from aiop.model.records import Stream

__all__ = ["Delivery"]

_REPLACEMENT: Final = "\ufffd"
_PIECE: Final = 256 * 1024
_KEPT: Final = 256 * 1024


class _Given:
    """What a sink has got of one stream: how much, and a digest to compare it by."""

    def __init__(self) -> None:
        self.size = 0
        self.digest = hashlib.blake2b()
        self.live = True

    def add(self, data: bytes) -> None:
        self.size += len(data)
        self.digest.update(data)


class Delivery:
    """Gives a sink each stream from its beginning, once."""

    def __init__(self, sink: OutputSink) -> None:
        self._sink = sink
        self._given = {stream: _Given() for stream in (Stream.STDOUT, Stream.STDERR)}
        self._kept: list[tuple[Stream, bytes, datetime]] = []
        self._kept_size = 0
        self._last = datetime.min.replace(tzinfo=UTC)

    def live(self, record: Record) -> None:
        """Take a piece as it is written. From the first that is not as it was written on, the stream waits."""
        given = self._given[record.stream]
        if not given.live or not record.text:
            return
        if _REPLACEMENT in record.text:
            given.live = False
            return
        data, at = record.text.encode(), self._not_before(record.at)
        self._keep(record.stream, data, at)
        self._give(record.stream, data, at)

    def again(self, sink: OutputSink) -> Delivery:
        """Return one that gives all of it to another sink, from the beginning.

        What is too much to have been kept comes at the end.
        """
        made = Delivery(sink)
        made._kept, made._kept_size = self._kept, self._kept_size
        for stream, given in made._given.items():
            given.live = self._given[stream].live and self._kept_size <= _KEPT
        for stream, data, at in self._kept:
            made._give(stream, data, at)
        return made

    async def finish(self, stream: Stream, path: Path) -> bool:
        """Give what is missing of a stream, from the file that was fetched.

        ``False``: what was given live is not how the stream begins, and nothing more is given. Nothing happens if there
        is no file: the command did away with it.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return True
        given = self._given[stream]
        given.live = False
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return True
            digest, left = hashlib.blake2b(), given.size
            while left and (data := file.read(min(left, _PIECE))):
                digest.update(data)
                left -= len(data)
                await asyncio.sleep(0)
            if left or digest.digest() != given.digest.digest():
                return False
            while data := file.read(_PIECE):
                self._give(stream, data, self._not_before(datetime.now(UTC)))
                await asyncio.sleep(0)
        return True

    def _give(self, stream: Stream, data: bytes, at: datetime) -> None:
        self._given[stream].add(data)
        self._sink(stream, data, at)

    def _keep(self, stream: Stream, data: bytes, at: datetime) -> None:
        if self._kept_size > _KEPT:
            return
        self._kept_size += len(data)
        self._kept.append((stream, data, at))
        if self._kept_size > _KEPT:
            self._kept.clear()

    def _not_before(self, at: datetime) -> datetime:
        """Let no piece be older than the one before it."""
        self._last = max(self._last, at)
        return self._last

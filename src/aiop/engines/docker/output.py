"""What a container writes: live from an attachment, or from the engine's log."""

from __future__ import annotations

import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from aiodocker.docker import Docker
from aiodocker.stream import Stream as Attachment
from yarl import URL

from aiop.engines.docker.client import DockerClient
from aiop.interfaces import OutputSink
from aiop.model.records import Stream

__all__ = ["Delivery", "attached", "deliver_attached", "deliver_log"]

_HEADER: Final = struct.Struct(">BxxxL")
_STREAMS: Final = {0: Stream.STDOUT, 1: Stream.STDOUT, 2: Stream.STDERR}
_INIT_FAILED: Final = re.compile(rb"\[FATAL tini \(\d+\)\] exec (.*) failed: (.*)\n?")
_HEAD: Final = 512
_PART: Final = 16 * 1024
"""Size of the parts into which the engine splits a long line."""


class Delivery:
    """Gives a sink each stream from its beginning, once, from one source after another."""

    def __init__(self, sink: OutputSink) -> None:
        self._sink = sink
        self._given = {Stream.STDOUT: 0, Stream.STDERR: 0}
        self._skip = dict.fromkeys(self._given, 0)
        self._head = b""

    def rewind(self) -> None:
        """Say that the next piece comes from a source that begins again."""
        self._skip = dict(self._given)

    def give(self, stream: Stream, data: bytes, at: datetime) -> None:
        """Hand on what the sink does not have yet."""
        skip = self._skip[stream]
        if skip:
            self._skip[stream] = max(0, skip - len(data))
            data = data[skip:]
            if not data:
                return
        if len(self._head) < _HEAD:
            self._head += data[:_HEAD]
        self._given[stream] += len(data)
        self._sink(stream, data, at)

    @property
    def init_failure(self) -> str | None:
        """What the init process said, if that is all there is: the command could not be run."""
        match = _INIT_FAILED.fullmatch(self._head)
        if match is None:
            return None
        command, error = (group.decode(errors="replace") for group in match.groups())
        return f"exec {command}: {error}"


@asynccontextmanager
async def attached(docker: Docker, name: str) -> AsyncIterator[Attachment]:
    """Attach to the output; once this is entered, nothing written from now on will be missed."""

    async def setup() -> tuple[URL, bytes | None, bool]:
        # What DockerContainer.attach does, but for an inspection to learn that there is no terminal.
        return URL(f"containers/{name}/attach").with_query(stream="1", stdout="1", stderr="1"), None, False

    async with Attachment(docker, setup) as attachment:
        yield attachment


async def deliver_attached(attachment: Attachment, delivery: Delivery) -> None:
    """Read to the end, which is that of the output or of the connection."""
    while (message := await attachment.read_out()) is not None:
        delivery.give(_STREAMS[message.stream], message.data, datetime.now(UTC))


async def deliver_log(client: DockerClient, name: str, delivery: Delivery, *, follow: bool, repair: bool) -> None:
    """Read the engine's log from its beginning; ``follow`` alone may miss the last line (moby#43860).

    ``repair``: the log driver loses the end of a line that it had to split (``local``). Seen from here, such a
    line has a last part that is neither full nor ended and yet is followed by another line.
    """
    delivery.rewind()
    owed: dict[Stream, datetime] = {}
    params = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": "1" if follow else "0"}
    async with client.stream("GET", f"containers/{name}/logs", params) as response:
        async for number, message in _frames(response.content.iter_any()):
            # Each message, also a part of a long line, is a frame with its time before it.
            time, _, data = message.partition(b" ")
            stream, at = _STREAMS[number], datetime.fromisoformat(time.decode())
            if (ended_at := owed.pop(stream, None)) is not None:
                delivery.give(stream, b"\n", ended_at)
            delivery.give(stream, data, at)
            if repair and len(data) != _PART and not data.endswith(b"\n"):
                owed[stream] = at


async def _frames(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """Take the engine's multiplexed stream apart."""
    buffer = b""
    async for chunk in chunks:
        buffer += chunk
        start = 0
        while len(buffer) - start >= _HEADER.size:
            number, length = _HEADER.unpack_from(buffer, start)
            end = start + _HEADER.size + length
            if end > len(buffer):
                break
            yield number, buffer[start + _HEADER.size : end]
            start = end
        buffer = buffer[start:]

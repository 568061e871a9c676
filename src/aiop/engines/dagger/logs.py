"""What commands write, live: from the session's stream of server-sent events to whoever asked for it.

Each record of it carries the trace in which the call was made that runs the command. So one subscription serves all
attempts of a session. The engine leaves out a piece that is not valid UTF-8, and says nothing of that.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from aiop.model.records import Stream

__all__ = ["Event", "Receiver", "Record", "Router", "events", "records"]

_ANSWER: Final = "dagger.io/logs.verbose"
"""Marks what calls have answered, which is shown as output too."""
_STREAMS: Final = {"1": Stream.STDOUT, "2": Stream.STDERR}


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """A piece of one stream; ``ended``: nothing of it comes any more."""

    trace: str
    stream: Stream
    text: str
    at: datetime
    ended: bool


Receiver = Callable[[Record], None]
"""Takes the records of one trace in their order; never raises."""


async def events(lines: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """Put events together from lines, which come without their ends."""
    name = ""
    data: list[bytes] = []
    async for line in lines:
        if not line:
            if data:
                yield Event(name, b"\n".join(data))
            data = []
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"id":
            name = value.decode()
        elif field == b"data":
            data.append(value)


def records(payload: bytes) -> Iterator[Record]:
    """Read an OTLP export request in JSON; what is not the output of a command is passed over."""
    for resource in orjson.loads(payload).get("resourceLogs", ()):
        for scope in resource.get("scopeLogs", ()):
            for record in scope.get("logRecords", ()):
                if (read := _record(record)) is not None:
                    yield read


def _record(record: Mapping[str, Any]) -> Record | None:
    attributes = {entry["key"]: entry.get("value", {}) for entry in record.get("attributes", ())}
    stream = _STREAMS.get(str(attributes.get("stdio.stream", {}).get("intValue")))
    trace = record.get("traceId")
    if stream is None or not trace or _ANSWER in attributes:
        return None
    return Record(
        trace=_hexadecimal(trace),
        stream=stream,
        text=record.get("body", {}).get("stringValue", ""),
        at=datetime.fromtimestamp(int(record.get("timeUnixNano", 0)) / 1e9, UTC),
        ended=bool(attributes.get("stdio.eof", {}).get("boolValue")),
    )


def _hexadecimal(trace: str) -> str:
    """Read the 16 bytes of a trace id, written in hexadecimal as OTLP has it, or in base64 as protobuf has it."""
    return trace if len(trace) == 32 else base64.b64decode(trace).hex()


class Router:
    """Hands records on to those who listen for their trace; what nobody listens for is dropped."""

    def __init__(self) -> None:
        self._receivers: dict[str, Receiver] = {}

    def listen(self, trace: str, receiver: Receiver) -> None:
        """Hand on what comes with ``trace`` from now on."""
        self._receivers[trace] = receiver

    def forget(self, trace: str) -> None:
        """Hand on nothing of ``trace`` any more."""
        self._receivers.pop(trace, None)

    def take(self, payload: bytes) -> None:
        """Hand on what is in one event."""
        for record in records(payload):
            receiver = self._receivers.get(record.trace)
            if receiver is not None:
                receiver(record)

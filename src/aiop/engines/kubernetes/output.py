"""The log of a container, as the API gives it, taken apart into what the command wrote to which stream."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aiop.engines.kubernetes.wrapping import Report, parse_report
from aiop.interfaces import OutputSink
from aiop.model.records import Stream

__all__ = ["Delivery", "LogReader"]

_TIME_LENGTH: Final = 40
"""A time has at most 35 characters."""

_PENDING: Final = 64 * 1024
"""How much of a line that has not ended is kept back, in case that a mark follows."""


class Delivery:
    """Gives a sink each stream from its beginning, once, from one reading of the log after another."""

    def __init__(self, sink: OutputSink) -> None:
        self._sink = sink
        self._given = {Stream.STDOUT: 0, Stream.STDERR: 0}
        self._skip = dict.fromkeys(self._given, 0)
        self._latest: datetime | None = None

    def rewind(self) -> None:
        """Say that the next piece comes from a reading that begins again."""
        self._skip = dict(self._given)

    def give(self, stream: Stream, data: bytes, at: datetime) -> None:
        """Hand on what the sink does not have yet; times never go back."""
        skip = self._skip[stream]
        if skip:
            self._skip[stream] = max(0, skip - len(data))
            data = data[skip:]
        if not data:
            return
        self._given[stream] += len(data)
        self._latest = max(at, self._latest or at)
        self._sink(stream, data, self._latest)


class LogReader:
    """One reading of a log with times. ``token`` begins the marks of a wrapped command; without it all is stdout.

    ``begun``: the log has the mark of its beginning; ``remark``: what the cluster says in the place of lines that it
    does not have. ``report`` is there once it has that of the end of stdout. ``ended``: nothing more comes.
    """

    def __init__(self, delivery: Delivery, token: str | None) -> None:
        self._delivery = delivery
        self._token = token.encode() if token is not None else None
        self._buffer = b""
        self._at: datetime | None = None
        """The time of the line under way."""
        self.begun = token is None
        self.remark: str | None = None
        self.report: Report | None = None
        self.ended_at: datetime | None = None
        self.ended = False
        self._errors_ended = False
        delivery.rewind()

    @property
    def whole(self) -> bool:
        """Whether the log has the marks of its end, which come in any order."""
        return self.report is not None and (self._errors_ended or not self.report.marked)

    def feed(self, data: bytes) -> None:
        """Take a piece of the log, cut anywhere."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            text = line if self._at is not None else self._take_time(line)
            if text is not None and not self._take(text):
                self._give(Stream.STDOUT, b"\n")
            self._at = None
        if self._at is None and len(self._buffer) > _TIME_LENGTH:
            self._buffer = self._take_time(self._buffer) or b""
        if len(self._buffer) > _PENDING:
            self._take_part()

    def finish(self) -> None:
        """Say that the log has ended; a last line may lack its end."""
        text = self._buffer if self._at is not None else self._take_time(self._buffer)
        if text:
            self._take(text)
        self._buffer = b""
        self.ended = True

    def _take_time(self, line: bytes) -> bytes | None:
        """Take the time off a line; one that has none is no output, but words of the cluster's own."""
        head, _, rest = line.partition(b" ")
        try:
            self._at = datetime.fromisoformat(head.decode())
        except ValueError:
            self.remark = line.decode(errors="replace").strip() or self.remark
            return None
        return rest

    def _take_part(self) -> None:
        """Hand on the beginning of a long line; the token is short, and looked for in what is kept."""
        keep = len(self._token or b"") + 1
        part, self._buffer = self._buffer[:-keep], self._buffer[-keep:]
        if self._token is None or self._token not in part:
            self._give(Stream.STDOUT, part)
        else:
            self._buffer = part + self._buffer

    def _take(self, line: bytes) -> bool:
        """Hand on a line without its end; whether that end was no end of a line of stdout."""
        if self._token is None or self._token not in line:
            self._give(Stream.STDOUT, line)
            return False
        before, _, marked = line.partition(self._token)
        # A long line of stdout comes in parts, and a line of stderr may come in between.
        self._give(Stream.STDOUT, before)
        kind, rest = marked[:1], marked[1:]
        if kind == b"e":
            text, end, _ = rest.partition(self._token + b"f")
            self._errors_ended = self._errors_ended or bool(end)
            self._give(Stream.STDERR, text if end else text + b"\n")
        elif kind == b"b":
            self.begun = True
        elif kind == b"r":
            self.report = parse_report(rest)
            self.ended_at = self._at
        return True

    def _give(self, stream: Stream, data: bytes) -> None:
        if data and self._at is not None:
            self._delivery.give(stream, data, self._at)

"""Takes the output of one attempt from the engine and turns it into log lines and the step's result.

``feed`` is the engine's sink: it only appends and cuts, so a slow database never holds up a container. What has
gathered is fetched with ``take`` by whoever commits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from aiop.model.records import LogLine, Stream
from aiop.orchestrator.masking import Masker

__all__ = ["RESULT_LIMIT", "AttemptOutput"]

RESULT_LIMIT = 256 * 1024
"""Bytes of standard output that make up ``outputs.result``."""

LAST_WORDS_LIMIT = 500
LINE_LIMIT = 1024 * 1024
"""A line without an end is stored in pieces of this many bytes."""


_WITHHELD = "[{} lines are withheld: what has to be masked in them is not known]"


class AttemptOutput:
    """The output of one attempt.

    ``skip`` says how many bytes of each stream the store holds already: an engine that is attached to again gives
    the output from its beginning (``rewind``), and the log goes on exactly where it was. ``stored`` is the size of the
    log so far, for the limit. ``held``: lines are kept back until ``release``, since what is to be masked in them is
    not known before the attempt has ended.
    """

    def __init__(
        self,
        masker: Masker,
        *,
        limit: int,
        notify: Callable[[], None],
        skip: tuple[int, int] = (0, 0),
        stored: int = 0,
        held: bool = False,
    ) -> None:
        self._masker = masker
        self._limit = limit
        self._notify = notify
        self._held = held
        self._result = bytearray()
        self._result_size = 0
        self._seen = {Stream.STDOUT: 0, Stream.STDERR: 0}
        self._kept = {Stream.STDOUT: skip[0], Stream.STDERR: skip[1]}
        self._partial = {Stream.STDOUT: bytearray(), Stream.STDERR: bytearray()}
        self._partial_at: dict[Stream, datetime] = {}
        self._lines: list[LogLine] = []
        self._size = stored
        self._full = stored >= limit
        self.last_words = ""
        """The last line of standard error that says something; why a step failed is often there."""

    def rewind(self) -> None:
        """Expect the output from its beginning again."""
        self._result.clear()
        self._result_size = 0
        for stream, partial in self._partial.items():
            self._seen[stream] = 0
            partial.clear()

    def begin_again(self, note: str, at: datetime) -> None:
        """Keep what was shown, though it is not how the output begins; add a note, and expect all of it again."""
        self.finish()
        self.note(note, at)
        self._kept = dict.fromkeys(self._kept, 0)

    def feed(self, stream: Stream, data: bytes, at: datetime) -> None:
        """Take a piece of one stream; see ``interfaces.OutputSink``."""
        if stream is Stream.STDOUT:
            self._feed_result(data)
        start = self._seen[stream]
        self._seen[stream] = start + len(data)
        known = self._kept[stream] + len(self._partial[stream]) - start
        if known > 0:
            data = data[known:]
        if not data:
            return
        partial = self._partial[stream]
        if not partial:
            self._partial_at[stream] = at
        partial += data
        if b"\n" in data:
            *lines, rest = bytes(partial).split(b"\n")
            for line in lines:
                self._kept[stream] += len(line) + 1
                self._add(stream, line, at)
            partial[:] = rest
            self._partial_at[stream] = at
            self._notify()
        while len(partial) > LINE_LIMIT + self._masker.longest:
            place = self._masker.cut(bytes(partial), LINE_LIMIT)
            self._kept[stream] += place
            self._add(stream, bytes(partial[:place]), at)
            del partial[:place]
            self._notify()

    def finish(self) -> None:
        """Close last lines that have no end; the attempt has ended."""
        for stream, partial in self._partial.items():
            if partial:
                self._kept[stream] += len(partial)
                self._add(stream, bytes(partial), self._partial_at[stream])
                partial.clear()

    def restore(self, lines: Sequence[LogLine]) -> None:
        """Add the lines of an earlier attempt, masked again, in the place of an output."""
        self._lines.extend(replace(line, text=self._masker.text(line.text)) for line in lines)
        self._size += sum(len(line.text) + 1 for line in lines)
        self._notify()

    def note(self, text: str, at: datetime) -> None:
        """Add a line of the service's own; it is shown whatever the limit."""
        self._lines.append(LogLine(at, Stream.SYSTEM, self._masker.text(text)))
        self._notify()

    def take(self) -> list[LogLine]:
        """Hand over the lines that have gathered."""
        if self._held:
            return []
        lines, self._lines = self._lines, []
        return lines

    def release(self, *, shown: bool) -> None:
        """Give lines that were held back free, masked by what is known now, or say that they are not ``shown``.

        Does nothing if none were to be held back.
        """
        if not self._held:
            return
        self._held = False
        if shown:
            self._lines = [replace(line, text=self._masker.text(line.text)) for line in self._lines]
        elif self._lines:
            last = self._lines[-1]
            self._lines = [replace(last, stream=Stream.SYSTEM, text=_WITHHELD.format(len(self._lines)))]

    @property
    def position(self) -> tuple[int, int, int]:
        """Bytes of stdout and of stderr that the lines taken so far account for, and the size of the log.

        True only right after ``take``.
        """
        return self._kept[Stream.STDOUT], self._kept[Stream.STDERR], self._size

    @property
    def result(self) -> tuple[str, bool]:
        """Standard output, trimmed, and whether it was cut; a secret is not cut in two."""
        data, truncated = bytes(self._result), self._result_size > RESULT_LIMIT
        if truncated:
            data = self._masker.whole(data)
        return data.decode(errors="replace").strip(), truncated

    def _feed_result(self, data: bytes) -> None:
        self._result_size += len(data)
        room = RESULT_LIMIT - len(self._result)
        if room > 0:
            self._result += data[:room]

    def _add(self, stream: Stream, line: bytes, at: datetime) -> None:
        if self._full:
            return
        text = self._masker.data(line).decode(errors="replace").removesuffix("\r")
        if stream is Stream.STDERR and text.strip():
            self.last_words = text.strip()[:LAST_WORDS_LIMIT]
        if self._size + len(text) > self._limit:
            self._full = True
            text = f"[log cut: it is over {self._limit} bytes; the step goes on]"
            stream = Stream.SYSTEM
        self._size += len(text) + 1
        self._lines.append(LogLine(at, stream, text))

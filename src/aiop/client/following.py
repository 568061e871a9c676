"""Reads a stream of server-sent events over as many connections as it takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiop.client.calls import Calls
from aiop.client.effects import Close, Flow, Pause, Read, Request
from aiop.client.errors import ServiceUnreachable
from aiop.client.sse import EventParser, ServerEvent

__all__ = ["Following"]

_END = "end"
"""The type of the event with which the service says that nothing will follow."""

_SILENCE = 60.0
"""Seconds after which a silent connection is taken for dead; the service sends a comment far more often."""

_SHORTEST = 0.05


class Following:
    """One stream. After a break it goes on behind the last event that was read, so that none is lost or doubled.

    ``patience``: how many seconds of silence the caller can bear, if few.
    """

    def __init__(
        self,
        calls: Calls,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        last_id: str = "",
        patience: float | None = None,
    ) -> None:
        silence = _SILENCE if patience is None else max(_SHORTEST, min(_SILENCE, patience))
        self._calls = calls
        self._request = Request("GET", path, query=query or {}, read_timeout=silence)
        self._last_id = last_id
        self._parser: EventParser | None = None
        self._events: deque[ServerEvent] = deque()
        self._breaks = 0

    def next(self) -> Flow[ServerEvent | None]:
        """Return the next event, ``None`` at the end of the stream.

        Raises ``ServiceUnreachable`` once the connection has broken again and again without a new event.
        """
        while not self._events:
            parser = self._parser or (yield from self._open())
            try:
                chunk: bytes | None = yield Read()
            except ServiceUnreachable as error:
                yield from self._pause(error)
                continue
            if chunk is None:
                yield from self._pause(ServiceUnreachable("The service closed the stream before its end"))
                continue
            self._events.extend(parser.feed(chunk))
        event = self._events.popleft()
        self._breaks = 0
        self._last_id = event.id
        if event.type == _END:
            yield Close()
            return None
        return event

    def _open(self) -> Flow[EventParser]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        yield from self._calls.send(replace(self._request, headers=headers), opened=True)
        self._parser = EventParser(self._last_id)
        return self._parser

    def _pause(self, error: ServiceUnreachable) -> Flow[None]:
        self._parser = None
        self._breaks += 1
        pause = self._calls.reconnect.after(self._breaks, chance=self._calls.chance())
        if pause is None:
            raise error
        yield Close()
        yield Pause(pause)

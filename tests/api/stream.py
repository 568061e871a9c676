"""Reads an answer piece by piece while it is being made, and can hang up or stop taking."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp, Message


class Stream:
    """One GET request, called as an ASGI server would. ``takes``: after so many messages it stops reading."""

    def __init__(self, app: ASGIApp, path: str, token: str, *, takes: int | None = None, **headers: str) -> None:
        path, _, query = path.partition("?")
        given = {"authorization": f"Bearer {token}", **{name.replace("_", "-"): text for name, text in headers.items()}}
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), text.encode()) for name, text in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("aiop.test", 80),
        }
        self._app = app
        self._takes = takes
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        self._text = ""
        self.status = 0
        self.headers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self.call = asyncio.create_task(self._app(self._scope, self._receive, self._send))  # type: ignore[arg-type]
        start = await self._sent.get()
        self.status = start["status"]
        self.headers = {name.decode(): text.decode() for name, text in start["headers"]}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gone.set()
        await self.call

    def hang_up(self) -> None:
        self._gone.set()

    async def piece(self) -> str | None:
        """Return the next piece, ``None`` at the end."""
        message = await self._sent.get()
        return message["body"].decode() if message.get("more_body") else None

    async def rest(self) -> str:
        """Return everything up to the end."""
        text = ""
        while (piece := await self.piece()) is not None:
            text += piece
        return text

    async def event(self) -> dict[str, Any]:
        """Return the next server-sent event; a comment has only ``comment``."""
        while "\n\n" not in self._text:
            piece = await self.piece()
            assert piece is not None, "the stream has ended"
            self._text += piece
        block, _, self._text = self._text.partition("\n\n")
        return parse_event(block)

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._takes is not None:
            if self._takes == 0:
                await asyncio.Event().wait()  # a client that has stopped reading
            self._takes -= 1
        self._sent.put_nowait(message)


def parse_event(block: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for line in block.split("\n"):
        name, _, value = line.partition(": ")
        fields[name or "comment"] = value
    if "data" in fields:
        fields["data"] = json.loads(fields["data"])
    return fields


def parse_events(text: str) -> list[dict[str, Any]]:
    return [parse_event(block) for block in text.split("\n\n") if block]

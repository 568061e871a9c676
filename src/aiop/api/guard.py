"""The outermost layer: names each request, answers what nothing else did, and lets HEAD be a GET without a body."""

from __future__ import annotations

import re
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiop.api.errors import internal_error
from aiop.interfaces import acting
from aiop.model.audit import Actor

__all__ = ["REQUEST_ID", "Guard"]

REQUEST_ID = "X-Request-ID"

_SANE = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Guard:
    """Wraps an application. Every answer carries ``X-Request-ID``, the caller's own if it is a sane one.

    What a request does is done by an ``Actor`` of this id, and of the address that the server sees.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger("aiop.api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _SANE.fullmatch(given) else uuid.uuid4().hex
        started = False

        async def named_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        call = _without_body(self._app) if scope["method"] == "HEAD" else self._app
        client = scope.get("client")
        try:
            with acting(Actor(request_id=request_id, address=client[0] if client else None)):
                await call(scope, receive, named_send)
        except ClientDisconnect:
            pass  # nobody is left to be told
        except Exception:
            self._log.exception("request failed", request_id=request_id, method=scope["method"], path=scope["path"])
            if started:
                raise  # the server breaks the connection off: half an answer must not look whole
            await internal_error(request_id)(scope, receive, named_send)


def _without_body(app: ASGIApp) -> ASGIApp:
    async def head(scope: Scope, receive: Receive, send: Send) -> None:
        done = False

        async def send_head(message: Message) -> None:
            nonlocal done
            if message["type"] == "http.response.start":
                await send(message)
            elif not done:
                done = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def receive_until_done() -> Message:
            # A stream would go on and on; to it the client is gone as soon as the head is sent.
            return {"type": "http.disconnect"} if done else await receive()

        await app({**scope, "method": "GET"}, receive_until_done, send_head)

    return head

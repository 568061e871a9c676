"""Measures each request for the metrics, under the template of its route."""

from __future__ import annotations

import time
from http import HTTPStatus

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiop.api.services import services_of

__all__ = ["Measuring"]


class Measuring:
    """Wraps an application inside of ``Guard``. How long a stream lives says nothing: it counts to its begin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        figures = services_of(HTTPConnection(scope)).monitoring.requests
        began = time.perf_counter()
        answered = False

        def note(status: int) -> None:
            nonlocal answered
            answered = True
            figures.answered(
                # The router has left it in the scope; there is none for a path that it does not know.
                route=getattr(scope.get("route"), "path", None),
                method=scope["method"],
                status=status,
                seconds=time.perf_counter() - began,
            )

        async def measured_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                note(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, measured_send)
        except Exception:
            if not answered:
                note(HTTPStatus.INTERNAL_SERVER_ERROR)  # what Guard will answer
            raise

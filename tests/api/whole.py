"""The whole service as one ASGI application: its loops run from ``lifespan.startup`` to ``lifespan.shutdown``."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from starlette.types import ASGIApp, Receive, Scope, Send

from aiop.config import Settings
from aiop.runtime.build import build_service

__all__ = ["WholeService"]


class WholeService:
    """Serves requests in the event loop in which it was started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            assert self._app is not None
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            service = await stack.enter_async_context(build_service(self._settings))
            self._app = service.app
            loops = [asyncio.create_task(each.run()) for each in (service.supervisor, service.fleet, service.sweeper)]
            await send({"type": "lifespan.startup.complete"})
            await receive()
            service.stopping.set()
            for loop in loops:
                loop.cancel()
                await asyncio.wait({loop})
                assert loop.cancelled()
        await send({"type": "lifespan.shutdown.complete"})

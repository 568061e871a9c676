"""Waits for an engine that does not answer, once for all who need it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from aiop.errors import EngineUnavailable
from aiop.interfaces import Clock, Engine

__all__ = ["EngineGate"]

FIRST_PAUSE = timedelta(milliseconds=100)
LONGEST_PAUSE = timedelta(seconds=5)

log = structlog.get_logger()


class EngineGate:
    """Probes an engine that was found unavailable, with growing pauses, until it answers again."""

    def __init__(self, engine: Engine, clock: Clock, *, news: Callable[[], None] = lambda: None) -> None:
        """``news`` is called when somebody has found the engine unavailable, and when it answers again."""
        self._engine = engine
        self._clock = clock
        self._news = news
        self._probe: asyncio.Task[None] | None = None

    async def passed(self) -> None:
        """Return once the engine has answered a probe that began after this call, or one that is under way."""
        if self._probe is None or self._probe.done():
            self._news()
            self._probe = asyncio.create_task(self._until_it_answers(), name="engine-probe")
        await asyncio.shield(self._probe)

    async def aclose(self) -> None:
        """Stop probing."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)

    async def _until_it_answers(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._engine.check()
            except EngineUnavailable as error:
                if pause == FIRST_PAUSE:
                    log.warning("engine_unavailable", error=str(error))
            else:
                self._news()
                return
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

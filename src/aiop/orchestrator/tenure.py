"""How long a lease is sure to be ours."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from aiop.interfaces import Clock

__all__ = ["Tenure"]

_MARGIN = timedelta(seconds=1)
"""For what lies between asking and acting."""


class Tenure:
    """The time until which nobody else can have claimed an execution, as far as its owner knows."""

    def __init__(self, clock: Clock, until: datetime) -> None:
        self._clock = clock
        self._until = until
        self._extended = asyncio.Event()

    def extend(self, until: datetime) -> None:
        """Note that the lease was renewed."""
        self._until = until
        self._extended.set()

    async def held(self) -> None:
        """Return if the lease is sure to hold, else once it was renewed."""
        while self._clock.now() >= self._until - _MARGIN:
            self._extended.clear()
            await self._extended.wait()

"""When what has changed in one execution is committed: soon, and not each change by itself."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from aiop.interfaces import Clock, pause

__all__ = ["PACE", "Pace"]

PACE = timedelta(milliseconds=100)


class Pace:
    """Commits of one execution, in turns.

    After a quiet time a change of state has its turn at once. What follows is gathered until ``PACE`` after the last
    commit, so short steps share one; lines of output always are, so chatty steps make few and large rows.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._news = asyncio.Event()
        self._change = asyncio.Event()
        self._haste = asyncio.Event()
        self._last: datetime | None = None

    def lines(self) -> None:
        """Say that there are lines of output to commit."""
        self._news.set()

    def change(self) -> None:
        """Say that there is more to commit than lines."""
        self._change.set()
        self._news.set()

    def haste(self) -> None:
        """Say that somebody waits for the commit."""
        self._haste.set()
        self.change()

    async def turn(self) -> None:
        """Return when it is time to commit."""
        await self._news.wait()
        if not self._change.is_set():
            await pause(self._clock, PACE, unless=self._change)
        if self._last is not None and not self._haste.is_set():
            rest = self._last + PACE - self._clock.now()
            # After the clock was set back it says nothing.
            if timedelta(0) < rest <= PACE:
                await pause(self._clock, rest, unless=self._haste)
        for event in (self._news, self._change, self._haste):
            event.clear()

    def committed(self) -> None:
        """Say that what there was has been committed."""
        self._last = self._clock.now()

"""A brake for guessing."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiop.errors import TooManyRequests
from aiop.interfaces import Clock

__all__ = ["Throttle"]


@dataclass(slots=True)
class _Window:
    ends: datetime
    attempts: int = 0


class Throttle:
    """Lets each key try ``limit`` times in a window that opens with the first try.

    A try counts from its beginning, so that guesses made at once count too; success forgets the key. At most
    ``capacity`` keys are remembered, the longest unused are dropped first.
    """

    def __init__(self, clock: Clock, *, limit: int, window: timedelta, capacity: int = 10_000) -> None:
        self._clock = clock
        self._limit = limit
        self._window = window
        self._capacity = capacity
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def attempt(self, key: str) -> None:
        """Count a try; raises ``TooManyRequests`` with the time until the window closes."""
        now = self._clock.now()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            window = self._windows[key] = _Window(now + self._window)
        self._windows.move_to_end(key)
        if len(self._windows) > self._capacity:
            self._windows.popitem(last=False)
        if window.attempts >= self._limit:
            wait = max(1, math.ceil((window.ends - now).total_seconds()))
            raise TooManyRequests("Too many failed sign-ins; try again later", retry_after=wait)
        window.attempts += 1

    def forget(self, key: str) -> None:
        """Start afresh: the try was good."""
        self._windows.pop(key, None)

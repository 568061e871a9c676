"""Time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

__all__ = ["Clock"]


class Clock(Protocol):
    """The only source of time for code that decides or waits; tests give one that they move by hand."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""

    async def sleep(self, delay: timedelta) -> None:
        """Return once ``delay`` has passed; at once if it is not positive."""

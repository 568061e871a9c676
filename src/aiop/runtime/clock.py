"""The real time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

__all__ = ["SystemClock"]


class SystemClock:
    """Implements ``interfaces.Clock``."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        """Return once ``delay`` has passed; at once if it is not positive."""
        await asyncio.sleep(max(0.0, delay.total_seconds()))

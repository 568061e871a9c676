"""The real time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

__all__ = ["SystemClock"]

TOLERANCE = timedelta(milliseconds=250)
"""A difference up to this is left: what is smaller than the doubt about it would only make time jump."""

log = structlog.get_logger()


class SystemClock:
    """Implements ``interfaces.Clock``: the time of this machine, set right by that of the database that it shares.

    So replicas agree on when a lease ends, whatever the clocks of their machines say.
    """

    def __init__(self) -> None:
        self._offset = timedelta(0)

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        return datetime.now(UTC) + self._offset

    async def sleep(self, delay: timedelta) -> None:
        """Return once ``delay`` has passed; at once if it is not positive."""
        await asyncio.sleep(max(0.0, delay.total_seconds()))

    def compare(self, reference: datetime, asked: datetime, had: datetime) -> None:
        """Take over the reference's time, which was read between two moments of ours.

        An answer that took long says too little.
        """
        took = had - asked
        error = reference - (asked + took / 2)
        if took <= 2 * TOLERANCE and abs(error) > TOLERANCE:
            self._offset += error
            log.warning("clock_set", by_seconds=error.total_seconds(), reference="the database")

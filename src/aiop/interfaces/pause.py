"""Waiting for a time or an event, whichever comes first."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from aiop.interfaces.clock import Clock

__all__ = ["pause"]


async def pause(clock: Clock, delay: timedelta, *, unless: asyncio.Event) -> None:
    """Return after ``delay``, or as soon as the event is set."""
    waits = [asyncio.ensure_future(clock.sleep(delay)), asyncio.ensure_future(unless.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()

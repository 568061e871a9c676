"""Whether a failed attempt is followed by another, and when. Pure."""

from __future__ import annotations

import math
import random
from datetime import timedelta

from aiop.model.definition import Backoff, Retry
from aiop.model.state import Reason

__all__ = ["INFRASTRUCTURE", "next_delay", "retryable"]

INFRASTRUCTURE = Retry(
    delay=timedelta(seconds=1), backoff=Backoff.EXPONENTIAL, max_delay=timedelta(seconds=30), jitter=0.2
)
"""How attempts follow each other that faults of the world have ended."""

LONGEST = timedelta(days=30)
"""No pause is longer, whatever a policy says."""


def retryable(retry: Retry, reason: Reason, exit_code: int | None, *, attempts: int) -> bool:
    """Tell whether another attempt is due after ``attempts`` that counted; faults of the world never count."""
    if attempts >= retry.max_attempts or reason not in retry.on or reason is Reason.ENGINE_LOST:
        return False
    if reason is Reason.EXIT_CODE and retry.exit_codes is not None:
        return exit_code in retry.exit_codes
    return True


def next_delay(retry: Retry, attempts: int, rng: random.Random) -> timedelta:
    """Return the pause after ``attempts`` (from 1); jitter adds up to its fraction and ``max_delay`` bounds it all."""
    limit = min(retry.max_delay if retry.max_delay is not None else LONGEST, LONGEST).total_seconds()
    seconds = retry.delay.total_seconds()
    if seconds and retry.backoff is Backoff.EXPONENTIAL:
        try:
            seconds *= math.pow(retry.factor, attempts - 1)
        except OverflowError:
            seconds = limit
    return timedelta(seconds=min(seconds * (1 + retry.jitter * rng.random()), limit))

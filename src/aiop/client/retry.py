"""When a request is sent again, and after how long. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["Retry"]


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently. Delays are in seconds; ``attempts`` counts the first one.

    A service that asks by ``Retry-After`` for more than ``longest_wait`` is not waited for.
    """

    attempts: int = 5
    delay: float = 0.25
    factor: float = 2.0
    longest_delay: float = 8.0
    longest_wait: float = 60.0
    jitter: float = 0.25

    def after(self, attempt: int, *, retry_after: float | None = None, chance: float = 0.0) -> float | None:
        """Return the pause after this attempt (from 1), ``None`` if there is to be no other.

        ``chance`` in 0..1 scales the jitter, which only ever adds: many clients must not return at once.
        """
        if attempt >= self.attempts or (retry_after or 0.0) > self.longest_wait:
            return None
        delay = min(self.longest_delay, self.delay * self.factor ** (attempt - 1))
        return max(delay, retry_after or 0.0) + self.jitter * delay * chance


def asked_delay(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Read ``Retry-After`` (RFC 9110, 10.2.3: seconds or a date) as seconds; ``None`` if absent or unreadable."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())

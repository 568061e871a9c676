"""How times, durations and foreign text are written for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["age", "duration", "local", "plain", "seconds_of"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def plain(text: str) -> str:
    """Take the control characters out of text that others wrote, so that it cannot steer the terminal."""
    return _CONTROL.sub("�", text)


def duration(length: timedelta) -> str:
    """Write a duration with the two units that matter: ``0.4s``, ``12s``, ``3m 05s``, ``2h 10m``, ``4d 3h``."""
    seconds = max(0.0, length.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes == 0:
        return f"{rest}s"
    hours, minutes = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes}m {rest:02}s"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours}h" if days else f"{hours}h {minutes:02}m"


def age(at: datetime | None, now: datetime) -> str:
    """Write how long ago something was."""
    if at is None:
        return "-"
    passed = now - at
    return "now" if passed < timedelta(seconds=1) else f"{duration(passed).split(' ')[0]} ago"


def local(at: datetime | None) -> str:
    """Write a time in the user's own zone."""
    return "-" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def seconds_of(text: str) -> int:
    """Read a duration such as ``90d``, ``12h`` or ``3600`` as seconds; raises ``ValueError``."""
    match = re.fullmatch(r"(\d+)([smhdw]?)", text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{text!r} is not a duration like 90d, 12h, 30m or 3600")
    return int(match[1]) * _UNITS[match[2] or "s"]


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)

"""Values to columns and back: times as microseconds, values as JSON text, strings that any database takes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, overload

import orjson
from sqlalchemy import Row

__all__ = ["AnyRow", "clean", "dump", "dump_optional", "load", "load_optional", "micros", "moment"]

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row of whatever columns."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BY_JSON = " "
"""First character of text that the standard library wrote and alone reads back unchanged."""


@overload
def micros(at: datetime) -> int: ...
@overload
def micros(at: datetime | None) -> int | None: ...
def micros(at: datetime | None) -> int | None:
    """Return microseconds since 1970 in UTC; ``at`` must be aware."""
    return None if at is None else (at - _EPOCH) // _MICROSECOND


@overload
def moment(stored: int) -> datetime: ...
@overload
def moment(stored: int | None) -> datetime | None: ...
def moment(stored: int | None) -> datetime | None:
    """Undo ``micros``."""
    return None if stored is None else _EPOCH + timedelta(microseconds=stored)


def dump(value: Any) -> str:
    """Write JSON text. What orjson refuses (integers beyond 64 bits, lone surrogates) is written by ``json``."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return _BY_JSON + json.dumps(value, separators=(",", ":"))


def load(text: str) -> Any:
    """Undo ``dump``. orjson would read a large integer as a float, so the mark decides who reads."""
    return json.loads(text) if text.startswith(_BY_JSON) else orjson.loads(text)


def dump_optional(value: Any | None) -> str | None:
    """Write JSON text, or NULL for ``None``."""
    return None if value is None else dump(value)


def load_optional(text: str | None) -> Any | None:
    """Undo ``dump_optional``."""
    return None if text is None else load(text)


def clean(text: str | None) -> str | None:
    """Replace what a text column may refuse: NUL (PostgreSQL) and lone surrogates (no UTF-8 for them)."""
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()

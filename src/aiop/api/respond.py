"""Rendering of answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

__all__ = ["NO_CONTENT", "json_bytes", "json_response", "no_content", "rfc3339"]

NO_CONTENT = HTTPStatus.NO_CONTENT


def json_bytes(value: Any) -> bytes:
    """Render JSON; times become RFC 3339 in UTC with ``Z``."""
    try:
        return orjson.dumps(value, default=_default, option=orjson.OPT_UTC_Z)
    except TypeError:
        # orjson takes neither integers above 64 bits nor lone surrogates, both of which JSON has.
        return json.dumps(value, default=_default, separators=(",", ":")).encode()


def json_response(value: Any, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(json_bytes(value), status_code=status, headers=headers, media_type="application/json")


def no_content() -> Response:
    """Answer that it is done and there is nothing to say."""
    return Response(status_code=NO_CONTENT)


def rfc3339(time: datetime) -> str:
    """Write a time, which is in UTC; without a fraction if that is zero."""
    return time.isoformat().replace("+00:00", "Z")


def _default(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{type(value).__name__} is not JSON")

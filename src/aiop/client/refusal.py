"""From an answer that is no success to the error that says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiop.client.effects import Reply
from aiop.client.errors import (
    ApiError,
    ClientError,
    Conflict,
    Forbidden,
    InvalidRequest,
    InvalidState,
    NotFound,
    ServiceError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
)
from aiop.errors import Fault

__all__ = ["refusal"]

_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: InvalidRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: TooManyRequests,
    503: Unavailable,
}


def refusal(reply: Reply) -> ClientError:
    """Make the error for an answer of status 300 or above; one that is not of this API is ``UnexpectedAnswer``."""
    body = _body(reply)
    if body is None:
        return _foreign(reply)
    code, message = str(body["code"]), str(body["message"])
    faults = [Fault(str(row.get("field", "")), str(row.get("message", ""))) for row in _rows(body)]
    default = ServiceError if reply.status >= 500 else ApiError
    kind = InvalidState if code == "invalid_state" else _BY_STATUS.get(reply.status, default)
    return kind(reply.status, code, message, faults)


def _body(reply: Reply) -> Mapping[str, Any] | None:
    try:
        body = json.loads(reply.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) and "code" in body and "message" in body else None


def _rows(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = body.get("details")
    rows = details.get("errors") if isinstance(details, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _foreign(reply: Reply) -> ClientError:
    """Judge an answer without this API's error body: of a proxy before it, or of another program."""
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "unknown status"
    if reply.status in (429, 502, 503, 504):
        return Unavailable(reply.status, "unavailable", f"{phrase} (HTTP {reply.status}, not from the service itself)")
    return UnexpectedAnswer(f"HTTP {reply.status} {phrase}, without an error body of this API")

"""Server-sent events (HTML Living Standard, 9.2)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from aiop.api.respond import json_bytes
from aiop.model.state import ExecutionStatus

__all__ = ["COMMENT", "EVENT_STREAM", "accepts_events", "end_event", "event"]

EVENT_STREAM = "text/event-stream"

COMMENT = b": still here\n\n"
"""Says nothing, and shows the client and all between that the connection lives."""


def event(data: Any, *, type: str, id: str | None = None) -> bytes:  # noqa: A002 - the words of the format
    """Write one event with JSON data."""
    head = f"event: {type}\n" if id is None else f"id: {id}\nevent: {type}\n"
    return head.encode() + b"data: " + json_bytes(data) + b"\n\n"


def end_event(status: ExecutionStatus) -> bytes:
    """Write the last event: the execution has ended and everything was sent. A client need not come back."""
    return event({"status": status}, type="end")


def accepts_events(request: Request) -> bool:
    """Tell whether the client asks for events by its ``Accept`` header."""
    accepted = (part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(","))
    return EVENT_STREAM in accepted

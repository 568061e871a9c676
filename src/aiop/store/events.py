"""Events as rows."""

from __future__ import annotations

from typing import Any

from aiop.model.ids import ExecutionId
from aiop.model.records import Event, EventType
from aiop.store.codec import AnyRow, dump, load, micros, moment

__all__ = ["event", "event_row"]


def event_row(execution: ExecutionId, event: Event) -> dict[str, Any]:
    """Encode an event."""
    return {
        "execution_id": execution,
        "seq": event.seq,
        "type": event.type.value,
        "at": micros(event.at),
        "data": dump(event.data),
    }


def event(row: AnyRow) -> Event:
    """Decode a row."""
    return Event(seq=row.seq, type=EventType(row.type), at=moment(row.at), data=load(row.data))

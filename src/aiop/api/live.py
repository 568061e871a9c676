"""``/dagger/executions/{id}/logs`` and ``/events``: what happens, while it happens."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from aiop.api.access import Viewer
from aiop.api.execution_view import prefixed
from aiop.api.executions import execution_id_of
from aiop.api.following import LogPosition, PlacedLine, Turn, log_turns, turns
from aiop.api.openapi import describe
from aiop.api.requests import NoQuery
from aiop.api.services import Services, services_of
from aiop.api.sse import COMMENT, EVENT_STREAM, accepts_events, end_event, event
from aiop.api.streaming import Streaming
from aiop.errors import Fault, InvalidRequest
from aiop.model.ids import StepId
from aiop.model.records import Event, Stream

__all__ = ["router"]

router = APIRouter(prefix="/dagger/executions/{execution_id}", tags=["executions"])

_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_EVENTS: dict[str, Any] = {EVENT_STREAM: {}}
"""OpenAPI 3.1 has no words for a stream: some take a schema for one of the whole, others for one of each event."""
_TEXT_TYPE = "text/plain; charset=utf-8"
_LAST_EVENT_ID = "Last-Event-ID"

LastEventId = Annotated[
    str | None,
    Header(alias=_LAST_EVENT_ID, max_length=64, description="Go on behind the event with this id"),
]


def _true_or_false(value: Any) -> Any:
    # Pydantic would take ``1``, ``yes`` and others too, which the description does not allow.
    return {"true": True, "false": False}.get(value, "") if isinstance(value, str) else value


class LogParameters(BaseModel):
    """Which lines, and how."""

    model_config = ConfigDict(extra="forbid")

    step: str | None = Field(None, max_length=255, description="Only lines of this step")
    stream: Stream | None = Field(None, description="Only lines of this stream")
    follow: Annotated[bool, BeforeValidator(_true_or_false)] | None = Field(
        None, description="Go on until the execution ends; the default for server-sent events and not for text"
    )


@router.get("/logs", **describe("get_execution_logs", content=_TEXT | _EVENTS, errors=(400, 401, 404)))
async def get_execution_logs(
    request: Request,
    _: Viewer,
    execution_id: str,
    query: Annotated[LogParameters, Query()],
    last_event_id: LastEventId = None,
) -> Response:
    """Read the log as text, or as server-sent events if `Accept` asks for `text/event-stream`.

    Text has one line for each line, behind the id of its step unless one step is asked for. An event has `step`,
    `index`, `attempt`, `stream`, `at` and `text`; `end` is the last. The id of an event serves as `Last-Event-ID`.
    """
    services = services_of(request)
    execution = await services.store.execution(execution_id_of(execution_id))
    if query.step is not None:
        outline = await services.operations.definitions.outline(execution.version_id)
        if all(step.id != query.step for step in outline):
            raise InvalidRequest.at("step", "The workflow has no such step")
    as_events = accepts_events(request)
    looks = log_turns(
        services,
        execution.id,
        after=_log_position(last_event_id),
        step=None if query.step is None else StepId(query.step),
        stream=query.stream,
        follow=as_events if query.follow is None else query.follow,
    )
    stall = services.streams.stall
    if as_events:
        return Streaming(_log_events(looks, _Heart(services)), media_type=EVENT_STREAM, stall=stall)
    return Streaming(_log_text(looks, with_step=query.step is None), media_type=_TEXT_TYPE, stall=stall)


@router.get(
    "/events", dependencies=[NoQuery], **describe("get_execution_events", content=_EVENTS, errors=(400, 401, 404))
)
async def get_execution_events(
    request: Request, _: Viewer, execution_id: str, last_event_id: LastEventId = None
) -> Response:
    """Read every state change as server-sent events, from the first or behind `Last-Event-ID`, until the end.

    The type of an event is that of the change, its data has `seq`, `type`, `at` and `data`; `end` is the last.
    """
    services = services_of(request)
    execution = await services.store.execution(execution_id_of(execution_id))
    after = _number(last_event_id or "0")
    looks = turns(services, execution.id, after=after)
    return Streaming(_events(looks, _Heart(services)), media_type=EVENT_STREAM, stall=services.streams.stall)


class _Heart:
    """Tells when a stream has been silent for long."""

    def __init__(self, services: Services) -> None:
        self._clock = services.clock
        self._pause = services.streams.heartbeat
        self._last = self._clock.now()

    def beat(self) -> None:
        """Note that something was sent."""
        self._last = self._clock.now()

    @property
    def due(self) -> bool:
        """Whether it is time to send something, if there is nothing to say."""
        return self._clock.now() - self._last >= self._pause


async def _events(looks: AsyncGenerator[Turn, None], heart: _Heart) -> AsyncGenerator[bytes, None]:
    async with aclosing(looks):
        async for turn in looks:
            for item in turn.events:
                yield event(_event_data(item), type=item.type, id=str(item.seq))
                heart.beat()
            if turn.ended is not None:
                yield end_event(turn.ended)
            elif heart.due:
                yield COMMENT
                heart.beat()


async def _log_events(
    looks: AsyncGenerator[Sequence[PlacedLine] | Turn, None], heart: _Heart
) -> AsyncGenerator[bytes, None]:
    async with aclosing(looks):
        async for look in looks:
            if not isinstance(look, Turn):
                yield b"".join(map(_line_event, look))
                heart.beat()
            elif look.ended is not None:
                yield end_event(look.ended)
            elif heart.due:
                yield COMMENT
                heart.beat()


async def _log_text(
    looks: AsyncGenerator[Sequence[PlacedLine] | Turn, None], *, with_step: bool
) -> AsyncGenerator[bytes, None]:
    async with aclosing(looks):
        async for look in looks:
            if not isinstance(look, Turn):
                lines = (prefixed(item.batch, item.line) if with_step else item.line.text for item in look)
                yield "".join(f"{line}\n" for line in lines).encode(errors="replace")


def _line_event(item: PlacedLine) -> bytes:
    data = {
        "step": item.batch.step,
        "index": item.batch.index,
        "attempt": item.batch.attempt,
        "stream": item.line.stream,
        "at": item.line.at,
        "text": item.line.text,
    }
    return event(data, type="log", id=f"{item.position.batch}.{item.position.line}")


def _event_data(item: Event) -> dict[str, object]:
    return {"seq": item.seq, "type": item.type, "at": item.at, "data": item.data}


def _log_position(text: str | None) -> LogPosition:
    if not text:
        return LogPosition()
    batch, _, line = text.partition(".")
    return LogPosition(_number(batch), _number(line))


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise InvalidRequest([Fault(_LAST_EVENT_ID, "Is not the id of an event of this stream")], "Invalid parameters")
    return int(text)

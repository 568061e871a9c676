"""``client.executions``."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aiop.client.calls import Calls
from aiop.client.decode import decode
from aiop.client.effects import Emit, Flow, Read, Request, Stream
from aiop.client.errors import ServiceUnreachable, UnexpectedAnswer, WaitTimeout
from aiop.client.following import Following
from aiop.client.operation import D, Resource, operation, stream
from aiop.client.paging import every, page
from aiop.client.results.executions import CacheState, Event, Execution, LogLine
from aiop.client.results.result import Page
from aiop.client.sse import ServerEvent
from aiop.model.records import EventType
from aiop.model.records import Stream as LogStream
from aiop.model.state import ExecutionStatus

__all__ = ["Executions", "wait_for"]


_PATH = "/dagger/executions"


def _of(execution: str) -> str:
    return f"{_PATH}/{quote(execution, safe='')}"


def _list(workflow: str | None, pipeline: str | None) -> str:
    if workflow is not None:
        return f"/dagger/workflows/{quote(workflow, safe='')}/executions"
    return _PATH if pipeline is None else f"/dagger/pipelines/{quote(pipeline, safe='')}/executions"


class Executions(Resource[D]):
    """Runs of workflows and pipelines."""

    @operation
    def get(self, execution: str) -> Flow[Execution]:
        """Read one with its steps, their inputs and outputs, and the newest part of its log."""
        return _get(self._calls, execution)

    @operation
    def list(
        self,
        *,
        workflow: str | None = None,
        pipeline: str | None = None,
        status: ExecutionStatus | str | None = None,
        sort: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Flow[Page[Execution]]:
        """Read a page, newest first, of all executions or of one workflow's or pipeline's."""
        query = {"status": status, "sort": sort}
        return page(
            self._calls, _list(workflow, pipeline), "executions", Execution, limit=limit, offset=offset, query=query
        )

    @stream
    def iter(
        self,
        *,
        workflow: str | None = None,
        pipeline: str | None = None,
        status: ExecutionStatus | str | None = None,
        sort: str | None = None,
    ) -> Stream[Execution]:
        """Go through all executions, however many pages they fill."""
        query = {"status": status, "sort": sort}
        return every(self._calls, _list(workflow, pipeline), "executions", Execution, ident="id", query=query)

    @operation
    def cancel(self, execution: str) -> Flow[None]:
        """Ask for a cancel and return; ``wait`` tells when it is done. ``InvalidState`` if it has ended."""
        yield from self._calls.send(Request("DELETE", _of(execution)))

    @operation
    def logs(self, execution: str, *, step: str | None = None, stream: LogStream | str | None = None) -> Flow[str]:
        """Return the whole log so far as text."""
        query = {"step": step, "stream": stream}
        request = Request("GET", f"{_of(execution)}/logs", query=query, headers={"Accept": "text/plain"})
        reply = yield from self._calls.send(request)
        return reply.body.decode(errors="replace")

    @stream
    def follow_logs(
        self,
        execution: str,
        *,
        step: str | None = None,
        stream: LogStream | str | None = None,
        after: str = "",
        follow: bool = True,
    ) -> Stream[LogLine]:
        """Go through the log line by line, and on until the execution ends; each line comes once.

        ``after`` is the ``id`` of a line: start behind it. With ``follow=False`` it ends with what there is.
        """
        query = {"step": step, "stream": stream, "follow": "true" if follow else "false"}
        source = Following(self._calls, f"{_of(execution)}/logs", query=query, last_id=after)
        while (found := (yield from source.next())) is not None:
            yield Emit(_log_line(found))

    @stream
    def events(self, execution: str, *, after: int = 0) -> Stream[Event]:
        """Go through the state changes from the first one (or behind ``after``) until the execution has ended."""
        source = Following(self._calls, f"{_of(execution)}/events", last_id=str(after or ""))
        while (found := (yield from source.next())) is not None:
            event = _event(found)
            yield Emit(event)
            if event.type == EventType.EXECUTION_FINISHED:
                return

    @stream
    def read_output(self, execution: str, name: str) -> Stream[bytes]:
        """Go through the bytes of a named output, piece by piece; ``NotFound`` if there is none of the name.

        A connection that breaks is an error: what was read is then not all. ``Artifact.sha256`` is that of all bytes.
        """
        path = f"{_of(execution)}/outputs/{quote(name, safe='')}"
        yield from self._calls.send(Request("GET", path), opened=True)
        while (piece := (yield Read())) is not None:
            yield Emit(piece)

    @operation
    def step_cache(self, execution: str, step: str) -> Flow[CacheState]:
        """Tell whether a step's result came from the cache, and if not, what has changed since the run before."""
        return self._calls.ask(Request("GET", f"{_of(execution)}/steps/{quote(step, safe='')}/cache"), CacheState)

    @operation
    def wait(self, execution: str, *, timeout: float | None = None) -> Flow[Execution]:
        """Return the execution once it has ended, in whatever way.

        ``timeout`` is in seconds; past it, ``WaitTimeout``. It is looked at whenever the service says anything, at
        least every few seconds.
        """
        return wait_for(self._calls, execution, timeout=timeout)


def wait_for(calls: Calls, execution: str, *, timeout: float | None) -> Flow[Execution]:
    """Follow the events of an execution to the last, then read it."""
    deadline = None if timeout is None else time.monotonic() + timeout
    found = yield from _get(calls, execution)
    source = Following(calls, f"{_of(execution)}/events", patience=timeout)
    while not found.status.ended:
        try:
            event = yield from source.next()
        except ServiceUnreachable:
            _check(execution, deadline)
            raise
        if event is None or event.type == EventType.EXECUTION_FINISHED:
            found = yield from _get(calls, execution)
        else:
            _check(execution, deadline)
    return found


def _check(execution: str, deadline: float | None) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise WaitTimeout(f"Execution {execution} has not ended yet; it goes on")


def _get(calls: Calls, execution: str) -> Flow[Execution]:
    return calls.ask(Request("GET", _of(execution)), Execution)


def _log_line(found: ServerEvent) -> LogLine:
    body = _object(found)
    try:
        return decode(LogLine, {**body, "id": found.id})
    except (TypeError, ValueError) as error:
        raise UnexpectedAnswer("The log has a line that is not of this API") from error


def _event(found: ServerEvent) -> Event:
    body = _object(found)
    try:
        data = {name: value for name, value in body.items() if name not in ("seq", "type", "at")}
        head = {"seq": int(found.id), "type": found.type, "at": body.get("at"), "data": body.get("data", data)}
        return decode(Event, {**body, **head})
    except (TypeError, ValueError) as error:
        raise UnexpectedAnswer("The stream has an event that is not of this API") from error


def _object(found: ServerEvent) -> Mapping[str, Any]:
    try:
        body = json.loads(found.data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise UnexpectedAnswer("The stream has an event that is not of this API")
    return body

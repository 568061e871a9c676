from __future__ import annotations

import httpx
import pytest

from aiop.client import AsyncClient, Client, NotFound, Retry, ServiceUnreachable, WaitTimeout

EXECUTION = "e"


def sse(*events, breaks=False):
    """An answer with these (type, id, data) events; it may break before its end."""
    text = "".join(f"event: {kind}\nid: {ident}\ndata: {data}\n\n" for kind, ident, data in events)

    def body():
        yield b": hello\n\n"
        yield text.encode()
        if breaks:
            raise httpx.ReadError("broken")

    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Body(body))


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body for both clients."""

    def __init__(self, make):
        self._make = make
        self.closed = False

    def __iter__(self):
        return self._make()

    async def __aiter__(self):
        for chunk in self._make():
            yield chunk

    def close(self):
        self.closed = True

    async def aclose(self):
        self.closed = True


def line(ident, text):
    return "line", ident, f'{{"step":"a","attempt":1,"stream":"stdout","at":"2025-03-01T12:00:00Z","text":"{text}"}}'


def step(seq, kind="StepStarted"):
    return kind, seq, '{"at":"2025-03-01T12:00:00Z","step":"a","attempt":1}'


FINISHED = ("ExecutionFinished", 9, '{"at":"2025-03-01T12:00:00Z","status":"completed"}')
END = ("end", "", "{}")


def test_a_log_is_followed_to_its_end(perform):
    lines = perform(lambda _: sse(line("1.0", "one"), line("1.1", "two"), END), lambda c: c.executions.follow_logs("e"))

    assert [(item.id, item.text, item.stream.value) for item in lines] == [
        ("1.0", "one", "stdout"),
        ("1.1", "two", "stdout"),
    ]


def test_a_broken_stream_goes_on_behind_the_last_line(perform):
    asked = []

    def handler(request):
        asked.append(request.headers.get("last-event-id"))
        if len(asked) == 1:
            return sse(line("1.0", "one"), line("1.1", "two"), breaks=True)
        if len(asked) == 2:
            raise httpx.ConnectError("restarting", request=request)
        return sse(line("2.0", "three"), END)

    lines = perform(handler, lambda c: c.executions.follow_logs("e"))

    assert [item.text for item in lines] == ["one", "two", "three"]
    assert asked == [None, "1.1", "1.1"]


def test_a_stream_that_just_stops_is_not_taken_for_its_end(perform):
    asked = []

    def handler(request):
        asked.append(request.headers.get("last-event-id"))
        return sse(step(1)) if len(asked) == 1 else sse(step(2, "StepFinished"), FINISHED)

    events = perform(handler, lambda c: c.executions.events("e"))

    assert [(event.seq, event.type) for event in events] == [
        (1, "StepStarted"),
        (2, "StepFinished"),
        (9, "ExecutionFinished"),
    ]
    assert asked == [None, "1"]


def test_an_event_carries_its_data(perform):
    events = perform(lambda _: sse(step(1), FINISHED), lambda c: c.executions.events("e"))

    assert events[0].data == {"step": "a", "attempt": 1}
    assert events[0].at is not None


def test_events_can_start_behind_one(perform):
    asked = []

    def handler(request):
        asked.append(request.headers.get("last-event-id"))
        return sse(FINISHED)

    perform(handler, lambda c: c.executions.events("e", after=7))

    assert asked == ["7"]


def test_breaking_again_and_again_without_progress_is_unreachable(perform):
    asked = []

    def handler(request):
        asked.append(request)
        return sse(breaks=True)

    with pytest.raises(ServiceUnreachable):
        perform(handler, lambda c: c.executions.events("e"), reconnect=Retry(attempts=4, delay=0.0, jitter=0.0))

    assert len(asked) == 4


def test_a_refused_stream_is_an_error_of_its_kind(perform):
    answer = {"status": 404, "code": "not_found", "message": "Execution not found"}

    with pytest.raises(NotFound):
        perform(lambda _: httpx.Response(404, json=answer), lambda c: c.executions.events("e"))


def test_waiting_returns_the_execution_as_it_ended(perform, execution):
    asked = []

    def handler(request):
        asked.append(request.url.path)
        if request.url.path.endswith("/events"):
            return sse(step(1), FINISHED)
        status = "running" if len(asked) == 1 else "completed"
        return httpx.Response(200, json={**execution, "status": status})

    assert perform(handler, lambda c: c.executions.wait("e")).succeeded
    assert asked == ["/dagger/executions/e", "/dagger/executions/e/events", "/dagger/executions/e"]


def test_waiting_for_an_ended_execution_follows_nothing(perform, execution):
    asked = []

    def handler(request):
        asked.append(request.url.path)
        return httpx.Response(200, json=execution)

    perform(handler, lambda c: c.executions.wait("e"))

    assert asked == ["/dagger/executions/e"]


def test_waiting_longer_than_asked_for_says_so(perform, execution):
    def handler(request):
        if request.url.path.endswith("/events"):
            return sse(step(1), step(2))
        return httpx.Response(200, json={**execution, "status": "running"})

    with pytest.raises(WaitTimeout, match="it goes on"):
        perform(handler, lambda c: c.executions.wait("e", timeout=0.0))


def test_running_a_document_stores_executes_and_waits(perform, workflow, execution):
    asked = []

    def handler(request):
        asked.append((request.method, request.url.path))
        if request.url.path == "/dagger/workflows":
            return httpx.Response(201, json=workflow)
        if request.url.path.endswith("/execute"):
            body = {"execution_id": "e", "status": "pending", "workflow_id": workflow["id"]}
            return httpx.Response(201, json=body)
        return httpx.Response(200, json=execution)

    assert perform(handler, lambda c: c.run_and_wait({"name": "x", "steps": []}, {"a": 1})).succeeded
    assert asked == [
        ("POST", "/dagger/workflows"),
        ("POST", f"/dagger/workflows/{workflow['id']}/execute"),
        ("GET", "/dagger/executions/e"),
    ]


def test_leaving_a_stream_early_closes_its_connection():
    body = Body(lambda: iter([b"event: x\nid: 1\ndata: {}\n\n"] * 3))
    with Client(
        "http://aiop.test", transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    ) as client:
        events = client.executions.events("e")
        next(events)
        assert not body.closed
        events.close()

    assert body.closed


async def test_leaving_an_awaited_stream_early_closes_its_connection():
    body = Body(lambda: iter([b"event: x\nid: 1\ndata: {}\n\n"] * 3))
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    async with AsyncClient("http://aiop.test", transport=transport) as client:
        events = client.executions.events("e")
        await anext(events)
        assert not body.closed
        await events.aclose()

    assert body.closed

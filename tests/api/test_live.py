"""Logs and events, while they happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from aiop.model.ids import ExecutionId
from aiop.model.records import Stream as LogStream
from aiop.model.state import StepStatus
from api.owner import Owner
from api.stream import Stream, parse_events
from api.world import PASSWORD, HandClock, Service

Open = Callable[..., Stream]

EVENTS = {"accept": "text/event-stream"}


@pytest.fixture
async def stream(service: Service) -> Open:
    session = await service.services.auth.login("viewer", PASSWORD)

    def opened(path: str, **options: object) -> Stream:
        return Stream(service.app, path, session.access_token, **options)  # type: ignore[arg-type]

    return opened


@pytest.fixture
async def running(execution: str, owner: Owner) -> str:
    await owner.claim(execution)
    await owner.start()
    return execution


async def test_text_has_each_line_behind_its_step(viewer: httpx.AsyncClient, running: str, owner: Owner) -> None:
    await owner.log("step1", "one", "", "three")
    await owner.log("step2", "four")
    answer = await viewer.get(f"/dagger/executions/{running}/logs")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "[step1] one\n[step1] \n[step1] three\n[step2] four\n"


async def test_a_long_log_comes_in_pieces_of_a_bounded_length_however_it_was_stored(
    stream: Open, running: str, owner: Owner
) -> None:
    for start in range(0, 8000, 1000):
        await owner.log("step1", *(f"line {number}" for number in range(start, start + 1000)))
    for number in range(8000, 8050):
        await owner.log("step1", f"line {number}")
    pieces = []
    async with stream(f"/dagger/executions/{running}/logs?step=step1") as answer:
        while (piece := await answer.piece()) is not None:
            pieces.append(piece)
    assert "".join(pieces) == "".join(f"line {number}\n" for number in range(8050))
    assert max(piece.count("\n") for piece in pieces) <= 2000
    assert len(pieces) < 20, "few lines each are read together"


async def test_text_of_one_step_is_what_the_step_wrote(viewer: httpx.AsyncClient, running: str, owner: Owner) -> None:
    await owner.log("step1", "one")
    await owner.log("step2", "two")
    await owner.log("step2", "bad", stream=LogStream.STDERR)
    path = f"/dagger/executions/{running}/logs"
    assert (await viewer.get(f"{path}?step=step2")).text == "two\nbad\n"
    assert (await viewer.get(f"{path}?step=step2&stream=stderr")).text == "bad\n"


async def test_an_unknown_step_is_named(viewer: httpx.AsyncClient, running: str) -> None:
    answer = await viewer.get(f"/dagger/executions/{running}/logs?step=stp")
    assert answer.status_code == 400
    assert answer.json()["details"]["errors"][0]["field"] == "step"


async def test_followed_text_goes_on_until_the_execution_ends(stream: Open, running: str, owner: Owner) -> None:
    await owner.log("step1", "before")
    async with stream(f"/dagger/executions/{running}/logs?follow=true") as answer:
        assert await answer.piece() == "[step1] before\n"
        await owner.log("step1", "while")
        assert await answer.piece() == "[step1] while\n"
        await owner.log("step1", "last")
        await owner.finish()
        assert await answer.rest() == "[step1] last\n"


async def test_events_of_the_log_carry_the_whole_line_and_end_with_end(
    stream: Open, running: str, owner: Owner
) -> None:
    async with stream(f"/dagger/executions/{running}/logs", **EVENTS) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        await owner.log("step1", "hello", "again", attempt=2)
        line = await answer.event()
        assert line == {
            "id": "1.1",
            "event": "log",
            "data": {
                "step": "step1",
                "index": 0,
                "attempt": 2,
                "stream": "stdout",
                "at": "2025-03-01T12:00:00Z",
                "text": "hello",
            },
        }
        assert (await answer.event())["id"] == "1.2"
        await owner.finish()
        assert await answer.event() == {"event": "end", "data": {"status": "completed"}}
        assert await answer.piece() is None


async def test_the_log_resumes_behind_any_line_without_loss_or_repetition(
    viewer: httpx.AsyncClient, running: str, owner: Owner
) -> None:
    await owner.log("step1", "a", "b", "c")
    await owner.log("step2", "d")
    await owner.log("step1", "e", "f", stream=LogStream.STDERR)
    await owner.finish()
    path = f"/dagger/executions/{running}/logs"
    whole = parse_events((await viewer.get(path, headers=EVENTS)).text)
    assert [event["data"].get("text") for event in whole] == ["a", "b", "c", "d", "e", "f", None]
    for number, event in enumerate(whole[:-1], 1):
        resumed = await viewer.get(path, headers={**EVENTS, "Last-Event-ID": event["id"]})
        assert parse_events(resumed.text) == whole[number:]


async def test_filters_do_not_change_the_ids_of_lines(viewer: httpx.AsyncClient, running: str, owner: Owner) -> None:
    await owner.log("step1", "a")
    await owner.log("step2", "b", "c")
    await owner.finish()
    path = f"/dagger/executions/{running}/logs?step=step2"
    whole = parse_events((await viewer.get(path, headers=EVENTS)).text)
    assert [event["id"] for event in whole[:-1]] == ["2.1", "2.2"]
    resumed = await viewer.get(path, headers={**EVENTS, "Last-Event-ID": "2.1"})
    assert parse_events(resumed.text) == whole[1:]


async def test_events_are_every_state_change_in_order(viewer: httpx.AsyncClient, running: str, owner: Owner) -> None:
    await owner.step("step1", status=StepStatus.RUNNING)
    await owner.finish()
    answer = await viewer.get(f"/dagger/executions/{running}/events")
    events = parse_events(answer.text)
    assert [event["event"] for event in events] == [
        "ExecutionSubmitted",
        "ExecutionStarted",
        "StepStarted",
        "ExecutionFinished",
        "end",
    ]
    assert [event["id"] for event in events[:-1]] == ["1", "2", "3", "4"]
    assert events[2]["data"] == {
        "seq": 3,
        "type": "StepStarted",
        "at": "2025-03-01T12:00:00Z",
        "data": {"step": "step1"},
    }


async def test_events_resume_behind_any_of_them(viewer: httpx.AsyncClient, running: str, owner: Owner) -> None:
    await owner.finish()
    path = f"/dagger/executions/{running}/events"
    whole = parse_events((await viewer.get(path)).text)
    for number, event in enumerate(whole[:-1], 1):
        resumed = await viewer.get(path, headers={"Last-Event-ID": event["id"]})
        assert parse_events(resumed.text) == whole[number:]


async def test_an_event_arrives_when_it_happens(stream: Open, running: str, owner: Owner) -> None:
    async with stream(f"/dagger/executions/{running}/events", last_event_id="2") as answer:
        waiting = asyncio.create_task(answer.event())
        await owner.step("step1", status=StepStatus.RUNNING)
        assert (await waiting)["event"] == "StepStarted"


async def test_a_lost_wake_only_delays(
    service: Service, stream: Open, running: str, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.bus, "publish", lambda topic: None)
    async with stream(f"/dagger/executions/{running}/events", last_event_id="2") as answer:
        await owner.finish()
        assert (await answer.event())["event"] == "ExecutionFinished"


async def test_silence_is_broken_by_a_comment(service: Service, stream: Open, running: str, clock: HandClock) -> None:
    async with stream(f"/dagger/executions/{running}/logs", **EVENTS) as answer:
        clock.advance(seconds=15)
        service.bus.publish(f"execution:{running}")
        assert await answer.event() == {"comment": "still here"}


@pytest.mark.parametrize("path", ["logs?follow=true", "events"])
async def test_a_client_that_hangs_up_leaves_nothing_behind(
    service: Service, stream: Open, running: str, path: str
) -> None:
    async with stream(f"/dagger/executions/{running}/{path}") as answer:
        answer.hang_up()
        await answer.call
    assert not service.bus._listeners


async def test_a_client_that_stops_reading_is_given_up(
    service: Service, stream: Open, running: str, owner: Owner
) -> None:
    async with stream(f"/dagger/executions/{running}/logs", takes=2, **EVENTS) as answer:
        await owner.log("step1", "it takes this")
        await answer.event()
        await owner.log("step1", "and not this")
        await answer.call
    assert not service.bus._listeners


async def test_streams_end_when_the_service_stops(service: Service, stream: Open, running: str) -> None:
    async with stream(f"/dagger/executions/{running}/events", last_event_id="2") as answer:
        service.services.stopping.set()
        assert await answer.piece() is None


async def test_head_of_a_stream_does_not_stream(viewer: httpx.AsyncClient, service: Service, running: str) -> None:
    answer = await viewer.head(f"/dagger/executions/{running}/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert not service.bus._listeners


async def test_the_stream_of_a_deleted_execution_ends(
    client: httpx.AsyncClient, service: Service, stream: Open, workflow: str, running: str, owner: Owner
) -> None:
    async with stream(f"/dagger/executions/{running}/events", last_event_id="2") as answer:
        assert (await client.delete(f"/dagger/workflows/{workflow}")).status_code == 204
        await owner.finish()
        await service.store.purge_deleted()
        text = await answer.rest()
    assert parse_events(text)[-1]["event"] == "end"


@pytest.mark.parametrize("given", ["x", "1.x", "-1", "1.2.3", "9" * 30])
async def test_an_id_that_was_never_given_out_is_refused(viewer: httpx.AsyncClient, running: str, given: str) -> None:
    answer = await viewer.get(f"/dagger/executions/{running}/logs", headers={"Last-Event-ID": given})
    assert answer.status_code == 400
    assert answer.json()["details"]["errors"][0]["field"] == "Last-Event-ID"


@pytest.mark.parametrize("path", ["logs", "events"])
async def test_an_unknown_execution_is_not_found(viewer: httpx.AsyncClient, path: str) -> None:
    unknown = ExecutionId("123e4567-e89b-12d3-a456-426614174001")
    assert (await viewer.get(f"/dagger/executions/{unknown}/{path}")).status_code == 404

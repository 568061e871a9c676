"""Live output, and all of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aiop.engines.dagger.logs import Event, Record, Router, events, records
from aiop.engines.dagger.output import Delivery
from aiop.model.records import Stream

AT = datetime(2026, 1, 1, tzinfo=UTC)
TRACE = "00112233445566778899aabbccddeeff"


class Sink:
    def __init__(self) -> None:
        self.pieces: list[tuple[Stream, bytes, datetime]] = []

    def __call__(self, stream: Stream, data: bytes, at: datetime) -> None:
        self.pieces.append((stream, data, at))

    def of(self, stream: Stream) -> bytes:
        return b"".join(data for piece, data, _ in self.pieces if piece is stream)


def record(text: str, *, stream: Stream = Stream.STDOUT, at: datetime = AT) -> Record:
    return Record(TRACE, stream, text, at, ended=False)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# --- delivery -----------------------------------------------------------------------------------------------


async def test_what_was_not_seen_live_comes_from_the_file(tmp_path: Path) -> None:
    delivery = Delivery(sink := Sink())
    delivery.live(record("one "))
    assert sink.of(Stream.STDOUT) == b"one "
    assert await delivery.finish(Stream.STDOUT, written(tmp_path / "out", b"one two\xff"))
    assert sink.of(Stream.STDOUT) == b"one two\xff"


async def test_streams_are_told_apart(tmp_path: Path) -> None:
    delivery = Delivery(sink := Sink())
    delivery.live(record("e", stream=Stream.STDERR))
    assert await delivery.finish(Stream.STDOUT, written(tmp_path / "out", b"o"))
    assert await delivery.finish(Stream.STDERR, written(tmp_path / "err", b"e"))
    assert (sink.of(Stream.STDOUT), sink.of(Stream.STDERR)) == (b"o", b"e")


async def test_from_a_piece_that_is_not_as_it_was_written_on_the_stream_waits(tmp_path: Path) -> None:
    delivery = Delivery(sink := Sink())
    for text in ("one ", "t\ufffdo ", "three"):
        delivery.live(record(text))
    assert sink.of(Stream.STDOUT) == b"one "
    assert await delivery.finish(Stream.STDOUT, written(tmp_path / "out", b"one t\xffo three"))
    assert sink.of(Stream.STDOUT) == b"one t\xffo three"


@pytest.mark.parametrize("whole", [b"a\xffb", b"a", b"", b"abc"[:1] + b"x"])
async def test_a_gap_is_told_and_nothing_more_is_given(tmp_path: Path, whole: bytes) -> None:
    delivery = Delivery(sink := Sink())
    delivery.live(record("a"))
    delivery.live(record("b"))
    assert not await delivery.finish(Stream.STDOUT, written(tmp_path / "out", whole))
    assert sink.of(Stream.STDOUT) == b"ab"


async def test_another_sink_is_given_all_from_the_beginning(tmp_path: Path) -> None:
    first = Delivery(Sink())
    first.live(record("one "))
    second = first.again(sink := Sink())
    second.live(record("two "))
    assert await second.finish(Stream.STDOUT, written(tmp_path / "out", b"one two three"))
    assert sink.of(Stream.STDOUT) == b"one two three"


async def test_what_is_too_much_to_keep_comes_at_the_end(tmp_path: Path) -> None:
    first = Delivery(Sink())
    text = "x" * 100_000
    for _ in range(4):
        first.live(record(text))
    second = first.again(sink := Sink())
    second.live(record("more"))
    assert sink.pieces == []
    whole = text.encode() * 4 + b"more"
    assert await second.finish(Stream.STDOUT, written(tmp_path / "out", whole))
    assert sink.of(Stream.STDOUT) == whole


async def test_after_the_gap_all_of_it_is_given(tmp_path: Path) -> None:
    first = Delivery(Sink())
    first.live(record("gap"))
    path = written(tmp_path / "out", b"g\xffap")
    assert not await first.finish(Stream.STDOUT, path)
    second = Delivery(sink := Sink())
    assert await second.finish(Stream.STDOUT, path)
    assert sink.of(Stream.STDOUT) == b"g\xffap"


async def test_times_never_go_back() -> None:
    delivery = Delivery(sink := Sink())
    delivery.live(record("a", at=AT))
    delivery.live(record("b", at=AT - timedelta(seconds=1), stream=Stream.STDERR))
    assert [at for _, _, at in sink.pieces] == [AT, AT]


async def test_a_file_that_is_gone_or_is_a_link_is_left_alone(tmp_path: Path) -> None:
    delivery = Delivery(sink := Sink())
    (tmp_path / "link").symlink_to(written(tmp_path / "target", b"secret"))
    assert await delivery.finish(Stream.STDOUT, tmp_path / "link")
    assert await delivery.finish(Stream.STDERR, tmp_path / "no-such")
    assert sink.pieces == []


# --- records ------------------------------------------------------------------------------------------------


def payload(*entries: dict[str, object]) -> bytes:
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": list(entries)}]}]}).encode()


def entry(text: str, *, stream: str = "1", trace: str = "ABEiM0RVZneImaq7zN3u/w==", **flags: bool) -> dict[str, object]:
    attributes = [{"key": "stdio.stream", "value": {"intValue": stream}}]
    attributes += [{"key": key.replace("__", "."), "value": {"boolValue": flag}} for key, flag in flags.items()]
    return {"timeUnixNano": "1767225600000000000", "body": {"stringValue": text}, "traceId": trace,
            "attributes": attributes}  # fmt: skip


def test_records_are_read_with_their_trace_in_either_form() -> None:
    read = list(records(payload(entry("a"), entry("b", stream="2", trace=TRACE), entry("", stdio__eof=True))))
    assert [(it.trace, it.stream, it.text, it.ended) for it in read] == [
        (TRACE, Stream.STDOUT, "a", False),
        (TRACE, Stream.STDERR, "b", False),
        (TRACE, Stream.STDOUT, "", True),
    ]
    assert read[0].at == AT


def test_what_calls_answer_is_no_output() -> None:
    verbose = entry("/tmp/place")
    verbose["attributes"] = [*verbose["attributes"], {"key": "dagger.io/logs.verbose", "value": {"boolValue": True}}]  # type: ignore[misc]
    nameless = {"body": {"stringValue": "x"}, "traceId": TRACE, "attributes": []}
    assert list(records(payload(verbose, nameless))) == []


def test_records_go_to_whoever_listens_for_their_trace() -> None:
    router, heard = Router(), []
    router.listen(TRACE, heard.append)
    router.take(payload(entry("mine"), entry("another's", trace="f" * 32)))
    router.forget(TRACE)
    router.take(payload(entry("too late")))
    assert [it.text for it in heard] == ["mine"]


async def test_events_are_put_together_from_lines() -> None:
    async def lines():
        for line in (
            b"event: logs",
            b"id: 7",
            b"data: one",
            b"data:two",
            b"",
            b": a comment",
            b"",
            b"id: 8",
            b"data:",
            b"",
        ):
            yield line

    assert [event async for event in events(lines())] == [Event("7", b"one\ntwo"), Event("8", b"")]

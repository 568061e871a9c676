from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from aiop.client.sse import EventParser, ServerEvent

STREAM = (
    "\ufeff: a comment\n\n"
    'event: StepStarted\nid: 1\ndata: {"a":\ndata:  "ö"}\n\n'
    "data\n\n"
    "retry: 10\n\n"
    "data: x\r\nid: 2\r\nunknown: y\r\n\r\n"
    "event: z\rdata: y\r\rid: 4\0\ndata: cut off"
).encode()

EVENTS = [
    ServerEvent("StepStarted", '{"a":\n "ö"}', "1"),
    ServerEvent("message", "", "1"),
    ServerEvent("message", "x", "2"),
    ServerEvent("z", "y", "2"),
]


def test_events_are_read_as_the_standard_says():
    assert list(EventParser().feed(STREAM)) == EVENTS


@given(st.sets(st.integers(0, len(STREAM))))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts):
    parser = EventParser()
    edges = [0, *sorted(cuts), len(STREAM)]

    found = [event for start, end in itertools.pairwise(edges) for event in parser.feed(STREAM[start:end])]

    assert found == EVENTS


def test_an_event_without_an_id_keeps_the_last_one_of_the_connection_before():
    assert list(EventParser("7").feed(b"data: x\n\n")) == [ServerEvent("message", "x", "7")]

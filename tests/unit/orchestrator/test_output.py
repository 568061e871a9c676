"""Every byte that a container wrote is in the log once, whatever happens to the connection."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.model.records import Stream
from aiop.orchestrator.masking import Masker
from aiop.orchestrator.output import LINE_LIMIT, RESULT_LIMIT, AttemptOutput

NOW = datetime(2025, 1, 1, tzinfo=UTC)
OUT, ERR = Stream.STDOUT, Stream.STDERR


def make(*, limit=1 << 20, skip=(0, 0), stored=0, secrets=()):
    return AttemptOutput(Masker(secrets), limit=limit, notify=lambda: None, skip=skip, stored=stored)


def pieces(data, cuts):
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(places)]


streams = st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\r", b"")), max_size=8).map(b"\n".join)
cuts = st.lists(st.integers(0, 1000), max_size=6)


@given(data=streams, cuts=cuts)
def test_lines_do_not_depend_on_how_the_stream_was_cut(data, cuts):
    output = make()
    for piece in pieces(data, cuts):
        output.feed(OUT, piece, NOW)
    output.finish()
    expected = data.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert [line.text for line in output.take()] == [line.decode(errors="replace") for line in expected]


@given(out=streams, err=streams, first=cuts, second=cuts, seen=st.integers(0, 1000), crash=st.booleans())
def test_output_that_is_given_again_from_its_beginning_adds_only_what_is_new(out, err, first, second, seen, crash):
    output = make()
    for stream, data in ((OUT, out), (ERR, err)):
        for piece in pieces(data[: seen % (len(data) + 1)], first):
            output.feed(stream, piece, NOW)
    stored = output.take()
    if crash:  # another process goes on from what was committed
        stdout, stderr, size = output.position
        output = make(skip=(stdout, stderr), stored=size)
    else:
        output.rewind()
    for stream, data in ((ERR, err), (OUT, out)):
        for piece in pieces(data, second):
            output.feed(stream, piece, NOW)
    output.finish()
    lines = stored + output.take()
    for stream, data in ((OUT, out), (ERR, err)):
        expected = data.decode(errors="replace").removesuffix("\n").split("\n") if data else []
        assert [line.text for line in lines if line.stream is stream] == expected
    assert output.result[0] == out.decode(errors="replace").strip()


def test_the_result_is_trimmed_and_a_long_one_is_cut_and_flagged():
    output = make()
    output.feed(OUT, b"  hello \n", NOW)
    assert output.result == ("hello", False)
    output.feed(OUT, b"x" * RESULT_LIMIT, NOW)
    text, truncated = output.result
    assert truncated
    assert len(text) <= RESULT_LIMIT


def test_standard_error_is_no_part_of_the_result():
    output = make()
    output.feed(ERR, b"warning\n", NOW)
    assert output.result == ("", False)
    assert output.last_words == "" if not output.take() else "warning"


def test_a_log_over_its_limit_is_cut_with_one_visible_marker():
    output = make(limit=100)
    for number in range(50):
        output.feed(OUT, b"line %d\n" % number, NOW)
    lines = output.take()
    assert [line.stream for line in lines].count(Stream.SYSTEM) == 1
    assert lines[-1].stream is Stream.SYSTEM
    assert "cut" in lines[-1].text


def test_a_log_that_was_cut_before_a_restart_stays_cut():
    output = make(limit=100, skip=(100, 0), stored=100)
    output.feed(OUT, b"x" * 99 + b"\n" + b"more\n", NOW)
    assert output.take() == []


def test_a_line_without_an_end_is_kept_in_pieces_and_secrets_in_it_stay_masked():
    secret = "s3cr3t-value"
    output = make(limit=1 << 24, secrets=[secret])
    data = (b"x" * (LINE_LIMIT - 5)) + secret.encode() + b"y" * LINE_LIMIT
    for piece in pieces(data, range(0, len(data), 70_000)):
        output.feed(OUT, piece, NOW)
    output.finish()
    text = "".join(line.text for line in output.take())
    assert secret not in text
    assert text == data.decode().replace(secret, "***")


@pytest.mark.parametrize(("data", "text"), [(b"\xff\xfe\n", "��"), (b"a\r\n", "a"), (b"\n", "")])
def test_odd_bytes_are_kept_as_well_as_text_can(data, text):
    output = make()
    output.feed(OUT, data, NOW)
    assert [line.text for line in output.take()] == [text]


def test_a_result_that_is_cut_ends_before_a_secret_and_not_inside_of_it():
    output = make(secrets=["correct-horse-battery"])
    output.feed(OUT, b"x" * (RESULT_LIMIT - 10) + b"correct-horse-battery, and more", NOW)

    text, truncated = output.result

    assert truncated
    assert text == "x" * (RESULT_LIMIT - 10)


def held(masker):
    output = AttemptOutput(masker, limit=1 << 20, notify=lambda: None, held=True)
    output.feed(OUT, b"the value is made-here\nand more", NOW)
    output.feed(ERR, b"made-here\n", NOW)
    return output


def test_lines_that_are_held_back_are_masked_by_what_is_known_in_the_end():
    masker = Masker()
    output = held(masker)
    assert output.take() == []
    output.finish()
    masker.learn(["made-here"])
    output.release(shown=True)
    assert [(line.stream, line.text) for line in output.take()] == [
        (OUT, "the value is ***"),
        (ERR, "***"),
        (OUT, "and more"),
    ]


def test_lines_that_are_held_back_are_left_out_if_what_is_secret_in_them_is_not_known():
    output = held(Masker())
    output.finish()
    output.release(shown=False)
    [line] = output.take()
    assert line.stream is Stream.SYSTEM
    assert "3 lines are withheld" in line.text


def test_output_that_had_gaps_stays_and_all_of_it_follows_a_note():
    output = make()
    output.feed(OUT, b"one\nthree\nfo", NOW)
    stored = output.take()
    output.begin_again("[gaps]", NOW)
    output.rewind()
    output.feed(OUT, b"one\ntwo\nthree\nfour\n", NOW)
    output.finish()
    assert [line.text for line in stored] == ["one", "three"]
    assert [line.text for line in output.take()] == ["fo", "[gaps]", "one", "two", "three", "four"]
    assert output.result == ("one\ntwo\nthree\nfour", False)

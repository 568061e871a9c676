from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aiop.cli.exits import Failure
from aiop.cli.text import age, duration, plain, seconds_of
from aiop.cli.values import inputs_of


def test_a_value_is_text_unless_it_is_said_to_be_json():
    assert inputs_of(["a=1", "b:=1", "c=x=y", "d:=[true]"], {}, None) == {"a": "1", "b": 1, "c": "x=y", "d": [True]}


def test_a_declared_type_says_how_to_read_a_value():
    declared = {"n": {"type": "number"}, "s": {"type": "string"}, "any": {}}

    assert inputs_of(["n=3", "s=3", "any=3"], {}, declared) == {"n": 3, "s": "3", "any": "3"}


def test_a_value_that_does_not_fit_is_left_for_the_service_to_refuse():
    assert inputs_of(["n=three"], {}, {"n": {"type": "number"}}) == {"n": "three"}


def test_the_command_line_wins_over_the_file():
    assert inputs_of(["a=new"], {"a": "old", "b": 1}, None) == {"a": "new", "b": 1}


@pytest.mark.parametrize("assignment", ["a", "=1", ":=1", "a:=x"])
def test_what_is_no_assignment_is_refused(assignment):
    with pytest.raises(Failure):
        inputs_of([assignment], {}, None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0.0s"), (0.44, "0.4s"), (12.9, "12s"), (185, "3m 05s"), (7800, "2h 10m"), (356400, "4d 3h")],
)
def test_durations_have_two_units(seconds, text):
    assert duration(timedelta(seconds=seconds)) == text


def test_ages_have_one():
    now = datetime(2025, 3, 1, 12, tzinfo=UTC)

    assert age(now - timedelta(minutes=3, seconds=5), now) == "3m ago"
    assert age(now, now) == "now"
    assert age(None, now) == "-"


@pytest.mark.parametrize(("text", "seconds"), [("90d", 7776000), ("12h", 43200), ("30m", 1800), ("45s", 45), ("7", 7)])
def test_lifetimes_are_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "d", "0", "1y", "-3h"])
def test_what_is_no_lifetime_is_refused(text):
    with pytest.raises(ValueError, match="is not a duration"):
        seconds_of(text)


def test_plain_text_keeps_words_and_lines():
    assert plain("a\tb\nö\x1b[0m\x07") == "a\tb\nö�[0m�"

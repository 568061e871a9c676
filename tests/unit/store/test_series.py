"""Which workflows have a series of their own."""

from hypothesis import given
from hypothesis import strategies as st

from aiop.store.series import IDLE, allot

HOUR = 3600 * 1_000_000
NOW = 100 * IDLE
workflows = st.sampled_from("abcdefghij")
ages = st.integers(0, 3 * IDLE)


@given(st.dictionaries(workflows, ages), st.lists(workflows), st.integers(0, 6))
def test_no_more_than_the_limit_have_one_and_none_is_taken_that_was_used_of_late(known, wanted, limit):
    series = {workflow: NOW - age for workflow, age in known.items()}
    given = allot(series, wanted, now=NOW, limit=limit)
    after = (set(series) - set(given.retired)) | set(given.used)
    assert len(after) <= limit
    assert given.own == after & set(wanted)
    if len(series) <= limit:
        assert all(known[workflow] >= IDLE for workflow in given.retired)
        assert not set(given.retired) & set(wanted)
        # As many as there is room for get one.
        idle = {workflow for workflow in series if known[workflow] >= IDLE} - set(wanted)
        room = limit - len(series) + len(idle)
        assert len(given.own - set(series)) == min(len(set(wanted) - set(series)), room)


def test_the_one_that_was_idle_longest_goes_first():
    series = {"old": NOW - 2 * IDLE, "older": NOW - 3 * IDLE, "new": NOW}
    given = allot(series, ["x"], now=NOW, limit=3)
    assert (given.own, given.retired) == ({"x"}, ["older"])


def test_its_use_is_noted_once_an_hour():
    series = {"a": NOW - HOUR + 1, "b": NOW - HOUR}
    assert allot(series, ["a", "b"], now=NOW, limit=9).used == ["b"]


def test_a_lower_limit_takes_the_series_of_those_that_were_used_least_of_late():
    given = allot({"a": 1, "b": 2, "c": 3}, ["c"], now=NOW, limit=1)
    assert (given.retired, given.own) == (["a", "b"], {"c"})

"""Values to columns and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.store.codec import clean, dump, dump_optional, load, load_optional, micros, moment

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_every_json_value_comes_back_as_it_was(value: object) -> None:
    text = dump(value)
    text.encode()
    assert "\0" not in text
    assert load(text) == value


@pytest.mark.parametrize(
    "value", [2**63, 2**64, -(2**64), 10**400, {"a": [2**70, "é"]}, "\ud800", {"\udfff": 1}, "\0", 1e308, 0.1]
)
def test_what_is_hard_to_write_comes_back(value: object) -> None:
    assert load(dump(value)) == value
    assert type(load(dump(value))) is type(value)


def test_null_is_not_absence() -> None:
    assert (dump_optional(None), load_optional(None)) == (None, None)
    assert load_optional(dump({})) == {}


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_keep_their_microseconds(at: datetime) -> None:
    assert moment(micros(at)) == at


def test_times_of_other_zones_are_stored_in_utc() -> None:
    there = datetime(2025, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert moment(micros(there)) == datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert (micros(None), moment(None)) == (None, None)


@given(st.text(alphabet=st.characters()))
def test_clean_text_can_be_stored_anywhere(text: str) -> None:
    cleaned = clean(text)
    assert cleaned is not None
    cleaned.encode()
    assert "\0" not in cleaned
    assert len(cleaned) == len(text)
    assert all(
        new == old for new, old in zip(cleaned, text, strict=True) if old != "\0" and not "\ud800" <= old <= "\udfff"
    )


def test_lone_surrogates_are_replaced() -> None:
    assert clean("a\ud800b") == "a?b"
    assert clean(None) is None

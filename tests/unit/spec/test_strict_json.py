from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.errors import Fault, InvalidRequest
from aiop.spec import parse_json
from unit.spec.documents import unhurried

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


def fault_of(body: bytes) -> Fault:
    with pytest.raises(InvalidRequest) as caught:
        parse_json(body)
    (fault,) = caught.value.faults
    return fault


@unhurried
@given(json_values)
def test_what_json_can_say_is_read_as_it_was_written(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_integers_keep_all_digits_and_objects_their_order() -> None:
    value = parse_json(b'{"z": 123456789012345678901234567890, "a": 1.0}')

    assert json.dumps(value) == '{"z": 123456789012345678901234567890, "a": 1.0}'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', 'Duplicate key "a"'),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e999]", "The number 1e999 is too large"),
        (b"\xff", "Not UTF-8 at byte 0"),
        (b'{"a": }', "Not valid JSON: Expecting value at line 1, column 7"),
        (b"", "Not valid JSON: Expecting value at line 1, column 1"),
        (b"[" * 101 + b"]" * 101, "Nested deeper than 100 levels"),
        (b"[" * 100_000, "Nested deeper than 100 levels"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "Nested deeper than 100 levels"),
    ],
)
def test_what_two_parsers_could_read_in_two_ways_is_refused(body: bytes, message: str) -> None:
    assert fault_of(body) == Fault("body", message)


def test_a_number_with_more_digits_than_the_interpreter_takes_is_refused() -> None:
    assert "too many digits" in fault_of(b"9" * 5000).message


def test_nesting_at_the_limit_is_read() -> None:
    assert parse_json(b"[" * 100 + b"]" * 100)
    assert parse_json(b"[" + b"[[]]," * 200 + b"[]]")


def test_half_a_surrogate_pair_is_named_with_its_place() -> None:
    assert fault_of(rb'{"steps": [{"id": "\ud800"}]}').field == "steps[0].id"
    assert fault_of(rb'{"\udfff": 1}').field == "body"
    assert parse_json(rb'"\ud83d\ude00"') == "😀"

from __future__ import annotations

from typing import Any

import pytest

from aiop.errors import InvalidRequest
from aiop.spec import CheckedInputs, check_inputs
from unit.spec.documents import by_field, definition_of, one_step


def check(declared: dict[str, Any] | None, given: dict[str, Any], **defaults: Any) -> CheckedInputs:
    document = one_step()
    if declared is not None:
        document["inputs"] = declared
    return check_inputs(definition_of(document), given, defaults=defaults)


def faults(declared: dict[str, Any] | None, given: dict[str, Any], **defaults: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidRequest) as caught:
        check(declared, given, **defaults)
    return by_field(caught.value.faults)


def test_without_a_declaration_anything_is_taken() -> None:
    assert check(None, {"param1": "value1", "x": [1, None]}).values == {"param1": "value1", "x": [1, None]}


def test_what_is_given_goes_before_the_declaration_and_that_before_the_defaults() -> None:
    declared = {"a": {"default": "declared"}, "b": {"default": "declared"}, "c": {}}
    everywhere = {"a": "default", "b": "default", "c": "default", "default_timeout": 300}

    checked = check(declared, {"a": "given"}, **everywhere)

    assert checked.values == {"a": "given", "b": "declared", "c": "default", "default_timeout": 300}


def test_null_is_a_value() -> None:
    assert check({"a": {"default": "x"}}, {"a": None}).values == {"a": None}
    assert check({"a": {"default": None, "required": True}}, {}).values == {"a": None}


def test_an_optional_input_without_a_value_is_absent() -> None:
    assert check({"a": {"type": "string"}}, {}).values == {}


def test_every_fault_is_named() -> None:
    declared = {"day": {"type": "string", "required": True}, "count": {"type": "integer"}, "key": {"required": True}}

    assert faults(declared, {"count": "3", "dya": "monday", "a b": 1}, key=1) == {
        "inputs.day": ["Field is required"],
        "inputs.count": ["Must be of type integer"],
        "inputs.dya": ["Unknown input `dya`; did you mean `day`?"],
        'inputs["a b"]': [
            "Input names have letters, digits, `_` and `-`, and begin with no digit",
            "Unknown input `a b`",
        ],
    }


def test_a_default_of_the_caller_must_have_the_declared_type() -> None:
    assert faults({"count": {"type": "integer"}}, {}, count="many") == {"inputs.count": ["Must be of type integer"]}


@pytest.mark.parametrize(
    ("word", "good", "bad"),
    [
        ("string", ["", "x"], [1, None, True, []]),
        ("integer", [0, -1, 3.0, 2**70], [1.5, "1", True, None]),
        ("number", [0, 1.5], ["1", False, None]),
        ("boolean", [True, False], [0, 1, "true", None]),
        ("object", [{}, {"a": 1}], [[], "x", None]),
        ("array", [[], [1]], [{}, "x", None]),
    ],
)
def test_types_are_those_of_json_schema(word: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert check({"x": {"type": word}}, {"x": value}).values == {"x": value}
    for value in bad:
        assert faults({"x": {"type": word}}, {"x": value}) == {"inputs.x": [f"Must be of type {word}"]}


def test_sensitive_inputs_are_named() -> None:
    assert check({"key": {"sensitive": True}, "day": {}}, {"key": 1, "day": 2}).sensitive == {"key"}
    assert check(None, {"key": 1}).sensitive == frozenset()


def test_the_values_are_the_callers_to_keep() -> None:
    given = {"a": 1}

    check(None, given, b=2).values["c"] = 3

    assert given == {"a": 1}

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.model.run import OUTPUT_LIMIT, Outcome, OutputFile
from aiop.model.state import Reason
from aiop.spec import OutputError, ReadOutputs, parse_output_file, read_outputs
from unit.spec.documents import definition_of, one_step, unhurried


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"", {}),
        (b"\n  \n", {}),
        (b"a=1", {"a": "1"}),
        (b"a=1\nb-c= x = y \n", {"a": "1", "b-c": " x = y "}),
        (b"a=1\r\nb=2\r\n", {"a": "1", "b": "2"}),
        (b"a=1\na=2", {"a": "2"}),
        (b"a=", {"a": ""}),
        (b"a=b<<c", {"a": "b<<c"}),
        (b"a<<END\nx\n\n  y=1\nEND\nb=2", {"a": "x\n\n  y=1", "b": "2"}),
        (b"a<<E=F\nx\nE=F\n", {"a": "x"}),
        (b"a<<END\nEND", {"a": ""}),
        (b'{"a": 1, "b": {"c": [null]}}', {"a": 1, "b": {"c": [None]}}),
        (b'\n  {"a": "x"}\n', {"a": "x"}),
        ("a=ä".encode(), {"a": "ä"}),
    ],
)
def test_lines_blocks_and_one_object_are_read(data: bytes, values: dict[str, Any]) -> None:
    assert parse_output_file(data) == values


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a=1\nnonsense", "Line 2 of the output file is neither"),
        (b"a b=1", "Line 1 of the output file is neither"),
        (b"=1", "Line 1 of the output file is neither"),
        (b"a=1\n\nb<<END\nx", "The block that begins in line 3 of the output file has no end"),
        (b"a<<\nx", "Line 1 of the output file begins a block without naming its end"),
        (b"a=1\nb=\xff", "not UTF-8 in line 2"),
        (b'{"a": 1', "Not valid JSON: Expecting ',' delimiter at line 1"),
        (b'{"a": 1} b', "Not valid JSON: Extra data at line 1"),
        (b'{"a": 1, "a": 2}', 'Duplicate key "a"'),
        (b'{"a b": 1}', "bad name of an output"),
        (b"a=" + b"x" * (OUTPUT_LIMIT + 1), f"The output `a` is larger than {OUTPUT_LIMIT} bytes"),
        (b"a=" + "ä".encode() * (OUTPUT_LIMIT // 2 + 1), "The output `a` is larger"),
        (json.dumps({"a": ["x" * OUTPUT_LIMIT]}).encode(), "The output `a` is larger"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(data: bytes, message: str) -> None:
    with pytest.raises(OutputError) as caught:
        parse_output_file(data)

    assert message in str(caught.value)


def test_a_value_at_the_limit_is_read() -> None:
    assert parse_output_file(b"a=" + b"x" * OUTPUT_LIMIT) == {"a": "x" * OUTPUT_LIMIT}


@unhurried
@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,5}", fullmatch=True),
        st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=["Cs"])).filter(
            lambda text: "END" not in text.split("\n")
        ),
    )
)
def test_blocks_carry_any_text(values: dict[str, str]) -> None:
    data = "".join(f"{name}<<END\n{text}\nEND\n" for name, text in values.items())

    assert parse_output_file(data.encode()) == values


@unhurried
@given(st.binary(max_size=50))
def test_any_bytes_are_outputs_or_refused(data: bytes) -> None:
    with contextlib.suppress(OutputError):
        assert isinstance(parse_output_file(data), dict)


def read(declared: dict[str, Any], *, result: str | None = None, **outcome: Any) -> ReadOutputs:
    (step,) = definition_of(one_step(outputs=declared)).steps
    return read_outputs(step, Outcome(exit_code=0, **outcome), result=result)


def file(content: bytes | None, error: str | None = None) -> OutputFile:
    return OutputFile(content, error)


def test_outputs_come_from_stdout_the_file_and_declared_paths() -> None:
    found = read(
        {"report": {"path": "/r"}, "rows": {"path": "/j", "type": "json"}, "n": {"type": "json"}, "plain": {}},
        result="done",
        output_file=file(b"n=5\nplain=5\nother=x"),
        outputs={"report": file(b"line\n\n"), "rows": file(b"[1, 2]\n")},
    )

    assert found == ReadOutputs(
        {"result": "done", "n": 5, "plain": "5", "other": "x", "report": "line\n", "rows": [1, 2]}
    )


def test_a_value_that_is_json_already_is_kept() -> None:
    assert read({"n": {}, "m": {"type": "json"}}, output_file=file(b'{"n": 5, "m": {"a": 1}}')).values == {
        "n": 5,
        "m": {"a": 1},
    }


def test_a_default_stands_in_for_a_missing_output() -> None:
    assert read({"x": {"path": "/x", "default": "d"}, "y": {"type": "json", "default": None}}).values == {
        "x": "d",
        "y": None,
    }


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({"path": "/x"}, "The declared output `x` was not found at /x"),
        ({}, "The declared output `x` was not found in the output file"),
    ],
)
def test_a_missing_output_is_reported_and_the_others_are_read(declaration: dict[str, Any], message: str) -> None:
    found = read({"x": declaration, "y": {}}, output_file=file(b"y=1"))

    assert found == ReadOutputs({"y": "1"}, Reason.OUTPUT_MISSING, message)


@pytest.mark.parametrize(
    ("declaration", "outcome", "message"),
    [
        ({"path": "/x", "type": "json"}, {"outputs": {"x": file(b"{")}}, "The output `x` is declared as JSON"),
        ({"path": "/x"}, {"outputs": {"x": file(b"\xff")}}, "The output `x` is not UTF-8"),
        ({"path": "/x"}, {"outputs": {"x": file(None, "is a directory")}}, "cannot be read: is a directory"),
        ({"path": "/x"}, {"outputs": {"x": file(b"x" * (OUTPUT_LIMIT + 1))}}, "The output `x` is larger than"),
        ({"type": "json"}, {"output_file": file(b"x=[")}, "The output `x` is declared as JSON"),
        ({"default": "d"}, {"output_file": file(b"nonsense")}, "Line 1 of the output file"),
        ({"default": "d"}, {"output_file": file(None, "too large")}, "The output file cannot be read: too large"),
    ],
)
def test_a_bad_output_is_left_out_and_reported(declaration: Any, outcome: Any, message: str) -> None:
    found = read({"x": declaration}, **outcome)

    assert found.reason is Reason.OUTPUT_INVALID
    assert message in (found.error or "")
    assert found.values == ({"x": "d"} if "default" in declaration else {})


def test_a_declared_result_is_found_in_stdout() -> None:
    assert read({"result": {"type": "json", "sensitive": True}}, result='{"a": 1}') == ReadOutputs(
        {"result": {"a": 1}}, sensitive=frozenset({"result"})
    )
    assert read({"result": {"path": "/r"}}, result="out", outputs={"result": file(b"file")}).values == {
        "result": "file"
    }


def test_sensitive_names_are_those_of_outputs_that_were_found() -> None:
    found = read({"x": {"sensitive": True}, "y": {"sensitive": True, "path": "/y"}}, output_file=file(b"x=1"))

    assert found.sensitive == {"x"}

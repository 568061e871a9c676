"""Whatever is sent, the answer is a definition or a list of faults."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aiop.errors import Fault, InvalidRequest
from aiop.spec import (
    ContainerDocument,
    OutputDocument,
    Plan,
    RetryDocument,
    StepDocument,
    WorkflowDocument,
    check_definition,
    load_definition,
    parse_json,
)
from aiop.spec import check as checking
from unit.spec.documents import FULL, REFERENCE, faults_in, one_step, unhurried

texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "a",
            "b",
            "load",
            "sum",
            "${inputs.x}",
            "${steps.load.outputs.y}",
            "${steps.",
            "$${inputs.x}",
            "${secrets.S}",
            "/x",
            "./x",
            "true",
            "inputs.x == 1",
            "500m",
            "1Mi",
            "string",
            "json",
        ]
    ),
)
names = st.sampled_from(
    sorted(
        {
            name
            for document in (WorkflowDocument, StepDocument, ContainerDocument, OutputDocument, RetryDocument)
            for name in document.model_fields
        }
    )
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(names, texts), inner, max_size=4)),
    max_leaves=20,
)


def checked(document: Any) -> None:
    before = copy.deepcopy(document)
    try:
        definition = check_definition(document)
    except InvalidRequest as refusal:
        faults = refusal.faults
        complete = bool(faults) and all(fault.field and fault.message for fault in faults)
    else:
        complete = len(Plan.of(definition).steps) == len(document["steps"])
    assert complete
    assert document == before


@settings(unhurried, max_examples=300)
@given(values)
def test_any_json_value_gives_a_definition_or_faults(document: Any) -> None:
    checked(document)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found.extend(places(child, (*path, key)))
    return found


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.copy(document)
    changed[path[0]] = replaced(document[path[0]], path[1:], value)
    return changed


@settings(unhurried, max_examples=500)
@given(st.data())
def test_a_document_with_any_part_replaced_gives_a_definition_or_faults(data: st.DataObject) -> None:
    document: Any = FULL
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document)))
        document = replaced(document, path, data.draw(values))
    checked(document)


@pytest.mark.parametrize("path", places(FULL)[1:], ids=lambda path: ".".join(map(str, path)))
def test_null_and_a_list_in_any_place_are_taken_or_named(path: tuple[Any, ...]) -> None:
    for value in (None, [[]], {"": {"": None}}, -1, "\0", True):
        checked(replaced(FULL, path, value))


@pytest.mark.parametrize("document", [REFERENCE, FULL], ids=["reference", "full"])
def test_stored_text_loads_to_the_same_definition(document: Any) -> None:
    assert load_definition(json.dumps(document)) == check_definition(document)


@unhurried
@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_faults(body: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        assert json.dumps(parse_json(body), ensure_ascii=False).encode()


def test_a_flood_of_faults_is_cut() -> None:
    found = faults_in({"name": "w", "steps": [{"id": 1}] * 3000})

    assert sum(map(len, found.values())) == 1001
    assert found["body"] == ["There are more than these 1000 faults"]


@pytest.mark.parametrize(
    "document",
    [
        {"name": "w", "steps": [1] * 200_000},
        {"name": "w", "steps": [{}] * 200_000},
        {"name": "w", "steps": [{"id": "a", **{f"k{i}": 1 for i in range(100_000)}}]},
        {"name": "w", "steps": [{"id": "a", "container": {"environment": {f"{i}=": 1 for i in range(100_000)}}}]},
        {"name": "w", "steps": [{"id": "a", "container": {"command": [1] * 100_000}}]},
        {"name": "w", "steps": [{"id": "a", "depends_on": [str(i) for i in range(100_000)]}]},
    ],
    ids=["numbers for steps", "empty steps", "unknown fields", "bad environment", "numbers in a list", "unknown steps"],
)
def test_a_large_bad_document_does_not_make_an_error_of_every_byte(
    document: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    translated = 0
    translate = checking.faults_of

    def counting(error: ValidationError, *args: Any, **kwargs: Any) -> list[Fault]:
        nonlocal translated
        translated += error.error_count()
        return translate(error, *args, **kwargs)

    monkeypatch.setattr(checking, "faults_of", counting)

    assert faults_in(document)
    assert translated <= 21_000


def test_references_and_conditions_are_limited_in_number() -> None:
    many = ["${inputs.x}" * 100] * 1100

    assert faults_in(one_step(container={"image": "i", "args": many})) == {"body": ["More than 100000 references"]}
    long = [f"'{i}' + '{'a' * 3000}' == ''" for i in range(200)]
    document = {"name": "w", "steps": [{"id": f"s{i}", "when": when} for i, when in enumerate(long)]}
    document["container_config"] = {"image": "i"}
    assert faults_in(document) == {"body": ["Different conditions of more than 512 KiB together"]}


def test_values_nested_too_deeply_are_named_and_not_followed() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]

    found = faults_in({"name": "w", "steps": [{"id": "a", "container": {"image": "i"}, "inputs": {"x": deep}}]})

    assert found == {"steps[0].inputs": ["Nested deeper than 100 levels"]}

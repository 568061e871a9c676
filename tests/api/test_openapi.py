"""How the API describes itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from api.operations import Operation, description, operations
from api.world import reference

REF = "#/components/schemas/"
OF_THE_REFERENCE = {
    "WorkflowDocument": "workflow_create.request",
    "Workflow": "workflow_get.answer",
    "WorkflowChanges": "workflow_update.request",
    "WorkflowList": "workflow_list.answer",
    "ExecuteRequest": "workflow_execute.request",
    "Submitted": "workflow_execute.answer",
    "Execution": "execution_get.answer",
    "ExecutionList": "execution_list.answer",
    "AgentRequest": "agent_create.request",
    "AgentItem": "agent_create.answer",
    "AgentList": "agent_list.answer",
    "Error": "error.answer",
}
WORDS = {
    "$ref",
    "additionalProperties",
    "anyOf",
    "allOf",
    "oneOf",
    "const",
    "default",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
}
SCHEMAS: dict[str, Any] = description()["components"]["schemas"]


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Go through every object in a document."""
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from parts(child)
    elif isinstance(value, list):
        for child in value:
            yield from parts(child)


def test_it_is_openapi_3_1() -> None:
    document = description()
    assert document["openapi"].startswith("3.1.")
    jsonschema_rs.validator_for(OPENAPI_31).validate(document)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_schema_and_its_examples_are_of_it(name: str) -> None:
    jsonschema_rs.meta.validate({**SCHEMAS[name], "$schema": "https://json-schema.org/draft/2020-12/schema"})
    whole = {"$ref": REF + name, "components": {"schemas": SCHEMAS}}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    for example in SCHEMAS[name].get("examples", ()):
        validator.validate(example)


@pytest.mark.parametrize(("name", "example"), OF_THE_REFERENCE.items())
def test_the_examples_are_those_of_the_reference(name: str, example: str) -> None:
    shown = [json.dumps(each) for each in SCHEMAS[name]["examples"]]
    assert shown == [json.dumps(reference(example))]


def test_schemas_use_the_words_of_json_schema_alone() -> None:
    # Of other words a reader takes no notice: a bound would be none.
    def words(schema: Any) -> Iterator[str]:
        if not isinstance(schema, dict):
            return
        yield from schema
        for word in ("properties", "patternProperties", "$defs"):
            for child in schema.get(word, {}).values():
                yield from words(child)
        for word in ("items", "additionalProperties", "propertyNames"):
            yield from words(schema.get(word))
        for word in ("anyOf", "allOf", "oneOf", "prefixItems"):
            for child in schema.get(word, ()):
                yield from words(child)

    parameters = (each["schema"] for one in operations() for each in one.declared.get("parameters", ()))
    found = {word for schema in (*SCHEMAS.values(), *parameters) for word in words(schema)}
    assert found <= WORDS


def test_every_schema_is_used_and_every_name_is_known() -> None:
    named = {part["$ref"] for part in parts(description()) if isinstance(part.get("$ref"), str)}
    assert named == {REF + name for name in SCHEMAS}
    assert all(name.isalnum() for name in SCHEMAS), "two models of one name"


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [each.id for each in operations()]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in description()["tags"]}
    for operation in operations():
        assert operation.declared["summary"]
        assert operation.declared["description"]
        assert set(operation.declared["tags"]) <= tags


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_an_operation_declares_every_answer(operation: Operation) -> None:
    answers = operation.declared["responses"]
    good = {status for status in answers if status.startswith("2")}
    assert good
    assert "422" not in answers
    expected = {"400", "500", "503"}
    expected |= set() if operation.open else {"401"}
    expected |= {"404"} if "_id}" in operation.template else set()
    expected |= {"413"} if operation.media_type else set()
    assert expected <= set(answers)
    for status, answer in answers.items():
        assert answer["description"]
        if status not in good:
            assert answer["content"] == {"application/json": {"schema": {"$ref": REF + "Error"}}}
        elif status == "204":
            assert "content" not in answer
        else:
            assert answer["content"]
    headers = {status: set(answer.get("headers", ())) for status, answer in answers.items()}
    assert "Location" in headers.get("201", {"Location"})
    assert "WWW-Authenticate" in headers.get("401", {"WWW-Authenticate"})
    for status in ("429", "503"):
        assert "Retry-After" in headers.get(status, {"Retry-After"})


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_an_operation_declares_what_it_takes(operation: Operation) -> None:
    named = {part[1:-1] for part in operation.template.split("/") if part.startswith("{")}
    declared = {each["name"] for each in operation.declared.get("parameters", ()) if each["in"] == "path"}
    assert named == declared
    if operation.method in ("POST", "PUT", "PATCH"):
        body = operation.declared.get("requestBody", {"content": {}})
        for content in body["content"].values():
            assert content["schema"]
    else:
        assert operation.media_type is None
    for parameter in operation.declared.get("parameters", ()):
        assert parameter["schema"]
        assert parameter["in"] == "path" or parameter["description"] or parameter["schema"].get("description")

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from aiop.spec import ContainerDocument, WorkflowDocument, check_definition, faults_from, faults_of
from aiop.spec.schema import EXAMPLE, MAX_STEPS
from unit.spec.documents import FULL, REFERENCE, faults_in, one_step, with_changes


@pytest.mark.parametrize("document", [REFERENCE, FULL], ids=["reference", "full"])
def test_a_good_document_passes_and_stays_as_it_was_sent(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)

    check_definition(document)

    assert document == before


def test_the_example_of_the_schema_is_that_of_the_reference() -> None:
    assert EXAMPLE == REFERENCE
    assert WorkflowDocument.model_json_schema()["examples"] == [REFERENCE]


def test_every_field_that_the_schema_knows_is_used_by_the_full_document() -> None:
    keys: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            keys.update(value)
        for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            collect(child)

    collect(FULL)
    collect({"command": 0})
    schemas = WorkflowDocument.model_json_schema()
    named = {name for it in (schemas, *schemas["$defs"].values()) for name in it["properties"]}
    assert named <= keys


def test_a_whole_number_is_an_integer_however_it_is_written() -> None:
    limits = {"memory": 1e9, "gpus": 1.0}
    step = {"id": "a", "container": {"image": "i", "resources": limits}, "retry": {"max_attempts": 3.0}}
    definition = check_definition({"name": "w", "steps": [step]})

    assert definition.steps[0].container.resources.memory_bytes == 10**9
    assert type(definition.steps[0].container.resources.gpus) is int
    assert type(definition.steps[0].retry.max_attempts) is int
    step["retry"] = {"max_attempts": 2.5}
    assert faults_in({"name": "w", "steps": [step]}) == {"steps[0].retry.max_attempts": ["Must be an integer"]}


def test_all_faults_come_at_once_each_with_its_path() -> None:
    document = {
        "retires": 1,
        "steps": [
            {"id": "a", "container": {"image": 5, "environment": {"A": 1, "B": True}, "comand": []}},
            {"id": "1a", "retires": 2, "container": {"resources": {"cpu": "much", "memory": "1Q", "gpus": "1"}}},
            "b",
            {"container": {"image": "busybox", "files": {"etc/x.conf": "text"}}, "depends_on": ["nobody"]},
        ],
        "inputs": {"n": {"type": "int"}, "m": {"type": "integer", "default": "x"}},
        "outputs": {"o": "${steps.nobody.status}"},
    }

    assert faults_in(document) == {
        "name": ["Field is required"],
        "retires": ["Unknown field; did you mean `requires`?"],
        "steps[0].container.image": ["Must be a string; quote it"],
        "steps[0].container.environment.A": ["Must be a string; quote it"],
        "steps[0].container.environment.B": ["Must be a string; quote it"],
        "steps[0].container.comand": ["Unknown field; did you mean `command`?"],
        "steps[1].id": ["Must match ^[A-Za-z_][A-Za-z0-9_-]{0,62}$"],
        "steps[1].retires": ["Unknown field; did you mean `retries`?"],
        "steps[1].container.image": ["Field is required"],
        "steps[1].container.resources.cpu": ['Must be a number of cores like 0.5, or thousandths like "500m"'],
        "steps[1].container.resources.memory": [
            'Must be a number of bytes, or text like "256Mi" (Ki, Mi, Gi, Ti, K, M, G, T)'
        ],
        "steps[1].container.resources.gpus": ["Must be an integer"],
        "steps[2]": ["Must be an object"],
        "steps[3].id": ["Field is required"],
        'steps[3].container.files["etc/x.conf"]': ["Must be an absolute path"],
        "steps[3].depends_on[0]": ["Unknown step `nobody`"],
        "inputs.n.type": ["Must be one of `string`, `number`, `integer`, `boolean`, `object` or `array`"],
        "inputs.m.default": ["Must be of type integer"],
        "outputs.o": ["Unknown step `nobody`"],
    }


@pytest.mark.parametrize(
    ("step", "field", "message"),
    [
        ({"timeout_seconds": "60"}, "timeout_seconds", "Must be a number"),
        ({"timeout_seconds": True}, "timeout_seconds", "Must be a number"),
        ({"timeout_seconds": 0}, "timeout_seconds", "Must be greater than 0"),
        ({"timeout_seconds": 10**400}, "timeout_seconds", "The number is too large"),
        ({"grace_seconds": -1}, "grace_seconds", "Must be at least 0"),
        ({"continue_on_error": 1}, "continue_on_error", "Must be true or false"),
        ({"continue_on_error": "true"}, "continue_on_error", "Must be true or false"),
        ({"retries": 1.5}, "retries", "Must be an integer"),
        ({"retries": True}, "retries", "Must be an integer"),
        ({"retry": {"max_attempts": 0}}, "retry.max_attempts", "Must be at least 1"),
        (
            {"retry": {"on": ["oom"]}},
            "retry.on[0]",
            "Must be one of `exit_code`, `timeout`, `oom_killed` or `engine_lost`",
        ),
        ({"retry": {"exit_codes": [256]}}, "retry.exit_codes[0]", "Must be at most 255"),
        ({"retry": {}, "retries": 1}, "retries", "Give either `retry` or the short `retries` and `retry_delay`"),
        (
            {"retry": {}, "retry_delay": 1},
            "retry_delay",
            "Give either `retry` or the short `retries` and `retry_delay`",
        ),
        ({"name": ""}, "name", "Must not be empty"),
        ({"name": " "}, "name", "Must not be blank"),
        ({"name": "n" * 256}, "name", "Must have at most 255 characters"),
        ({"depends_on": "a"}, "depends_on", "Must be a list"),
        ({"inputs": {"9": 1}}, "inputs.9", "Must match ^[A-Za-z_][A-Za-z0-9_-]{0,127}$"),
        ({"outputs": {"x": {"path": "out"}}}, "outputs.x.path", "Must be an absolute path"),
        ({"outputs": {"x": {"type": "int"}}}, "outputs.x.type", "Must be one of `string` or `json`"),
        ({"outputs": {"x": {"default": 5}}}, "outputs.x.default", "Must be of type string"),
        ({"cache": False}, "cache", "Unknown field"),
        ({"requires": ["a b"]}, "requires[0]", "Must match ^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"),
    ],
)
def test_a_bad_field_of_a_step_is_named(step: dict[str, Any], field: str, message: str) -> None:
    assert faults_in(one_step(**step)) == {f"steps[0].{field}": [message]}


@pytest.mark.parametrize(
    ("container", "field", "message"),
    [
        ({"command": []}, "command", "Must have at least 1 item"),
        ({"command": ["a"], "script": "b"}, "script", "A container has either `command` or `script`"),
        ({"command": ["a\0"]}, "command[0]", "Must not hold a NUL character"),
        ({"script": "x" * 131_072}, "script", "Must have at most 131071 characters"),
        ({"environment": {"A=B": "x"}}, 'environment["A=B"]', "Must not be empty nor hold `=` or a NUL character"),
        ({"environment": {"": "x"}}, 'environment[""]', "Must not be empty nor hold `=` or a NUL character"),
        (
            {"environment": {"AIOP_OUTPUT": "x"}},
            "environment.AIOP_OUTPUT",
            "Names that begin with `AIOP_` are set by the service",
        ),
        ({"volumes": [{"source": "/a"}]}, "volumes[0].target", "Field is required"),
        ({"volumes": [{"source": "/a", "target": "b"}]}, "volumes[0].target", "Must be an absolute path"),
        (
            {"volumes": [{"source": "a/b", "target": "/b"}]},
            "volumes[0].source",
            "A relative source begins with `./`; the name of a volume has no slash",
        ),
        (
            {"volumes": [{"source": "/a", "target": "/x"}, {"source": "/b", "target": "/x/"}]},
            "volumes[1].target",
            "Duplicate target `/x`",
        ),
        ({"working_dir": "w"}, "working_dir", "Must be an absolute path"),
        ({"user": 1000}, "user", "Must be a string; quote it"),
        ({"network": "host"}, "network", "Must be one of `default` or `none`"),
        ({"resources": {"memory": 1.5}}, "resources.memory", 'Must be a number of bytes, or text like "256Mi"'),
        (
            {"resources": {"cpu": True}},
            "resources.cpu",
            'Must be a number of cores like 0.5, or thousandths like "500m"',
        ),
        ({"resources": {"cpu": 0}}, "resources.cpu", "Must be from 0.001 to 10000 cores"),
        (
            {"image": "Busybox"},
            "image",
            "Not a valid image: names are of lower-case letters, digits and separators within",
        ),
    ],
)
def test_a_bad_field_of_a_container_is_named(container: dict[str, Any], field: str, message: str) -> None:
    document = one_step(container={"image": "busybox", **container})

    assert faults_in(document) == {f"steps[0].container.{field}": [message]}


def test_an_image_may_come_from_the_step_or_from_the_config() -> None:
    assert faults_in({"name": "w", "steps": [{"id": "a"}]}) == {"steps[0].container.image": ["Field is required"]}
    assert faults_in({"name": "w", "steps": [{"id": "a"}], "container_config": {"image": "busybox"}}) == {}


def test_a_target_of_the_config_cannot_be_mounted_again_by_a_step() -> None:
    document = one_step(container={"image": "i", "volumes": [{"source": "/b", "target": "/data"}]})
    document["container_config"] = {"volumes": [{"source": "/a", "target": "/data"}]}

    assert list(faults_in(document)) == ["steps[0].container.volumes[0].target"]


def test_null_stands_for_a_field_that_was_not_given() -> None:
    document = with_changes(REFERENCE, description=None, container_config=None, inputs=None, outputs=None)
    document["steps"][0]["depends_on"] = None
    document["steps"][1]["retry"] = None

    assert faults_in(document) == {}


def test_a_workflow_has_from_one_to_so_many_steps() -> None:
    assert faults_in({"name": "w", "steps": []}) == {"steps": ["Must have at least 1 item"]}
    many = {"name": "w", "container_config": {"image": "i"}, "steps": [{"id": f"s{i}"} for i in range(MAX_STEPS + 1)]}
    assert faults_in(many) == {"steps": [f"Must have at most {MAX_STEPS} items"]}


@pytest.mark.parametrize("document", [None, [], "text", 1, True])
def test_a_document_is_an_object(document: Any) -> None:
    assert faults_in(document) == {"body": ["Must be an object"]}


def test_the_translation_serves_other_models_with_a_prefix() -> None:
    with pytest.raises(ValidationError) as caught:
        ContainerDocument.model_validate({"imag": "x", "environment": {"A": 1}})

    faults = faults_of(caught.value, "container", document=ContainerDocument)

    assert {(fault.field, fault.message) for fault in faults} == {
        ("container.imag", "Unknown field; did you mean `image`?"),
        ("container.environment.A", "Must be a string; quote it"),
    }
    without_model = faults_from(caught.value.errors(), "container")
    assert "Unknown field" in {fault.message for fault in without_model}


def test_errors_that_are_not_of_the_house_keep_their_own_words() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(tuple[int, int]).validate_python("no")

    assert [fault.field for fault in faults_of(caught.value)] == ["body"]

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aiop.model.definition import (
    ABSENT,
    Backoff,
    Container,
    InputDeclaration,
    Network,
    OutputDeclaration,
    OutputType,
    PullPolicy,
    Resources,
    Retry,
    Volume,
)
from aiop.model.state import Reason
from unit.spec.documents import FULL, REFERENCE, definition_of, one_step


def container(own: dict[str, Any], config: dict[str, Any]) -> Container:
    document = one_step(container=own)
    document["container_config"] = {"image": "busybox", **config}
    return definition_of(document).steps[0].container


def test_the_reference_example_is_merged_step_by_step() -> None:
    first, second = definition_of(REFERENCE).steps

    assert first.container == Container(
        image="python:3.9-slim",
        command=("python", "script.py"),
        environment={"DEBUG": "true", "ENV_VAR": "value"},
        volumes=(Volume("/tmp", "/data"),),
    )
    assert (second.id, second.name, second.depends_on) == ("step2", "Step 2", ("step1",))
    assert second.container.environment == {"DEBUG": "true"}
    assert second.container.image == "node:18-alpine"


def test_scalars_are_overridden() -> None:
    config = {"working_dir": "/c", "user": "c", "network": "none", "pull": "always"}

    assert container({}, config) == Container(
        image="busybox", working_dir="/c", user="c", network=Network.NONE, pull=PullPolicy.ALWAYS
    )
    own = {"image": "own", "working_dir": "/o", "user": "o", "network": "default", "pull": "missing"}
    assert container(own, config) == Container(image="own", working_dir="/o", user="o")


def test_environment_files_and_resources_are_merged_key_by_key() -> None:
    merged = container(
        {"environment": {"B": "own"}, "files": {"/b": "own"}, "resources": {"cpu": "250m", "gpus": 0}},
        {
            "environment": {"A": "config", "B": "config"},
            "files": {"/a": "config", "/b": "config"},
            "resources": {"cpu": 2, "memory": "1Ki", "gpus": 1},
        },
    )

    assert merged.environment == {"A": "config", "B": "own"}
    assert merged.files == {"/a": "config", "/b": "own"}
    assert merged.resources == Resources(cpu_millis=250, memory_bytes=1024, gpus=0)


def test_volumes_are_appended() -> None:
    merged = container(
        {"volumes": [{"source": "/b", "target": "/y", "read_only": True}]},
        {"volumes": [{"source": "aa", "target": "/x"}]},
    )

    assert merged.volumes == (Volume("aa", "/x"), Volume("/b", "/y", read_only=True))


@pytest.mark.parametrize(
    ("own", "config", "expected"),
    [
        ({}, {"command": ["c"], "args": ["x"]}, (("c",), ("x",), None)),
        ({"args": ["y"]}, {"command": ["c"], "args": ["x"]}, (("c",), ("y",), None)),
        ({"args": []}, {"command": ["c"], "args": ["x"]}, (("c",), (), None)),
        ({"command": ["o"]}, {"command": ["c"], "args": ["x"]}, (("o",), None, None)),
        ({"command": ["o"]}, {"script": "s", "args": ["x"]}, (("o",), None, None)),
        ({"script": "s"}, {"command": ["c"], "args": ["x"]}, (None, None, "s")),
        ({"args": ["y"]}, {"script": "s"}, (None, ("y",), "s")),
        ({}, {}, (None, None, None)),
    ],
)
def test_a_command_or_script_of_the_step_replaces_all_of_the_configs(own: Any, config: Any, expected: Any) -> None:
    merged = container(own, config)

    assert (merged.command, merged.args, merged.script) == expected


def test_every_field_of_a_step_arrives() -> None:
    definition = definition_of(FULL)
    load, total = definition.steps

    assert definition.fail_fast
    assert definition.requires == ("gpu",)
    assert definition.outputs == FULL["outputs"]
    assert definition.inputs == {
        "day": InputDeclaration("day", "string", default="monday", description="when"),
        "count": InputDeclaration("count", "integer", required=True),
        "key": InputDeclaration("key", sensitive=True),
    }
    assert load.retry == Retry(
        max_attempts=3,
        delay=timedelta(milliseconds=500),
        backoff=Backoff.EXPONENTIAL,
        factor=3,
        max_delay=timedelta(seconds=10),
        jitter=0.1,
        on=frozenset({Reason.EXIT_CODE, Reason.TIMEOUT}),
        exit_codes=frozenset({1, 75}),
    )
    assert load.outputs == {"rows": OutputDeclaration("rows", "/out/rows.json", OutputType.JSON, [], sensitive=True)}
    assert (load.timeout, load.grace) == (timedelta(minutes=1), timedelta(seconds=1.5))
    assert (load.name, total.name) == ("load", "Sum up")
    assert load.inputs == FULL["steps"][0]["inputs"]
    assert total.when == FULL["steps"][1]["when"]
    assert total.continue_on_error


def test_what_is_left_out_has_the_models_defaults() -> None:
    (step,) = definition_of(one_step(outputs={"x": {}})).steps

    assert step.retry == Retry()
    assert (step.timeout, step.grace, step.inputs) == (None, timedelta(seconds=10), None)
    assert step.outputs["x"].default is ABSENT


def test_a_default_of_null_is_a_default() -> None:
    document = one_step(outputs={"x": {"type": "json", "default": None}})
    document["inputs"] = {"y": {"default": None}}
    definition = definition_of(document)

    assert definition.steps[0].outputs["x"].default is None
    assert definition.inputs is not None
    assert definition.inputs["y"].default is None


def test_retries_are_short_for_more_attempts_after_the_first() -> None:
    assert definition_of(one_step(retries=2, retry_delay=0.5)).steps[0].retry == Retry(3, timedelta(seconds=0.5))
    assert definition_of(one_step(retries=0)).steps[0].retry == Retry(1)


@pytest.mark.parametrize(
    ("cpu", "millis"), [(0.5, 500), ("500m", 500), ("0.5", 500), (2, 2000), ("1.5", 1500), (0.001, 1), ("1m", 1)]
)
def test_cpu_is_in_cores_or_thousandths(cpu: Any, millis: int) -> None:
    assert container({"resources": {"cpu": cpu}}, {}).resources.cpu_millis == millis


@pytest.mark.parametrize(
    ("memory", "size"),
    [
        (1, 1),
        ("1024", 1024),
        ("1K", 1000),
        ("1Ki", 1024),
        ("256Mi", 2**28),
        ("1.5G", 1_500_000_000),
        ("1T", 10**12),
        ("2Ti", 2**41),
    ],
)
def test_memory_is_in_bytes_or_multiples(memory: Any, size: int) -> None:
    assert container({"resources": {"memory": memory}}, {}).resources.memory_bytes == size

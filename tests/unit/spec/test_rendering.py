from __future__ import annotations

import json
from typing import Any

import pytest

from aiop.model.definition import Volume
from aiop.model.ids import StepId
from aiop.model.state import StepStatus
from aiop.spec import Plan, RenderedStep, Scope, StepResult, TemplateError, check_definition, render_step
from unit.spec.documents import REFERENCE, one_step

SCOPE = Scope(
    inputs={"day": "monday", "count": 3, "list": [1, {"a": None}], "a-b": "x"},
    steps={StepId("before"): StepResult(StepStatus.COMPLETED, 0, {"result": "out"})},
    execution_id="e-1",
    workflow_name="w",
    secrets={"TOKEN": "s3cret"},
)


def rendered(step: dict[str, Any], scope: Scope = SCOPE, *, attempt: int = 1) -> RenderedStep:
    document = one_step(**step)
    document["steps"].append({"id": "before", "container": {"image": "i"}})
    document["steps"][0].setdefault("depends_on", ["before"])
    return render_step(Plan.of(check_definition(document)).step(StepId("a")), scope, attempt=attempt)


def container(**fields: Any) -> dict[str, Any]:
    return {"container": {"image": "busybox", **fields}}


def test_the_reference_example_is_rendered_as_it_stands() -> None:
    plan = Plan.of(check_definition(REFERENCE))

    step = render_step(plan.step(StepId("step1")), SCOPE, attempt=2)

    assert (step.image, step.command, step.args) == ("python:3.9-slim", ("python", "script.py"), ())
    assert step.volumes == (Volume("/tmp", "/data"),)
    assert step.environment == {
        "DEBUG": "true",
        "ENV_VAR": "value",
        "AIOP_EXECUTION_ID": "e-1",
        "AIOP_STEP_ID": "step1",
        "AIOP_ATTEMPT": "2",
        "AIOP_INPUTS": "{}",
    }
    assert step.inputs == {}


def test_templates_are_substituted_in_every_place() -> None:
    step = rendered(
        {
            "container": {
                "image": "repo/${inputs.day}:1",
                "command": ["run", "${inputs.count}", "${inputs.list}"],
                "args": ["${steps.before.outputs.result}"],
                "environment": {"N": "${inputs.count}", "T": "${secrets.TOKEN}"},
                "working_dir": "/w/${inputs.day}",
                "user": "${inputs.count}",
                "files": {"/etc/${inputs.day}": "token ${secrets.TOKEN} ä"},
                "volumes": [{"source": "/data/${inputs.day}", "target": "/d", "read_only": True}],
            },
            "outputs": {"x": {"path": "/x"}, "y": {}},
        }
    )

    assert step.image == "repo/monday:1"
    assert step.command == ("run", "3", '[1,{"a":null}]')
    assert step.args == ("out",)
    assert step.environment["N"] == "3"
    assert step.environment["T"] == "s3cret"
    assert step.working_dir == "/w/monday"
    assert step.user == "3"
    assert step.files == {"/etc/${inputs.day}": "token s3cret ä".encode()}
    assert step.volumes == (Volume("/data/monday", "/d", read_only=True),)
    assert step.output_paths == {"x": "/x"}


@pytest.mark.parametrize(
    ("fields", "command", "args"),
    [
        ({}, None, None),
        ({"args": ["a"]}, None, ("a",)),
        ({"command": ["c"]}, ("c",), ()),
        ({"command": ["c"], "args": ["a"]}, ("c",), ("a",)),
        ({"script": "echo $1 ${HOME}"}, ("sh", "-c", "echo $1 ${HOME}"), ()),
        ({"script": "echo $1", "args": ["a", "b"]}, ("sh", "-c", "echo $1"), ("sh", "a", "b")),
    ],
)
def test_a_command_excludes_the_images_and_a_script_is_one(fields: Any, command: Any, args: Any) -> None:
    step = rendered(container(**fields))

    assert (step.command, step.args) == (command, args)


def test_an_escape_is_resolved_also_where_nothing_else_is() -> None:
    step = rendered(container(args=["$${inputs.x}"], volumes=[{"source": "/a/$${b", "target": "/d"}]))

    assert step.args == ("${inputs.x}",)
    assert step.volumes == (Volume("/a/${b", "/d"),)


def test_without_declared_inputs_they_are_those_that_the_templates_mention() -> None:
    step = rendered(container(args=["${inputs.count}"], environment={"D": "${inputs.day} ${inputs.other:-}"}))

    assert step.inputs == {"count": 3, "day": "monday"}
    assert step.environment["INPUT_COUNT"] == "3"
    assert step.environment["INPUT_DAY"] == "monday"
    assert json.loads(step.environment["AIOP_INPUTS"]) == {"count": 3, "day": "monday"}
    assert "INPUT_LIST" not in step.environment


def test_declared_inputs_see_the_executions_and_hide_them_from_the_container() -> None:
    step = rendered(
        {
            "inputs": {
                "day": "next ${inputs.day}",
                "before": "${steps.before.outputs.result}",
                "n": "${inputs.count}",
                "c": 1,
            },
            "container": {"image": "i", "args": ["${inputs.day}", "${inputs.n}", "${inputs.list}"]},
        }
    )

    assert step.inputs == {"day": "next monday", "before": "out", "n": 3, "c": 1}
    assert step.args == ("next monday", "3", '[1,{"a":null}]')
    assert "INPUT_LIST" not in step.environment


def test_names_of_inputs_become_names_of_variables() -> None:
    step = rendered({"inputs": {"a-b": "${inputs.a-b}", "list": "${inputs.list}", "yes": True}})

    assert step.environment["INPUT_A_B"] == "x"
    assert step.environment["INPUT_LIST"] == '[1,{"a":null}]'
    assert step.environment["INPUT_YES"] == "true"


def test_the_definitions_own_environment_wins_over_inputs() -> None:
    step = rendered({"inputs": {"day": "x"}, **container(environment={"INPUT_DAY": "own"})})

    assert step.environment["INPUT_DAY"] == "own"


def test_values_that_no_process_can_have_are_left_out_of_the_automatic_variables() -> None:
    scope = Scope(inputs={"long": "ä" * 100_000, "nul": "a\0b", "short": "x"})

    step = rendered({"inputs": {name: f"${{inputs.{name}}}" for name in scope.inputs}, **container()}, scope)

    assert {key for key in step.environment if not key.startswith("AIOP_")} == {"INPUT_SHORT"}
    assert "AIOP_INPUTS" not in step.environment
    assert step.inputs == scope.inputs


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"environment": {"X": "${inputs.missing}"}}, "environment.X: ${inputs.missing} has no value"),
        ({"args": ["a", "b${inputs.missing}"]}, "args[1]: ${inputs.missing} has no value"),
        ({"files": {"/f": "${secrets.OTHER}"}}, "files[/f]: ${secrets.OTHER}: there is no such secret"),
        ({"image": "${inputs.upper}"}, "image: Not a valid image"),
        ({"working_dir": "${inputs.day}"}, "working_dir: Must be an absolute path"),
        ({"user": "${inputs.nul}"}, "user: The value holds a NUL character"),
        ({"script": "echo ${inputs.long}"}, "command[2]: The value is larger than 131071 bytes; pass it in `files`"),
    ],
)
def test_what_cannot_be_rendered_is_named_with_its_field(fields: Any, message: str) -> None:
    scope = Scope(inputs={"upper": "Not An Image", "day": "monday", "nul": "\0", "long": "ä" * 70_000})

    with pytest.raises(TemplateError) as caught:
        rendered(container(**fields), scope)

    assert message in str(caught.value)


def test_an_input_of_a_step_that_cannot_be_rendered_is_named() -> None:
    with pytest.raises(TemplateError, match=r"inputs\.x: \$\{inputs\.missing\} has no value"):
        rendered({"inputs": {"x": ["${inputs.missing}"]}})


def test_files_may_hold_what_arguments_may_not() -> None:
    scope = Scope(inputs={"data": "\0" * 200_000})

    assert rendered(container(files={"/f": "${inputs.data}"}), scope).files == {"/f": bytes(200_000)}


def test_a_container_without_references_is_rendered_once() -> None:
    plan = Plan.of(check_definition(one_step(container={"image": "i", "files": {"/f": "x"}, "args": ["a"]})))

    first = render_step(plan.steps[0], SCOPE, attempt=1)
    second = render_step(plan.steps[0], Scope(execution_id="e-2"), attempt=2)

    assert first.files is second.files
    assert (first.environment["AIOP_ATTEMPT"], second.environment["AIOP_ATTEMPT"]) == ("1", "2")
    assert second.environment["AIOP_EXECUTION_ID"] == "e-2"


def test_what_is_printed_of_a_rendered_step_shows_no_value() -> None:
    step = rendered(container(environment={"T": "${secrets.TOKEN}"}, files={"/f": "${secrets.TOKEN}"}))

    assert "s3cret" not in repr(step)
    assert "s3cret" not in repr(SCOPE)


def test_the_plan_finds_steps_by_id_and_compiles_the_outputs() -> None:
    document = one_step()
    document["outputs"] = {"x": ["${steps.a.status}"]}
    plan = Plan.of(check_definition(document))

    assert plan.step(StepId("a")) is plan.steps[plan.graph.index[StepId("a")]]
    assert plan.outputs is not None
    assert plan.outputs["x"].render(Scope(steps={StepId("a"): StepResult(StepStatus.FAILED)})) == ["failed"]

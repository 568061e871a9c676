from __future__ import annotations

from typing import Any

import pytest

from unit.spec.documents import faults_in, one_step, steps_of

PLACES: list[tuple[str, Any]] = [
    ("container.image", lambda text: {"container": {"image": text}}),
    ("container.command[1]", lambda text: {"container": {"image": "i", "command": ["x", text]}}),
    ("container.args[0]", lambda text: {"container": {"image": "i", "args": [text]}}),
    ("container.script", lambda text: {"container": {"image": "i", "script": text}}),
    ("container.environment.KEY", lambda text: {"container": {"image": "i", "environment": {"KEY": text}}}),
    ("container.working_dir", lambda text: {"container": {"image": "i", "working_dir": text}}),
    ("container.user", lambda text: {"container": {"image": "i", "user": text}}),
    ('container.files["/f"]', lambda text: {"container": {"image": "i", "files": {"/f": text}}}),
    (
        "container.volumes[0].source",
        lambda text: {"container": {"image": "i", "volumes": [{"source": text, "target": "/t"}]}},
    ),
    ("inputs.deep.list[0]", lambda text: {"inputs": {"deep": {"list": [text]}}}),
]
SECRET_PLACES = {"container.environment.KEY", 'container.files["/f"]'}


@pytest.mark.parametrize(("place", "step"), PLACES, ids=[place for place, _ in PLACES])
def test_templates_are_checked_in_every_place_where_they_are_substituted(place: str, step: Any) -> None:
    assert faults_in(one_step(**step("${steps.nobody.status}"))) == {f"steps[0].{place}": ["Unknown step `nobody`"]}
    assert list(faults_in(one_step(**step("${inputs.")))) == [f"steps[0].{place}"]
    assert faults_in(one_step(**step("${inputs.any}"))) == {}


@pytest.mark.parametrize(("place", "step"), PLACES, ids=[place for place, _ in PLACES])
def test_secrets_stay_in_environment_and_files(place: str, step: Any) -> None:
    expected = (
        {}
        if place in SECRET_PLACES
        else {f"steps[0].{place}": ["Secrets can be used only in `environment` and `files`"]}
    )

    assert faults_in(one_step(**step("${secrets.TOKEN}"))) == expected


def test_a_key_called_environment_does_not_let_secrets_into_inputs_or_outputs() -> None:
    document = one_step(inputs={"environment": {"x": "${secrets.TOKEN}"}})
    document["outputs"] = {"files": {"environment": {"x": "${secrets.TOKEN}"}}}

    assert sorted(faults_in(document)) == ["outputs.files.environment.x", "steps[0].inputs.environment.x"]


def test_where_inputs_are_declared_other_names_are_faults() -> None:
    document = one_step(
        container={"image": "i", "args": ["${inputs.dya}", "${inputs.day}", "${inputs.own}"]}, when="inputs.dya == 1"
    )
    document["steps"][0]["inputs"] = {"own": "${inputs.own}"}
    document["inputs"] = {"day": {}}

    assert faults_in(document) == {
        "steps[0].container.args[0]": ["Unknown input `dya`; did you mean `day`?"],
        "steps[0].inputs.own": ["Unknown input `own`"],
        "steps[0].when": ["Unknown input `dya`; did you mean `day`?"],
    }


def test_without_a_declaration_any_input_may_be_named() -> None:
    assert faults_in(one_step(container={"image": "i", "args": ["${inputs.anything}"]}, when="inputs.x == 1")) == {}


def test_an_empty_declaration_declares_that_there_are_no_inputs() -> None:
    document = one_step(container={"image": "i", "args": ["${inputs.x}"]})
    document["inputs"] = {}

    assert list(faults_in(document)) == ["steps[0].container.args[0]"]


def test_a_step_reads_only_of_steps_that_ended_before() -> None:
    document = steps_of({"a": [], "b": ["a"], "c": ["b"], "d": ["a"]})
    a, _, c, d = document["steps"]
    a["inputs"] = {"own": "${steps.a.status}"}
    c["inputs"] = {"far": "${steps.a.outputs.result}", "near": "${steps.b.exit_code}", "beside": "${steps.d.status}"}
    d["when"] = "steps.b.status == 'completed' && steps['c'].exit_code == 0 && steps.a.status == 'completed'"

    late = "Step `{}` does not depend on `{}`, which may not have ended then"
    assert faults_in(document) == {
        "steps[0].inputs.own": [late.format("a", "a")],
        "steps[2].inputs.beside": [late.format("c", "d")],
        "steps[3].when": [late.format("d", "b"), late.format("d", "c")],
    }


def test_the_workflows_outputs_read_of_any_step() -> None:
    document = steps_of({"a": [], "b": []})
    document["outputs"] = {"x": "${steps.a.outputs.result}", "y": ["${steps.b.status}", "${steps.c.status}"]}

    assert faults_in(document) == {"outputs.y[1]": ["Unknown step `c`"]}


def test_the_config_of_all_steps_cannot_read_of_one() -> None:
    document = one_step()
    document["container_config"] = {
        "environment": {"X": "${steps.a.status}", "Y": "${secrets.Y}"},
        "user": "${secrets.U}",
    }

    assert faults_in(document) == {
        "container_config.environment.X": ["`container_config` holds for every step and cannot refer to one"],
        "container_config.user": ["Secrets can be used only in `environment` and `files`"],
    }


def test_the_config_may_name_an_input_that_every_step_declares() -> None:
    document = steps_of({"a": [], "b": []}, inputs={"own": 1})
    document["inputs"] = {}
    document["container_config"]["environment"] = {"OWN": "${inputs.own}"}

    assert faults_in(document) == {}
    del document["steps"][1]["inputs"]
    assert faults_in(document) == {"container_config.environment.OWN": ["Unknown input `own`"]}


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("steps.nobody.status == 'x'", "Unknown step `nobody`"),
        ("steps['no-body'].status == 'x'", "Unknown step `no-body`"),
        ("steps.b.state == 'x'", "A step has no `state`, but `status`, `exit_code` and `outputs`"),
        ("execution.name == 'x'", "`execution` has no `name`, but `id`"),
        ("'text'", "Must give true or false, but gives string"),
        ("inputs.map(x, true).size() > 0", "map() is not available in conditions; exists(), all() and filter() are"),
    ],
)
def test_names_and_types_of_conditions_are_checked_where_they_can_be(when: str, message: str) -> None:
    document = steps_of({"b": [], "c": ["b"]})
    document["steps"][1]["when"] = when

    assert faults_in(document) == {"steps[1].when": [message]}


def test_names_in_strings_and_comments_of_conditions_are_none() -> None:
    assert faults_in(one_step(when="inputs.x == 'steps.nobody.status' // steps.nobody.foo")) == {}


def test_a_cycle_does_not_hide_other_faults() -> None:
    document = steps_of({"a": ["b"], "b": ["a"]})
    document["steps"][0]["inputs"] = {"x": "${steps.nobody.status}"}

    assert set(faults_in(document)) == {"steps[0].depends_on", "steps[0].inputs.x"}

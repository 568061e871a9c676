from __future__ import annotations

from typing import Any

import pytest

from aiop.model.definition import SecretUse
from aiop.spec import Plan, Scope, TemplateSyntaxError, compile_secret_text
from unit.spec.documents import definition_of, one_step, steps_of


def uses(document: dict[str, Any]) -> list[SecretUse]:
    return list(definition_of(document).secrets)


def test_each_mention_is_known_with_its_place() -> None:
    container = {
        "image": "i",
        "environment": {"A": "${secrets.X}:${secrets.Y:-none}", "B": "${inputs.x}"},
        "files": {"/f": "key = ${secrets.X:?ask}"},
    }

    assert uses(one_step(container=container)) == [
        SecretUse("steps[0].container.environment.A", "X"),
        SecretUse("steps[0].container.environment.A", "Y", optional=True),
        SecretUse('steps[0].container.files["/f"]', "X", message="ask"),
    ]


def test_what_only_looks_like_a_mention_is_none() -> None:
    container = {"image": "i", "environment": {"A": "$${secrets.X} $secrets.X"}, "args": ["secrets.X"]}

    assert uses(one_step(container=container)) == []


def test_a_mention_for_all_steps_comes_once_and_not_at_all_if_every_step_replaces_it() -> None:
    document = steps_of({"a": [], "b": []}, container={"environment": {"A": "own"}, "files": {"/f": "own"}})
    document["container_config"] |= {
        "environment": {"A": "${secrets.A}", "B": "${secrets.B}"},
        "files": {"/f": "${secrets.F}"},
    }
    assert [(use.field, use.name) for use in uses(document)] == [("container_config.environment.B", "B")]

    del document["steps"][1]["container"]
    assert [use.name for use in uses(document)] == ["A", "B", "F"]


def test_a_step_mentions_what_it_inherits() -> None:
    document = one_step(container={"image": "i", "environment": {"A": "${secrets.A}", "D": "${secrets.C}"}})
    document["container_config"] = {"environment": {"C": "${secrets.C} ${secrets.B:-x}"}}

    (step,) = Plan.of(definition_of(document)).steps

    assert sorted(step.mentioned_secrets) == ["A", "B", "C"]


@pytest.mark.parametrize("text", ["", "plain", "${inputs.x}", "$${inputs.x}", "${HOME} $$", "${secrets"])
def test_a_text_outside_of_definitions_that_mentions_no_secret_is_literal(text: str) -> None:
    template = compile_secret_text(text)

    assert template.is_literal
    assert template.render_text(Scope()) == text


def test_a_text_outside_of_definitions_may_mention_secrets() -> None:
    template = compile_secret_text("a ${secrets.X} $${secrets.X} ${secrets.Y:-b}")

    assert template.render_text(Scope(secrets={"X": "x"})) == "a x ${secrets.X} b"


@pytest.mark.parametrize("text", ["${secrets.}", "${secrets.X} ${inputs.y}", "${secrets.X}${execution.id}"])
def test_a_text_outside_of_definitions_mentions_nothing_else_beside_secrets(text: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        compile_secret_text(text)

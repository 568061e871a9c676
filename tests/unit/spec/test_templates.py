from __future__ import annotations

import contextlib
import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.model.ids import StepId
from aiop.model.state import StepStatus
from aiop.spec import Scope, StepResult, TemplateError, compile_template, render
from aiop.spec.templates import TemplateSyntaxError
from unit.spec.documents import unhurried

SCOPE = Scope(
    inputs={
        "text": "hello",
        "number": 3,
        "float": 0.1,
        "yes": True,
        "null": None,
        "empty": "",
        "list": [1, "ä", None],
        "map": {"a": 1.5},
        "template": "${inputs.text}",
        "zero": 0,
        "no": False,
    },
    steps={
        StepId("a-b"): StepResult(StepStatus.FAILED, 3, {"result": "out", "rows": [1]}),
        StepId("skipped"): StepResult(StepStatus.SKIPPED),
    },
    execution_id="e-1",
    workflow_name="nightly",
    secrets={"TOKEN": "s3cret"},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${inputs.text}", "hello"),
        ("${inputs.number}", 3),
        ("${inputs.yes}", True),
        ("${inputs.null}", None),
        ("${inputs.list}", [1, "ä", None]),
        ("${steps.a-b.outputs.rows}", [1]),
        ("${steps.a-b.status}", "failed"),
        ("${steps.a-b.exit_code}", 3),
        ("${steps.skipped.status}", "skipped"),
        ("${execution.id}", "e-1"),
        ("${workflow.name}", "nightly"),
        ("${secrets.TOKEN}", "s3cret"),
    ],
)
def test_exactly_one_reference_keeps_its_type(text: str, value: Any) -> None:
    result = compile_template(text).render(SCOPE)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<${inputs.text}>", "<hello>"),
        ("${inputs.text}${inputs.text}", "hellohello"),
        (" ${inputs.number}", " 3"),
        ("=${inputs.float}", "=0.1"),
        ("=${inputs.yes} ${inputs.null}", "=true null"),
        ("=${inputs.list}", '=[1,"ä",null]'),
        ("=${inputs.map}", '={"a":1.5}'),
    ],
)
def test_inside_text_a_value_is_text_or_compact_json(text: str, value: str) -> None:
    assert compile_template(text).render(SCOPE) == value


@pytest.mark.parametrize(
    "text",
    [
        "${HOME}",
        "${HOME:-/root}",
        "$HOME",
        "${",
        "$",
        "${}",
        "${inputs}",
        "${input.x}",
        "${INPUTS.x}",
        "${#x}",
        "a}b",
        "$$",
    ],
)
def test_what_is_the_shells_stays(text: str) -> None:
    template = compile_template(text)

    assert template.render(SCOPE) == text
    assert template.references == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$${inputs.text}", "${inputs.text}"),
        ("$${HOME}", "${HOME}"),
        ("$$${inputs.text}", "$${inputs.text}"),
        ("a $${ b", "a ${ b"),
        ("$${inputs.text} ${inputs.text}", "${inputs.text} hello"),
        ("$${inputs.", "${inputs."),
    ],
)
def test_a_doubled_dollar_writes_a_literal_brace(text: str, value: str) -> None:
    assert compile_template(text).render(SCOPE) == value


def test_what_is_put_in_is_never_scanned_again() -> None:
    assert compile_template("${inputs.template}").render(SCOPE) == "${inputs.text}"
    assert compile_template("<${inputs.template}>").render(SCOPE) == "<${inputs.text}>"
    assert render(["${inputs.template}"], SCOPE) == ["${inputs.text}"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${inputs.missing:-d}", "d"),
        ("${inputs.missing:-}", ""),
        ("${inputs.null:-d}", "d"),
        ("${inputs.empty:-d}", "d"),
        ("${inputs.text:-d}", "hello"),
        ("${inputs.zero:-d}", 0),
        ("${inputs.no:-d}", False),
        ("${inputs.missing:-a b/c:-d$HOME}", "a b/c:-d$HOME"),
        ("${steps.skipped.exit_code:-none}", "none"),
        ("${steps.skipped.outputs.x:-none}", "none"),
        ("${steps.unknown.status:-none}", "none"),
        ("${inputs.text:?needed}", "hello"),
    ],
)
def test_a_default_stands_in_for_missing_null_and_empty(text: str, value: Any) -> None:
    assert compile_template(text).render(SCOPE) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${inputs.missing}", "${inputs.missing} has no value"),
        ("a ${steps.a-b.outputs.x} b", "${steps.a-b.outputs.x} has no value"),
        ("${steps.skipped.exit_code}", "${steps.skipped.exit_code} has no value"),
        ("${secrets.OTHER}", "${secrets.OTHER}: there is no such secret"),
        ("${inputs.missing:?give a day}", "${inputs.missing}: give a day"),
        ("${inputs.empty:?give a day}", "${inputs.empty}: give a day"),
        ("${inputs.missing:?}", "${inputs.missing} has no value"),
    ],
)
def test_a_missing_value_without_default_names_the_reference(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(text).render(SCOPE)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "${inputs.}",
        "${inputs.x",
        "${inputs.x.y}",
        "${inputs.x-}${inputs.9}",
        "${inputs.x:d}",
        "${inputs.x:+d}",
        "${inputs. x}",
        "${steps.a}",
        "${steps.a.outputs}",
        "${steps.a.outputs.b.c}",
        "${steps.a.result}",
        "${execution.name}",
        "${workflow.id}",
        "${secrets.}",
        "text ${inputs.x:-${HOME}}",
    ],
)
def test_what_begins_like_a_reference_and_is_none_is_refused(text: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        compile_template(text)


def test_references_are_listed_in_order() -> None:
    template = compile_template("${inputs.a} ${steps.s.outputs.o:-x} ${inputs.a}")

    assert [str(reference) for reference in template.references] == [
        "${inputs.a}",
        "${steps.s.outputs.o}",
        "${inputs.a}",
    ]


def test_values_are_rendered_at_any_depth_but_keys_are_not() -> None:
    value = {"${inputs.text}": ["${inputs.number}", {"x": "n=${inputs.number}"}, 5, None, True]}

    assert render(value, SCOPE) == {"${inputs.text}": [3, {"x": "n=3"}, 5, None, True]}


@unhurried
@given(st.text())
def test_text_with_every_brace_escaped_comes_back_as_it_was(text: str) -> None:
    # A dollar before the brace would take part in the escape; the syntax has no way to write that.
    escaped = text.replace("${", "$${")

    if "$${" not in text:
        assert compile_template(escaped).render(SCOPE) == text


pieces = st.one_of(
    st.text(alphabet=st.characters(exclude_characters="$", exclude_categories=["Cs"]), max_size=5),
    st.sampled_from(["${inputs.v}", "${HOME}", "$${", "${inputs.missing:-d}"]),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@unhurried
@given(st.lists(pieces, min_size=2), values)
def test_text_is_its_pieces_each_rendered(parts: list[str], value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    written = {"${inputs.v}": text, "$${": "${", "${inputs.missing:-d}": "d"}

    rendered = compile_template("".join(parts)).render_text(Scope(inputs={"v": value}))

    assert rendered == "".join(written.get(part, part) for part in parts)


@unhurried
@given(values)
def test_a_value_survives_being_the_whole_of_a_template(value: Any) -> None:
    assert compile_template("${inputs.v}").render(Scope(inputs={"v": value})) == value


@unhurried
@given(st.text(alphabet="${}inputs.:-?ab"))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    # Every name that this alphabet can write, with a value.
    scope = Scope(inputs={"".join(name): 1 for size in (1, 2, 3) for name in product("inputsab", repeat=size)})

    with contextlib.suppress(TemplateSyntaxError, TemplateError):
        assert isinstance(compile_template(text).render_text(scope), str)

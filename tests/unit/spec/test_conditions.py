from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.model.ids import StepId
from aiop.model.state import StepStatus
from aiop.spec import Condition, ConditionError, Scope, StepResult
from aiop.spec.cel_text import mentions_of, tokens_of
from aiop.spec.conditions import ConditionCompiler, ConditionSyntaxError
from unit.spec.documents import unhurried

SCOPE = Scope(
    inputs={"n": 3, "f": 0.5, "s": "text", "l": [1, 2], "m": {"k": {"d": True}}, "nil": None, "big": 2**70},
    steps={
        StepId("a-b"): StepResult(StepStatus.FAILED, 3, {"result": "out"}),
        StepId("skipped"): StepResult(StepStatus.SKIPPED),
    },
    execution_id="e-1",
)


def condition(text: str) -> Condition:
    return ConditionCompiler().compile(text)


def holds(text: str, scope: Scope = SCOPE, *, succeeded: bool = True, failed: bool = False) -> bool:
    return condition(text).evaluate(scope, dependencies_succeeded=succeeded, dependency_failed=failed)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("true", True),
        ("inputs.n > 2 && inputs.f < 1.0", True),
        ("inputs['n'] == 4", False),
        ("inputs.m.k.d", True),
        ("inputs.nil == null", True),
        ("has(inputs.missing) && inputs.missing == 1", False),
        ("inputs.l.exists(x, x == 2)", True),
        ("inputs.l.all(x, x in [1, 2, 3])", True),
        ("inputs.l.filter(x, x > 1).size() == 1", True),
        ("'k' in inputs.m", True),
        ("inputs.s.matches('^t[a-z]{3}$')", True),
        ('steps["a-b"].status == "failed" && steps["a-b"].exit_code == 3', True),
        ('steps["a-b"].outputs.result == "out"', True),
        ("steps.skipped.exit_code == null", True),
        ("steps.exists(id, steps[id].status == 'failed')", True),
        ("steps.size() == 2", True),
        ("execution.id == 'e-1'", True),
        ("true || inputs.missing", True),
    ],
)
def test_conditions_read_inputs_steps_and_the_execution(text: str, answer: bool) -> None:
    assert holds(text) is answer


@pytest.mark.parametrize(
    ("text", "handles", "succeeded", "failed"),
    [
        ("true", False, True, False),
        ("success()", False, True, False),
        ("failure()", True, False, True),
        ("always()", True, True, True),
        ("success() || failure()", True, True, True),
        ("'failure()' != ''", False, True, False),
        ("true // always()", False, True, False),
    ],
)
def test_only_a_condition_that_mentions_failure_is_asked_after_one(
    text: str, handles: bool, succeeded: bool, failed: bool
) -> None:
    assert condition(text).handles_failure is handles
    assert holds(text, succeeded=True, failed=False) is succeeded
    assert holds(text, succeeded=False, failed=True) is failed


def test_evaluations_of_one_compiler_do_not_mix_their_facts() -> None:
    compiler = ConditionCompiler()
    first, second = compiler.compile("failure()"), compiler.compile("!failure() && always()")

    for failed in (True, False, True):
        arguments: dict[str, Any] = {"dependencies_succeeded": not failed, "dependency_failed": failed}
        assert first.evaluate(SCOPE, **arguments) is failed
        assert second.evaluate(SCOPE, **arguments) is not failed
    assert compiler.compile("failure()") is first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inputs.missing == 1", "reads a value that does not exist"),
        ("steps.other.status == 'x'", "reads a value that does not exist"),
        ("inputs.l[7] == 1", "reads a value that does not exist"),
        ("inputs.n", "gives a value of type int, not true or false"),
        ("inputs.nil", "not true or false"),
        ("inputs.s + inputs.n == 'x'", "on types that it does not take"),
        ("inputs.n / 0 == 1", "divides by zero"),
        ("inputs.big == 1", "a number that is out of range"),
        ("timestamp(inputs.s) == timestamp(inputs.s)", "could not be evaluated"),
    ],
)
def test_a_condition_without_an_answer_is_an_error_that_shows_no_value(text: str, message: str) -> None:
    with pytest.raises(ConditionError, match=message) as caught:
        holds(text)

    assert "text" not in str(caught.value)
    assert str(2**70) not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", "At line 1, column 4: Syntax error"),
        ("", "Syntax error"),
        ("status == 'x'", "At line 1, column 1: undeclared reference to 'status'"),
        ("true &&\n nothing()", "At line 2, column 9: undeclared reference to 'nothing'"),
        ("success(1)", "undeclared reference to 'success'"),
        ("1", "Must give true or false, but gives int"),
        ("true ? 'a' : 'b'", "Must give true or false, but gives string"),
        ("'\0' == ''", "Must not hold a NUL character"),
        ("'\ud800' == ''", "valid Unicode"),
        ("'" + "ä" * 2100 + "' == ''", "at most 4096 bytes"),
        ("(" * 200 + "true" + ")" * 200, "recursion limit"),
    ],
)
def test_what_is_no_condition_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConditionSyntaxError) as caught:
        condition(text)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inputs.l.map(x, x + x).size() > 0", "map() is not available"),
        ("inputs.l.all(x, inputs.s + inputs.s != '')", "`+` cannot be used inside"),
        ("inputs.l.all(x, x.matches('a'))", "matches() cannot be used inside"),
        ("[1].exists(a, [[a, a]].exists(b, [[b, b]].exists(c, c == c)))", "can hold only constants"),
        ("[1].exists(a, {'k': a} == {'k': a})", "can hold only constants"),
        ("inputs.s.matches(inputs.s)", "must be written out"),
        ("inputs.s.matches('a' + inputs.s)", "must be written out"),
        ("matches(inputs.s, inputs.s)", "must be written out"),
        ("inputs.s.matches('((a?){100}){100}')", "too many repetitions"),
        ("inputs.s.matches('" + "a" * 300 + "')", "more than 256 characters"),
    ],
)
def test_what_could_grow_with_each_iteration_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConditionSyntaxError) as caught:
        condition(text)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "inputs.text.matches('^v[0-9]{1,3}(-rc[0-9]+)?$')",
        "matches(inputs.text, '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')",
        "['a', 'b'].exists(x, x in ['a'] && inputs.l[0] == 1)",
        "inputs.list.all(x, inputs.map[x].size() > 0)",
        "inputs.map == {'a': inputs.x}",
        "size(inputs.list) + 1 > 2",
    ],
)
def test_ordinary_conditions_are_not_taken_for_dangerous(text: str) -> None:
    assert condition(text).text == text


@pytest.mark.parametrize(
    ("text", "inputs", "message"),
    [
        ("inputs.s == 'x'", {"s": "a" * 2_000_000}, "more than 1024 KiB"),
        ("inputs.s.matches('(a*)*b')", {"s": "a" * 40_000}, "searches in values of more than 32 KiB"),
        ("inputs.s.contains(inputs.t)", {"s": "a" * 40_000, "t": "ab"}, "searches in values of more than 32 KiB"),
        (
            "inputs.l.all(x, inputs.l.all(y, inputs.s != 'x'))",
            {"l": [*range(1000)], "s": "a" * 50_000},
            "too much work",
        ),
        (" + ".join(["inputs.s"] * 30) + " == ''", {"s": "a" * 900_000}, "too much work"),
        (
            "[1, 2].all(a, inputs.l.all(x, inputs.l.all(y, inputs.l.all(z, true))))",
            {"l": [*range(50)]},
            "too many iterations",
        ),
    ],
)
def test_work_is_bounded_by_the_size_of_what_is_read(text: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        holds(text, Scope(inputs=inputs))

    assert message in str(caught.value)


def test_only_what_is_mentioned_counts_and_is_handed_over() -> None:
    huge = "a" * 2_000_000
    scope = Scope(
        inputs={"small": 1, "huge": huge},
        steps={
            StepId("a"): StepResult(StepStatus.COMPLETED, 0, {"small": "x", "huge": huge}),
            StepId("b"): StepResult(StepStatus.COMPLETED, 0, {"huge": huge}),
        },
    )

    assert holds("inputs.small == 1 && steps.a.outputs.small == 'x' && steps.b.status == 'completed'", scope)
    with pytest.raises(ConditionError):
        holds("steps.a.outputs.huge != ''", scope)
    with pytest.raises(ConditionError):
        holds("steps.size() == 2", scope)


def test_mentions_are_read_from_the_text() -> None:
    text = """inputs.a == r'inputs.b' && inputs["c-d"] > 0 && steps.x.outputs.o && x.steps.y && steps[inputs.e]"""
    mentions = mentions_of(tokens_of(text))

    assert mentions.inputs == {"a", "c-d", "e"}
    assert {(it.step, it.field, it.output) for it in mentions.steps} == {("x", "outputs", "o"), (None, None, None)}


@unhurried
@given(st.text(alphabet="inputs.steps['\"\\rb](){}+ !&|=0x\n/", max_size=40))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    with contextlib.suppress(ConditionSyntaxError):
        assert condition(text).text == text


def test_the_library_is_loaded_only_for_a_condition() -> None:
    program = (
        "import sys; from aiop.spec import Plan, check_definition\n"
        "step = {'id': 'a', 'container': {'image': 'i'}}\n"
        "Plan.of(check_definition({'name': 'w', 'steps': [step]}))\n"
        "assert not any(name.startswith('cel_expr') for name in sys.modules)\n"
        "Plan.of(check_definition({'name': 'w', 'steps': [{**step, 'when': 'true'}]}))\n"
        "assert any(name.startswith('cel_expr') for name in sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

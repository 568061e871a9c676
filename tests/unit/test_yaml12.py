"""YAML as pipelines and workflow files are written in it: the core schema of 1.2, and never more than asked for."""

import pytest

from aiop.yaml12 import MAX_DEPTH, YamlError, load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: [exit_code]", {"on": ["exit_code"]}),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("0o17", 15),
        ("0x1f", 31),
        ("017", 17),
        ("1.5e3", 1500.0),
        (".inf", ".inf"),
        ("~", None),
        ("base: &b {a: 1}\nmore: {<<: *b, c: 2}", {"base": {"a": 1}, "more": {"a": 1, "c": 2}}),
    ],
)
def test_scalars_are_those_of_the_core_schema(text, value):
    assert load(text) == value


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' comes twice"),
        ("a: [1\n", 2, "did not find expected"),
        ("a: !!python/object/apply:os.system [ls]", 1, "could not determine a constructor"),
        ("a: &a [*a]", 1, "names nothing that is complete"),
        ("a: *b", 1, "names nothing that is complete"),
        ("a: 1\n---\nb: 2", 2, "another document"),
    ],
)
def test_a_fault_names_its_line(text, line, message):
    with pytest.raises(YamlError, match=message) as caught:
        load(text)
    assert caught.value.line == line


def test_aliases_that_would_explode_are_refused_before_they_do():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(YamlError, match="once its aliases are written out"):
        load("\n".join(lines))


def test_depth_is_bounded():
    assert load("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    for deep in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(YamlError):
            load("[" * deep + "]" * deep)

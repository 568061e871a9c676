from __future__ import annotations

import io
import json

import pytest

from aiop.cli.document import read_document
from aiop.cli.exits import Exit, Failure
from aiop.errors import Fault


@pytest.fixture
def written(tmp_path):
    def write(text, name="flow.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return read_document(str(path))

    return write


def test_scalars_are_those_of_yaml_1_2(written):
    text = "{on: [a], no: no, t: 1:30, d: 2020-01-01, z: 010, x: 0x10, f: 1e3, n: , m: ~, b: true, i: .inf}"

    assert written(f"a: {text}").data["a"] == {
        "on": ["a"],
        "no": "no",
        "t": "1:30",
        "d": "2020-01-01",
        "z": 10,
        "x": 16,
        "f": 1000.0,
        "n": None,
        "m": None,
        "b": True,
        "i": ".inf",
    }


def test_anchors_and_merges_are_followed(written):
    data = written("base: &base {image: a, user: b}\nstep: {<<: *base, image: c}\n").data

    assert data["step"] == {"image": "c", "user": "b"}


def test_json_is_read_to_the_letter(written):
    text = '{"a": 1.0, "b": 12345678901234567890, "c": "\\u00e9", "d": 1E400}'

    assert written(text, "flow.json").data == json.loads(text)


def test_each_fault_is_found_in_its_line(written):
    document = written(
        "name: x\nsteps:\n  - id: a\n    container:\n      imag: x\n      files:\n        /etc/a.conf: y\n  - id: b\n"
    )
    faults = [
        Fault("steps[1].container", "Field is required"),
        Fault("steps[0].container.files./etc/a.conf", "Bad"),
        Fault("steps[0].container.imag", "Unknown field"),
        Fault("", "Whole"),
    ]

    assert [line.removeprefix(f"{document.name}:") for line in document.located(faults)] == [
        "1: Whole",
        "5: steps[0].container.imag: Unknown field",
        "7: steps[0].container.files./etc/a.conf: Bad",
        "8: steps[1].container: Field is required",
    ]


def test_faults_of_json_have_lines_too(written):
    document = written('{\n "name": 1,\n "steps": []\n}', "flow.json")

    assert document.located([Fault("steps", "Empty")]) == [f"{document.name}:3: steps: Empty"]


def test_standard_input_is_a_file_too(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("name: x\n"))

    document = read_document("-")

    assert document.data == {"name": "x"}
    assert document.located([Fault("name", "Bad")]) == ["<stdin>:1: name: Bad"]


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ("a: 1\nb: [1\n", "x.yaml", "x.yaml:3: not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml", "x.yaml:3: not valid YAML: the key 'a' comes twice"),
        ("a: 1\n---\nb: 1\n", "x.yaml", "not valid YAML: but found another document"),
        ("- a\n", "x.yaml", "does not hold a mapping"),
        ("a: !!binary aGk=\n", "x.yaml", "JSON has no form for"),
        ("a: !!python/object:os.system x\n", "x.yaml", "not valid YAML"),
        ('{"a": 1', "x.json", "is not valid JSON"),
        ('{"a": 1, "a": 2}', "x.json", "'a' comes twice"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(written, text, name, sentence):
    with pytest.raises(Failure) as caught:
        written(text, name)

    assert caught.value.code is Exit.USAGE
    assert sentence in caught.value.message


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(Failure, match="No such file"):
        read_document(str(tmp_path / "none.yaml"))

"""Pipeline documents: the language of workflows, with files and the cache."""

import pytest

from aiop.errors import InvalidRequest, SourceRefused
from aiop.model.definition import NamedOutput
from aiop.spec import SourcePolicy, check_definition, check_pipeline, load_pipeline, parse_pipeline
from aiop.spec.pipeline_schema import PIPELINE_EXAMPLE


def document(*steps, **fields):
    return {"name": "p", "container_config": {"image": "busybox"}, "steps": list(steps or ({"id": "a"},)), **fields}


def faults(value):
    with pytest.raises(InvalidRequest) as caught:
        check_pipeline(value)
    return {fault.field: fault.message for fault in caught.value.faults}


def test_the_example_is_a_pipeline():
    definition = check_pipeline(PIPELINE_EXAMPLE)
    assert [step.sources for step in definition.steps] == [("src/", "Makefile"), None]
    assert definition.named_outputs == (NamedOutput("program", "build/program", "build"),)


def test_steps_may_stay_out_of_the_cache_and_are_in_it_by_default():
    definition = check_pipeline(document({"id": "a"}, {"id": "b", "cache": False}, {"id": "c", "cache": None}))
    assert [step.cache for step in definition.steps] == [True, False, True]


def test_an_empty_list_of_sources_is_not_all_of_them():
    definition = check_pipeline(document({"id": "a", "sources": []}, {"id": "b"}))
    assert [step.sources for step in definition.steps] == [(), None]


@pytest.mark.parametrize(
    ("path", "kept"), [("dist", "dist"), ("./dist/", "dist"), ("a//b/./c.txt", "a/b/c.txt"), (".", "."), ("./", ".")]
)
def test_the_path_of_an_output_is_kept_in_one_form(path, kept):
    definition = check_pipeline(document(outputs=[{"name": "x", "path": path}]))
    assert definition.named_outputs == (NamedOutput("x", kept, "a"),)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a/..", ""])
def test_the_path_of_an_output_does_not_leave_the_workspace(path):
    assert "outputs[0].path" in faults(document(outputs=[{"name": "x", "path": path}]))


def test_an_output_is_that_of_the_last_step_if_there_is_one():
    chain = ({"id": "a"}, {"id": "b", "depends_on": ["a"]})
    assert check_pipeline(document(*chain, outputs=[{"name": "x", "path": "x"}])).named_outputs[0].step == "b"
    fork = (*chain, {"id": "c", "depends_on": ["a"]})
    found = faults(document(*fork, outputs=[{"name": "x", "path": "x"}]))
    assert found == {"outputs[0].step": "Say after which step: the pipeline has several last ones"}


def test_every_fault_has_its_path():
    found = faults(
        document(
            {"id": "a", "sources": ["../secret", "!x/", "a/../b"], "cache": "yes", "cachee": True},
            {"id": "b", "depends_on": ["c"]},
            outputs=[{"name": "x", "path": "x", "step": "bb"}, {"name": "x", "path": "y", "step": "a"}, {"path": "z"}],
            sources=["everywhere"],
        )
    )
    assert found == {
        "steps[0].sources[0]": "Must be a pattern of paths in the source, like `src/` or `*.toml`",
        "steps[0].sources[2]": "Must be a pattern of paths in the source, like `src/` or `*.toml`",
        "steps[0].cache": "Must be true or false",
        "steps[0].cachee": "Unknown field; did you mean `cache`?",
        "steps[1].depends_on[0]": "Unknown step `c`",
        "outputs[0].step": "Unknown step `bb`; did you mean `b`?",
        "outputs[1].name": "The name `x` is taken by another output",
        "outputs[2].name": "Field is required",
        "outputs[2].step": "Say after which step: the pipeline has several last ones",
        "sources": "Unknown field",
    }


def test_workflows_know_neither_cache_nor_sources():
    with pytest.raises(InvalidRequest) as caught:
        check_definition(document({"id": "a", "cache": True, "sources": []}))
    assert {fault.field for fault in caught.value.faults} == {"steps[0].cache", "steps[0].sources"}


def test_a_stored_document_is_read_as_it_was_checked():
    assert load_pipeline('{"steps": [{"id": "a", "container": {"image": "x"}}]}').name == ""


def test_yaml_is_read_as_plain_data():
    text = "steps:\n- id: a\n  retry: {on: [timeout]}\n  container: {image: 'x', environment: {A: '1:30'}}\n"
    step = check_pipeline(parse_pipeline(text)).steps[0]
    assert step.container.environment == {"A": "1:30"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: [", "Not valid YAML in line"),
        ("a: 1\na: 2", "Not valid YAML in line 2: the key 'a' comes twice"),
        ("1: a\n'1': b", "the key '1' comes twice"),
        ("a: !!timestamp 2001-01-01", "Holds a value that JSON has no form for"),
        ("[x]: y", "Not valid YAML in line 1"),
    ],
)
def test_what_is_no_document_says_so(text, message):
    with pytest.raises(InvalidRequest) as caught:
        check_pipeline(parse_pipeline(text))
    assert message in caught.value.faults[0].message


def test_json_files_are_read_strictly():
    assert parse_pipeline('{"a": 1}', as_json=True) == {"a": 1}
    with pytest.raises(InvalidRequest, match="Invalid"):
        parse_pipeline("a: 1", as_json=True)


def test_a_source_lies_under_a_root_however_it_is_reached(tmp_path):
    inside, outside = tmp_path / "roots" / "project", tmp_path / "outside"
    inside.mkdir(parents=True)
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    (outside / "back").symlink_to(inside)
    policy = SourcePolicy((str(tmp_path / "roots"),), str(tmp_path / "roots"))
    assert policy.resolve(str(inside)) == str(inside)
    assert policy.resolve("./project") == str(inside)
    assert policy.resolve(str(outside / "back")) == str(inside)
    for refused in (inside / "link", outside, tmp_path / "roots-2", inside / ".." / ".." / "outside"):
        with pytest.raises(SourceRefused, match="does not lie in a directory"):
            policy.resolve(str(refused))


def test_what_is_no_directory_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for name in ("file", "nothing"):
        with pytest.raises(SourceRefused, match="There is no directory"):
            SourcePolicy((str(tmp_path),)).resolve(str(tmp_path / name))


@pytest.mark.parametrize("source", ["", "src", "../src", "source:1", "~", "https://example.com/x.git", "/a\0b"])
def test_a_source_is_an_absolute_path_or_an_upload(source):
    with pytest.raises(SourceRefused, match="Must be an absolute path"):
        SourcePolicy(("/",)).resolve(source)


SECRET = "x${secrets.KEY}"


@pytest.mark.parametrize(
    ("container", "path"),
    [
        ({"files": {"/workspace/key": SECRET}}, "/workspace/key"),
        ({"working_dir": "/w/", "files": {"/w/../w/key": SECRET}}, "/w/../w/key"),
    ],
)
def test_a_secret_in_a_file_of_the_workspace_is_refused(container, path):
    [(field, message)] = faults(document({"id": "a", "container": container})).items()
    assert field == f'steps[0].container.files["{path}"]'
    assert "put the file elsewhere" in message


def test_a_secret_in_a_shared_file_of_the_workspace_is_refused_once():
    config = {"image": "i", "files": {"/workspace/x/y": SECRET}}
    assert list(faults(document({"id": "a"}, {"id": "b"}, container_config=config))) == [
        'container_config.files["/workspace/x/y"]'
    ]


def test_a_secret_beside_the_workspace_is_taken():
    files = {"/run/key": SECRET, "/workspace/plain": "no secret", "/workspaces": SECRET}
    assert check_pipeline(document({"id": "a", "container": {"files": files}})).secrets


@pytest.mark.parametrize("pattern", ["..", "a/../b", "", "!"])
def test_a_pattern_that_cannot_be_read_is_refused(pattern):
    assert list(faults(document({"id": "a", "sources": [pattern]}))) == ["steps[0].sources[0]"]

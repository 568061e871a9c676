from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.build import (
    EXECUTION_ID,
    WORKFLOW_NAME,
    ContainerFields,
    OutputField,
    Pipeline,
    PipelineStepFields,
    ResourcesFields,
    RetryFields,
    StepFields,
    VolumeFields,
    Workflow,
    always,
    failure,
    secret,
    success,
)
from aiop.spec import check_definition, check_pipeline, parse_json
from aiop.spec.pipeline_schema import PipelineStepDocument
from aiop.spec.schema import (
    ContainerDocument,
    OutputDocument,
    ResourcesDocument,
    RetryDocument,
    StepDocument,
    VolumeDocument,
)


def checked(graph):
    """Take the way of a real document: to JSON, and through the service's checks."""
    check = check_pipeline if isinstance(graph, Pipeline) else check_definition
    return check(parse_json(json.dumps(graph.document()).encode()))


def test_a_document_holds_what_was_said_and_nothing_else():
    flow = Workflow("words", container={"image": "busybox:1"})
    text = flow.input("text", "string", required=True)
    count = flow.step("count", script="wc -w", environment={"TEXT": text})
    flow.step("report", script=f"echo {count.result} words", when=count.result != "0")
    flow.output("words", count.result)

    assert flow.document() == {
        "name": "words",
        "inputs": {"text": {"type": "string", "required": True}},
        "container_config": {"image": "busybox:1"},
        "steps": [
            {"id": "count", "container": {"script": "wc -w", "environment": {"TEXT": "${inputs.text}"}}},
            {
                "id": "report",
                "depends_on": ["count"],
                "when": 'steps.count.outputs.result != "0"',
                "container": {"script": "echo ${steps.count.outputs.result} words"},
            },
        ],
        "outputs": {"words": "${steps.count.outputs.result}"},
    }
    checked(flow)


def dependencies(**fields):
    flow = Workflow("f", container={"image": "busybox"})
    first, second = flow.step("first"), flow.step("second", script="true")
    flow.step("last", **{name: make(first, second) for name, make in fields.items()})
    return flow.document()["steps"][-1].get("depends_on")


def test_whatever_refers_to_a_step_depends_on_it():
    assert dependencies(script=lambda a, _: f"echo {a.result}") == ["first"]
    assert dependencies(command=lambda a, b: ["echo", b.output("x"), a.status]) == ["first", "second"]
    assert dependencies(environment=lambda _, b: {"X": b.exit_code}) == ["second"]
    assert dependencies(inputs=lambda a, _: {"list": [{"deep": a.result}]}) == ["first"]
    assert dependencies(files=lambda a, _: {"/x": a.result.or_else("none")}) == ["first"]
    assert dependencies(when=lambda a, b: (a.exit_code == 0) & ~(b.status == "failed")) == ["first", "second"]
    assert dependencies(when=lambda a, b: a.result == b.result) == ["first", "second"]
    assert dependencies(after=lambda a, b: [b, a]) == ["first", "second"]


def test_what_refers_to_nothing_depends_on_nothing():
    assert dependencies(script=lambda *_: "echo $${steps.first.status} ${HOME}") is None
    assert dependencies(when=lambda *_: "true") is None


def test_conditions_are_those_of_the_language():
    flow = Workflow("f", container={"image": "busybox", "script": "true"})
    limit, dry = flow.input("limit", "number"), flow.input("dry-run", "boolean", default=False)
    loop = flow.input("in", "string", default="")
    a = flow.step("my-step")
    asked = {
        "a": (a.output("n") > limit) | (dry == True),  # noqa: E712 - a condition
        "b": a.status.is_in("failed", "skipped") & (loop != 'a "quoted"\n text'),
        "c": failure() & (EXECUTION_ID != "") & ~success(),
        "d": always(),
        "e": (a.exit_code >= 1) & (a.exit_code <= 2) & (a.exit_code < 3) & (limit == None),  # noqa: E711
    }
    for name, condition in asked.items():
        flow.step(name, when=condition, after=[a])

    texts = {step["id"]: step.get("when") for step in flow.document()["steps"]}
    assert texts["a"] == '(steps["my-step"].outputs.n > inputs.limit) || (inputs["dry-run"] == true)'
    assert texts["b"].startswith('(steps["my-step"].status in ["failed", "skipped"]) && (inputs["in"] != ')
    assert texts["c"] == '((failure()) && (execution.id != "")) && (!(success()))'
    checked(flow)


def test_a_value_that_is_not_known_yet_decides_nothing_in_python():
    step = Workflow("f").step("a")

    for undecided in (step.result, step.result == "x", success()):
        with pytest.raises(TypeError, match="only when the workflow runs"):
            bool(undecided)
    with pytest.raises(TypeError):
        step.result in {"x"}  # noqa: B015
    with pytest.raises(TypeError, match="conditions cannot ask"):
        secret("KEY") == "x"  # noqa: B015
    with pytest.raises(TypeError, match="not with"):
        step.result == ["x"]  # noqa: B015


def test_a_condition_is_no_value():
    flow = Workflow("f")
    flow.step("a", script="true", environment={"X": success()})

    with pytest.raises(TypeError, match="can only be what a step has as `when`"):
        flow.document()


def test_a_slip_is_told_where_it_is_made():
    flow, other = Workflow("f"), Workflow("g")
    flow.step("a")
    flow.input("x")
    flow.output("o", 1)

    with pytest.raises(ValueError, match="there is a step 'a' already"):
        flow.step("a")
    with pytest.raises(ValueError, match="there is an input 'x' already"):
        flow.input("x")
    with pytest.raises(ValueError, match="there is an output 'o' already"):
        flow.output("o", 2)
    with pytest.raises(ValueError, match="'b' cannot come after a, which is not of this graph"):
        flow.step("b", after=[other.step("a")])
    with pytest.raises(ValueError, match="cannot hold '}'"):
        flow.step("c").result.or_fail("no } here")


def test_everything_that_can_be_said_gets_through_the_checks():
    flow = Workflow("all", description="d", container={"image": "busybox"}, fail_fast=True, requires=["gpu"])
    name = flow.input("name", "string", default="x", description="d", sensitive=True)
    a = flow.step(
        "a",
        name="A",
        image="alpine",
        command=["sh", "-c"],
        args=[name],
        environment={"KEY": secret("KEY"), "FLOW": WORKFLOW_NAME},
        volumes=[{"source": "cache", "target": "/cache", "read_only": True}],
        working_dir="/w",
        user="nobody",
        resources={"cpu": 0.5, "memory": "64Mi"},
        network="none",
        files={"/etc/x": "x"},
        pull="always",
        inputs={"n": 1},
        outputs={"report": {"path": "/report", "type": "json", "default": {}, "sensitive": False}},
        retry={"max_attempts": 3, "delay": 1, "backoff": "exponential", "on": ["timeout"], "exit_codes": [1]},
        timeout_seconds=5,
        grace_seconds=1,
        continue_on_error=True,
        requires=["gpu"],
    )
    flow.step("b", script=f"echo {a.output('report').or_fail('no report')}", retries=2, retry_delay=1)
    assert [step.id for step in checked(flow).steps] == ["a", "b"]


def test_a_pipeline_has_sources_and_files_to_hand_out():
    pipeline = Pipeline(container={"image": "gcc:13"})
    build = pipeline.step("build", script="make", sources=["src/", "Makefile"])
    test = pipeline.step("test", script="./program --self-test", after=[build], cache=False)
    pipeline.output("program", "build/program", step=test)

    assert pipeline.document() == {
        "container_config": {"image": "gcc:13"},
        "steps": [
            {"id": "build", "container": {"script": "make"}, "sources": ["src/", "Makefile"]},
            {
                "id": "test",
                "depends_on": ["build"],
                "container": {"script": "./program --self-test"},
                "cache": False,
            },
        ],
        "outputs": [{"name": "program", "path": "build/program", "step": "test"}],
    }
    checked(pipeline)


STRUCTURE = {"id", "depends_on", "container", *ContainerFields.__annotations__}


@pytest.mark.parametrize(
    ("fields", "document", "apart"),
    [
        (StepFields, StepDocument, STRUCTURE),
        (PipelineStepFields, PipelineStepDocument, STRUCTURE),
        (ContainerFields, ContainerDocument, set()),
        (RetryFields, RetryDocument, set()),
        (OutputField, OutputDocument, set()),
        (ResourcesFields, ResourcesDocument, set()),
        (VolumeFields, VolumeDocument, set()),
    ],
)
def test_every_field_of_the_language_can_be_written(fields, document, apart):
    """A field that the language gains is added to ``aiop.build.fields`` in the same change."""
    assert set(fields.__annotations__) - apart == set(document.model_fields) - apart


IDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
WAYS = st.sampled_from(["after", "text", "input", "when"])
TEXTS = st.text(max_size=5).filter(str.isprintable)


@given(data=st.data(), ids=st.lists(IDS, min_size=1, max_size=12, unique=True))
def test_any_graph_comes_through_the_checks_with_just_the_edges_that_were_meant(data, ids):
    flow = Workflow("any", container={"image": "busybox"})
    given_input = flow.input("x")
    steps, expected = [], {}
    for name in ids:
        edges = data.draw(st.lists(st.tuples(WAYS, st.sampled_from(steps)))) if steps else []
        by = {way: [step for each, step in edges if each == way] for way in ("after", "text", "input", "when")}
        condition = always()
        for step in by["when"]:
            condition |= step.status == data.draw(TEXTS)
        steps.append(
            flow.step(
                name,
                after=by["after"],
                script=f"echo {given_input} " + " ".join(str(step.result) for step in by["text"]),
                inputs={f"i{number}": [step.exit_code] for number, step in enumerate(by["input"])},
                when=condition,
            )
        )
        expected[name] = {step.id for _, step in edges}

    definition = checked(flow)

    assert {step.id: set(step.depends_on) for step in definition.steps} == expected

"""What an engine is told of secrets."""

from aiop.model.definition import Container, Step
from aiop.model.ids import StepId
from aiop.orchestrator.container import container_run
from aiop.spec import RenderedStep, VolumePolicy

SECRET = "correct-horse"


def run(hidden, **given):
    rendered = RenderedStep(
        image="busybox", command=None, args=None, working_dir=None, user=None, volumes=(), output_paths={}, inputs={},
        **{"environment": {}, "files": {}, **given},
    )  # fmt: skip
    step = Step(id=StepId("s"), name="s", container=Container(image="busybox"))
    return container_run(
        step, rendered, beneath={}, registry=None, volumes=VolumePolicy(()), credentials=None, hidden=hidden
    )


def test_variables_and_files_that_hold_a_secret_are_named():
    made = run(
        (SECRET,),
        environment={"TOKEN": SECRET, "HEADER": f"Bearer {SECRET}", "PLAIN": "x"},
        files={"/key": f"key={SECRET}\n".encode(), "/plain": b"x"},
    )
    assert made.secret_environment == {"TOKEN", "HEADER"}
    assert made.secret_files == {"/key"}


def test_what_is_short_enough_to_be_anywhere_by_chance_names_nothing():
    assert run(("1", ""), environment={"PORT": "8123"}).secret_environment == frozenset()


def test_without_secrets_nothing_is_named():
    assert run((), environment={"PLAIN": "x"}).secret_environment == frozenset()

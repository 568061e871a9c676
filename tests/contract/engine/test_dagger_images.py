"""Images on a Dagger Engine: those without a shell, and those that cannot be had."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aiop.engines.dagger import DaggerEngine
from aiop.errors import ImageRefused, RegistryUnavailable
from aiop.model.definition import PullPolicy
from aiop.model.run import ContainerRun
from aiop.model.state import Reason
from contract.engine.subject import DaggerSubject, Output
from dagger_lab import DaggerLab

pytestmark = pytest.mark.dagger


@pytest.fixture
async def subject(dagger_lab: DaggerLab, tmp_path: Path) -> AsyncIterator[DaggerSubject]:
    made = DaggerSubject(dagger_lab, directory=tmp_path)
    yield made
    await made.aclose()


# --- without a shell ----------------------------------------------------------------------------------------


@pytest.fixture
async def shell_less(subject: DaggerSubject) -> str:
    """An image with one program, ``/busybox``."""
    assert isinstance(subject.engine, DaggerEngine)
    session = await subject.engine._sessions.current()
    program = session.client.container().from_(subject.image).file("/bin/busybox")
    repository = subject.image.rpartition(":")[0]
    return await session.client.container().with_file("/busybox", program).publish(f"{repository}-without-shell:1")


def without_shell(subject: DaggerSubject, image: str, text: str, **more: object) -> ContainerRun:
    return replace(subject.run(text, **more), image=image, command=("/busybox", "sh", "-c", text))


async def test_an_image_without_a_shell_has_its_code_output_and_declared_outputs(
    subject: DaggerSubject, shell_less: str
) -> None:
    text = "echo out; echo err >&2; echo made >/made; exit 3"
    output = Output()
    run = without_shell(subject, shell_less, text, output_paths={"made": "/made", "none": "/none"})
    outcome = await subject.outcome(run, output)
    assert (outcome.exit_code, output.stdout, output.stderr) == (3, b"out\n", b"err\n")
    assert {name: file.content for name, file in outcome.outputs.items()} == {"made": b"made\n"}


async def test_an_image_without_a_shell_has_what_it_wrote_at_aiop_output(
    subject: DaggerSubject, shell_less: str
) -> None:
    outcome = await subject.outcome(without_shell(subject, shell_less, "echo x=1 >$AIOP_OUTPUT"))
    assert outcome.output_file is not None
    assert outcome.output_file.content == b"x=1\n"


async def test_a_command_without_a_shell_that_is_killed_has_its_code_and_its_output(
    subject: DaggerSubject, shell_less: str
) -> None:
    output = Output()
    outcome = await subject.outcome(without_shell(subject, shell_less, "echo up; kill -9 $$"), output)
    assert (outcome.exit_code, outcome.reason, output.stdout) == (137, Reason.EXIT_CODE, b"up\n")


async def test_what_has_no_shell_is_killed_when_it_is_stopped_and_keeps_the_output_that_was_seen(
    subject: DaggerSubject, shell_less: str
) -> None:
    key, output = subject.key(), Output()
    await subject.engine.start(key, without_shell(subject, shell_less, "echo up; sleep 1000"), output)
    await output.shows(b"up\n")
    await subject.engine.stop(key, grace=timedelta(hours=1))
    outcome = await subject.engine.wait(key)
    assert (outcome.exit_code, outcome.reason, output.stdout) == (137, Reason.EXIT_CODE, b"up\n")


# --- not to be had ------------------------------------------------------------------------------------------


async def test_an_image_that_is_not_there_is_refused(subject: DaggerSubject) -> None:
    image = subject.image.rpartition(":")[0] + ":no-such-tag"
    with pytest.raises(ImageRefused):
        await subject.engine.resolve(image, pull=PullPolicy.MISSING, credentials=None)


async def test_a_registry_that_is_not_there_may_come_back(subject: DaggerSubject) -> None:
    with pytest.raises(RegistryUnavailable):
        await subject.engine.resolve("127.0.0.1:1/x:1", pull=PullPolicy.MISSING, credentials=None)

"""The workspace: a container sees the stack, and its layer holds what it changed, however the engine does that."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from aiop.artifacts import LocalArtifacts
from aiop.engines.fake import FakeEngine
from aiop.model.ids import LayerId
from aiop.runtime.clock import SystemClock
from contract.engine.conftest import FAKE_CAPABILITIES
from contract.engine.subject import (
    DaggerSubject,
    DockerSubject,
    FakeSubject,
    KubernetesSubject,
    OciSubject,
    Output,
    Subject,
    needs,
    needs_real_containers,
)
from contract.engine.workshop import TARGET, Workshop
from trees import Shape, details, plant, seen

WAYS = [
    "fake",
    pytest.param("mount", marks=pytest.mark.docker),
    pytest.param("copy", marks=pytest.mark.docker),
    pytest.param("dagger", marks=pytest.mark.dagger),
    pytest.param("kubernetes", marks=pytest.mark.kubernetes),
    pytest.param("oci", marks=pytest.mark.oci),
]


@pytest.fixture(params=WAYS)
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Workshop]:
    made: Subject
    if request.param == "fake":
        made = FakeSubject(lambda world: FakeEngine(world, capabilities=FAKE_CAPABILITIES), directory=tmp_path)
    elif request.param == "dagger":
        made = DaggerSubject(request.getfixturevalue("dagger_lab"), directory=tmp_path)
    elif request.param == "kubernetes":
        made = KubernetesSubject(request.getfixturevalue("kubernetes_lab"), directory=tmp_path)
    elif request.param == "oci":
        made = OciSubject(request.getfixturevalue("oci_lab"), directory=tmp_path)
    else:
        lab = request.getfixturevalue("docker_lab")
        made = DockerSubject(lab.endpoint, image=lab.image, directory=tmp_path, mounts=request.param == "mount")
    artifacts = LocalArtifacts(tmp_path / "artifacts", SystemClock())
    await artifacts.open()
    yield Workshop(made, artifacts, request.param)
    await made.aclose()
    await artifacts.aclose()


@pytest.fixture
def real(shop: Workshop) -> Workshop:
    """The same where things really run."""
    needs_real_containers(shop.subject, "owners, modes and links of files are nothing that it changes")
    return shop


async def test_a_step_sees_the_source_and_what_the_steps_before_it_changed(shop: Workshop) -> None:
    await shop.start_from({"kept": "source\n", "d/changed": "old\n", "gone": "x"})
    first = await shop.step("echo new > d/changed; rm gone; echo made > d/made")
    output = Output()
    key = shop.subject.key()
    run = await shop.prepare(key, "cat kept d/changed /workspace/d/made; test -f gone || echo gone", first.id)
    await shop.run(key, run, output)
    assert output.stdout == b"source\nnew\nmade\ngone\n"


async def test_a_layer_holds_what_was_changed_and_nothing_else(shop: Workshop) -> None:
    await shop.start_from({"kept": "1\n", "d/changed": "2\n", "d/same": "3\n", "gone": "4"})
    layer = await shop.step("echo new > d/changed; echo 3 > d/same; rm gone; cat kept > copy; echo x > tmp; rm tmp")
    assert shop.changes(layer) == {"d": "(directory)", "d/changed": "new\n", "gone": "(removed)", "copy": "1\n"}


async def test_a_step_that_changes_nothing_has_the_digest_of_nothing(shop: Workshop) -> None:
    await shop.start_from({"f": "1\n"})
    one, other = await shop.step("cat f"), await shop.step("echo 1 > f")
    assert one.digest == other.digest
    assert shop.changes(other) == {}


async def test_steps_side_by_side_do_not_see_each_other(shop: Workshop) -> None:
    await shop.start_from({"f": "1"})
    left = await shop.step("echo left > left")
    right = await shop.step("test -f left || echo alone > right")
    assert seen(shop.shows(left.id, right.id)) == {"f": "1", "left": "left\n", "right": "alone\n"}


async def test_without_a_source_the_workspace_is_empty_at_first(shop: Workshop) -> None:
    layer = await shop.step("echo made > made")
    assert shop.changes(layer) == {"made": "made\n"}


async def test_the_source_and_the_layers_below_stay_as_they_are(shop: Workshop) -> None:
    await shop.start_from({"f": "source\n"})
    first = await shop.step("echo first > g")
    before = details(shop.shows(first.id))
    await shop.step("echo over > f; echo over > g; rm f", first.id)
    assert details(shop.shows(first.id)) == before


async def test_files_are_put_into_the_workspace_too(shop: Workshop) -> None:
    await shop.start_from({"d/f": "1"})
    layer = await shop.step("cat d/put", files={f"{TARGET}/d/put": b"put\n"})
    assert shop.changes(layer)["d/put"] == "put\n"


async def test_outputs_can_be_declared_in_the_workspace(shop: Workshop) -> None:
    await shop.start_from({"d/f": "1"})
    key = shop.subject.key()
    paths = {"made": f"{TARGET}/d/made", "source": f"{TARGET}/d/f"}
    outcome = await shop.run(key, await shop.prepare(key, "echo made > d/made", output_paths=paths))
    assert {name: file.content for name, file in outcome.outputs.items()} == {"made": b"made\n", "source": b"1"}


async def test_an_engine_that_keeps_results_gives_their_changes_too(shop: Workshop) -> None:
    if shop.way != "dagger":
        pytest.skip("only Dagger keeps results itself; what the service keeps has tests of its own")
    await shop.start_from({"f": "1\n"})
    cache_key, layers = str(uuid4()), []
    for _ in range(2):
        key = shop.subject.key()
        run = await shop.prepare(key, "cat f /proc/sys/kernel/random/uuid > g")
        assert (await shop.run(key, replace(run, cache_key=cache_key))).succeeded
        layers.append(await shop.artifacts.seal(key))
    assert shop.changes(layers[0]) == shop.changes(layers[1])
    assert shop.changes(layers[0])["g"].startswith("1\n")


async def test_a_stopped_step_leaves_its_layer_too(shop: Workshop) -> None:
    needs(shop.subject, "graceful_stop")
    needs_real_containers(shop.subject, "what a stopped command has changed is what a script says")
    await shop.start_from({"f": "1"})
    key, output = shop.subject.key(), Output()
    await shop.subject.engine.start(key, await shop.prepare(key, "echo 2 > g; echo up; sleep infinity"), output)
    waiting = asyncio.create_task(shop.subject.engine.wait(key))
    await output.shows(b"up\n")
    await shop.subject.engine.stop(key, grace=timedelta(seconds=20))
    assert (await waiting).exit_code == 143
    assert shop.changes(await shop.artifacts.seal(key)) == {"g": "2\n"}


async def test_a_failed_step_leaves_its_layer_too(shop: Workshop) -> None:
    await shop.start_from({"f": "1"})
    key = shop.subject.key()
    outcome = await shop.run(key, await shop.prepare(key, "echo made > made; exit 3"))
    assert outcome.exit_code == 3
    assert shop.changes(await shop.artifacts.seal(key)) == {"made": "made\n"}


async def test_a_layer_is_whole_for_the_service_that_adopts_the_container(shop: Workshop) -> None:
    needs(shop.subject, "reattach")
    await shop.start_from({"f": "1"})
    key = shop.subject.key()
    gated, release = shop.subject.gated()
    assert gated.command is not None
    text = "echo late > late" if shop.way == "fake" else gated.command[2].replace("exit 0", "echo late > late")
    run = await shop.prepare(key, text, mounts=gated.mounts)
    await shop.subject.engine.start(key, run, Output())
    await shop.subject.engine.aclose()
    if shop.way != "fake":
        release()
    engine = shop.subject.restarted()
    again = await shop.prepare(key, text, mounts=gated.mounts)
    assert again == run
    for _ in range(2):
        # The second time is that of a service that died between the end and its commit.
        await engine.adopt(key, again, Output())
        assert (await engine.wait(key)).succeeded
        assert shop.changes(await shop.artifacts.seal(key)) == {"late": "late\n"}
    await engine.remove(key)


# --- where things really run --------------------------------------------------------------------------------


async def test_any_user_can_change_the_source_and_make_files(real: Workshop) -> None:
    await real.start_from({"d/f": "1\n", "run.sh": "#!/bin/sh\n"})
    (real.subject.directory / "source" / "run.sh").chmod(0o744)
    await real.start_from({})
    text = "echo 2 >> d/f; echo made > d/made; mkdir new; mv run.sh new/; ./new/run.sh; rm d/f"
    layer = await real.step(text, user="1000:1000")
    assert seen(real.shows(layer.id)) == {"d": None, "d/made": "made\n", "new": None, "new/run.sh": "#!/bin/sh\n"}


async def test_what_the_image_has_at_the_mount_point_is_not_seen(real: Workshop) -> None:
    key = real.subject.key()
    workspace = await real.artifacts.prepare(key, source=None, layers=[], target="/etc")
    run = replace(real.subject.run("ls -A /etc | grep -v -e hosts -e hostname -e resolv.conf -e mtab || true"))
    output = Output()
    await real.run(key, replace(run, workspace=workspace), output)
    assert output.stdout == b""


D: Shape = {"d": None, "d/a": "2", "d/s": None, "d/s/b": "3"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rm -r d; mkdir d; echo new > d/new", {"f": "1", "d": None, "d/new": "new\n"}),
        ("mv d e", {"f": "1", "e": None, "e/a": "2", "e/s": None, "e/s/b": "3"}),
        ("rm -r d; echo file > d", {"f": "1", "d": "file\n"}),
        ("rm f; mkdir f; echo in > f/in", {"f": None, "f/in": "in\n", **D}),
        ("ln -s /etc/passwd l; ln -sf d/a f", {"f": "-> d/a", "l": "-> /etc/passwd", **D}),
        ("rm -r d; ln -s f d", {"f": "1", "d": "-> f"}),
        ("ln d/a hard; echo more >> hard", {"f": "1", "hard": "2more\n", **D, "d/a": "2more\n"}),
        ("ln d/a hard", {"f": "1", "hard": "2", **D}),
        ("rm -r d; mkdir -p d/s; printf 3 > d/s/b", {"f": "1", "d": None, "d/s": None, "d/s/b": "3"}),
        ("mkfifo p; rm f; mkfifo f", D),
        ("mkdir empty; rm -r d/s", {"f": "1", "empty": None, "d": None, "d/a": "2"}),
    ],
)  # fmt: skip
async def test_what_a_step_does_to_files_is_what_the_next_one_sees(real: Workshop, text: str, expected: Shape) -> None:
    await real.start_from({"f": "1", "d/a": "2", "d/s/b": "3"})
    layer = await real.step(text)
    assert seen(real.shows(layer.id)) == expected
    output, key = Output(), real.subject.key()
    await real.run(key, await real.prepare(key, "find . ! -name . | sort", layer.id), output)
    assert output.stdout.decode().split() == sorted(f"./{path}" for path in expected)


async def test_modes_and_owners_are_those_that_a_step_gave(real: Workshop) -> None:
    if os.geteuid() != 0:
        pytest.skip("who is not root cannot give files to others, and the tests of CI are root's")
    await real.start_from({"d/f": "1", "g": "2"})
    layer = await real.step(
        "chmod 640 g; chown 7:8 d; chmod 711 d; umask 077; echo x > new; chmod 4755 new; chmod 751 ."
    )
    output, key = Output(), real.subject.key()
    run = await real.prepare(key, "stat -c '%n %a %u:%g' g d d/f new .", layer.id)
    await real.run(key, run, output)
    assert output.stdout.decode().splitlines() == [
        "g 640 0:0", "d 711 7:8", "d/f 666 0:0", "new 4755 0:0", ". 751 0:0",
    ]  # fmt: skip


async def test_equal_files_can_be_copied_and_moved_over_each_other(real: Workshop) -> None:
    await real.start_from({"a": "same", "b": "same", "c": "same"})
    layer = await real.step("cp a b && mv b c && ls")
    assert seen(real.shows(layer.id)) == {"a": "same", "c": "same"}


async def test_many_layers_fit_into_one_workspace(real: Workshop) -> None:
    await real.start_from({"f": "0", "d/x": "x"})
    layers: list[LayerId] = []
    for number in range(150):
        key = real.subject.key()
        workspace = await real.artifacts.prepare(key, source=real.source, layers=layers, target=TARGET)
        if number % 10 == 0:
            plant(Path(workspace.upper), {f"d/{number}": f"{number}"})
        plant(Path(workspace.upper), {"f": f"{number}"})
        layers.append((await real.artifacts.seal(key)).id)
    output, key = Output(), real.subject.key()
    run = await real.prepare(key, "cat f; ls d | wc -l; rm d/140", *layers)
    assert await real.run(key, run, output)
    assert output.stdout.decode().split() == ["14916"]


async def test_what_another_user_does_not_touch_is_no_change(real: Workshop) -> None:
    await real.start_from({"d/f": "1\n", "g": "2\n"})
    layer = await real.step("cat d/f > made", user="1000:1000")
    assert real.changes(layer) == {"made": "1\n"}
    # Nor in what another user's step made.
    above = await real.step("cat made > again", layer.id, user="2000:2000")
    assert real.changes(above) == {"again": "1\n"}

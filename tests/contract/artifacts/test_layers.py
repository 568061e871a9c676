"""Layers: prepared for a container, sealed after it, whole or lost."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from aiop.artifacts import LocalArtifacts
from aiop.errors import ArtifactLost
from aiop.interfaces import Artifacts
from aiop.model.artifacts import Layer
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, StepId, StepKey
from aiop.model.run import Workspace
from aiop.overlay import Stack
from trees import Shape, details, plant, raw, seen
from unit.artifacts.conftest import StillClock

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")


def key(step: str = "step", attempt: int = 1) -> StepKey:
    return StepKey(ExecutionId("0190163d-8694-739b-aea5-966c26f8ad91"), StepId(step), attempt=attempt)


async def source(artifacts: Artifacts, tmp_path: Path, shape: Shape) -> SnapshotId:
    return (await artifacts.snapshot(str(plant(tmp_path / "source", shape)))).id


async def step(artifacts: Artifacts, name: str, shape: Shape, *below: LayerId, on: SnapshotId | None = None) -> Layer:
    """Make a layer that holds ``shape``."""
    workspace = await artifacts.prepare(key(name), source=on, layers=below, target="/w")
    plant(Path(workspace.upper), shape)
    return await artifacts.seal(key(name))


def test_every_attempt_has_a_layer_of_its_own_with_a_short_name() -> None:
    keys = [key(), key("other"), key(attempt=2), StepKey(ExecutionId("x"), StepId("step")), StepKey(*"ab", index=1)]
    assert len({each.layer for each in keys}) == len(keys)
    assert {len(each.layer) for each in keys} == {16}


async def test_a_workspace_is_stacked_of_the_source_and_the_layers_in_order(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    on = await source(artifacts, tmp_path, {"f": "source", "g": "source"})
    one = await step(artifacts, "one", {"f": "one", "x": "one"}, on=on)
    two = await step(artifacts, "two", {"f": "two"}, on=on)
    workspace = await artifacts.prepare(key(), source=on, layers=[one.id, two.id], target="/w")
    assert workspace.target == "/w"
    assert seen(Stack(workspace.lowers)) == {"f": "two", "g": "source", "x": "one"}
    assert list(Path(workspace.upper).iterdir()) == []
    assert all(Path(path).resolve() == Path(path) for path in (*workspace.lowers, workspace.upper, workspace.work))


async def test_preparing_again_gives_the_same_and_keeps_what_was_written(artifacts: Artifacts, tmp_path: Path) -> None:
    on = await source(artifacts, tmp_path, {"f": "source"})
    first = await artifacts.prepare(key(), source=on, layers=[], target="/w")
    plant(Path(first.upper), {"made": "1"})
    assert await artifacts.prepare(key(), source=on, layers=[], target="/w") == first
    assert raw(Path(first.upper)) == {"made": "1"}
    with pytest.raises(RuntimeError, match="something else"):
        await artifacts.prepare(key(), source=None, layers=[], target="/w")


async def test_a_layer_that_is_not_sealed_or_not_there_cannot_be_built_on(artifacts: Artifacts) -> None:
    await artifacts.prepare(key("open"), source=None, layers=[], target="/w")
    for layer in (key("open").layer, key("none").layer):
        with pytest.raises(ArtifactLost):
            await artifacts.layer(layer)
        with pytest.raises(ArtifactLost):
            await artifacts.prepare(key(), source=None, layers=[layer], target="/w")
    with pytest.raises(ArtifactLost):
        await artifacts.seal(key("none"))


async def test_sealing_again_gives_the_same(artifacts: Artifacts) -> None:
    layer = await step(artifacts, "step", {"f": "12", "d/g": "345"})
    assert layer.size == 5
    assert await artifacts.seal(key()) == layer == await artifacts.layer(layer.id)


@pytest.mark.parametrize(
    "other",
    [
        {"f": "2", "d/g": "2", "l": "-> f"},
        {"g": "1", "d/g": "2", "l": "-> f"},
        {"f": "1", "d/g": "2", "l": "-> g"},
        {"f": "1", "d/g": "2", "l": "f"},
        {"f": "1", "d/g": "2", "l": "-> f", "e": None},
        {"f": "1", "dg": "2", "l": "-> f"},
        {"f": "1", "l": "-> f", "d": None},
    ],
)
async def test_other_changes_have_other_digests(artifacts: Artifacts, other: Shape) -> None:
    one = await step(artifacts, "one", {"f": "1", "d/g": "2", "l": "-> f"})
    assert (await step(artifacts, "two", other)).digest != one.digest


async def test_equal_changes_have_equal_digests_whatever_the_times_and_what_lies_below(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    on = await source(artifacts, tmp_path, {"x": "below"})
    one = await step(artifacts, "one", {"f": "1", "d/g": "2"})
    workspace = await artifacts.prepare(key("two"), source=on, layers=[], target="/w")
    for path in sorted(plant(Path(workspace.upper), {"d/g": "2", "f": "1"}).rglob("*")):
        os.utime(path, (1, 1))
    assert (await artifacts.seal(key("two"))).digest == one.digest


async def test_modes_count_in_a_digest(artifacts: Artifacts) -> None:
    one = await step(artifacts, "one", {"f": "1"})
    for mode in (0o600, 0o755, 0o4755):
        workspace = await artifacts.prepare(key(f"m{mode}"), source=None, layers=[], target="/w")
        plant(Path(workspace.upper), {"f": "1"}).joinpath("f").chmod(mode)
        assert (await artifacts.seal(key(f"m{mode}"))).digest != one.digest


@needs_root
async def test_owners_count_in_a_digest(artifacts: Artifacts) -> None:
    one = await step(artifacts, "one", {"f": "1"})
    workspace = await artifacts.prepare(key("two"), source=None, layers=[], target="/w")
    os.chown(plant(Path(workspace.upper), {"f": "1"}) / "f", 5, 6)
    assert (await artifacts.seal(key("two"))).digest != one.digest


async def test_any_user_may_write_in_a_workspace_unless_a_step_took_that_right(artifacts: Artifacts) -> None:
    def mode(workspace: Workspace) -> int:
        return stat.S_IMODE(Path(workspace.upper).stat().st_mode)

    workspace = await artifacts.prepare(key("one"), source=None, layers=[], target="/w")
    assert mode(workspace) == 0o777
    Path(workspace.upper).chmod(0o750)
    one = await artifacts.seal(key("one"))
    assert mode(await artifacts.prepare(key("two"), source=None, layers=[one.id], target="/w")) == 0o750


@needs_root
async def test_more_layers_than_a_mount_takes_are_squashed_and_show_the_same(
    service: LocalArtifacts, tmp_path: Path
) -> None:
    on = await source(service, tmp_path, {"f": "source", "d/x": "x", "e/y": "y"})
    layers: list[LayerId] = []
    for number in range(130):
        name = f"s{number}"
        workspace = await service.prepare(key(name), source=on, layers=layers, target="/w")
        upper = plant(Path(workspace.upper), {"f": name, f"d/{number % 40}": name, f"only-{number}": ""})
        if number % 7 == 0:
            os.mknod(upper / "e", stat.S_IFCHR, 0)
        elif number % 7 == 3:
            plant(upper, {"e/y": name})
        layers.append((await service.seal(key(name))).id)
        options = [*workspace.lowers, workspace.upper, workspace.work]
        assert sum(len(path) + 1 for path in options) < 4096 - 200
    full = Stack(service._layers.lowers(on, layers))
    assert details(Stack((await service.prepare(key(), source=on, layers=layers, target="/w")).lowers)) == details(full)
    # A neighbour in the chain shares the squashes.
    squashed = set(service._disk.squashed.iterdir())
    await service.prepare(key("next"), source=on, layers=layers[:-1], target="/w")
    assert set(service._disk.squashed.iterdir()) == squashed
    # They go with the layers that they are made of.
    service._layers.delete(layers[0])
    assert set(service._disk.squashed.iterdir()) < squashed


# --- the machine goes down ----------------------------------------------------------------------------------


@pytest.fixture
def power(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file that names the time since the machine went up."""
    file = tmp_path / "boot"
    file.write_text("first")
    monkeypatch.setattr("aiop.artifacts.layers._BOOT", file)
    return file


async def test_a_layer_that_was_open_when_the_machine_went_down_is_lost(artifacts: Artifacts, power: Path) -> None:
    workspace = await artifacts.prepare(key(), source=None, layers=[], target="/w")
    plant(Path(workspace.upper), {"f": "half"})
    power.write_text("second")
    await artifacts.prepare(key(), source=None, layers=[], target="/w")
    with pytest.raises(ArtifactLost, match="went down"):
        await artifacts.seal(key())


async def test_a_layer_that_nothing_was_written_to_before_is_as_good_as_new(artifacts: Artifacts, power: Path) -> None:
    await artifacts.prepare(key(), source=None, layers=[], target="/w")
    power.write_text("second")
    workspace = await artifacts.prepare(key(), source=None, layers=[], target="/w")
    plant(Path(workspace.upper), {"f": "1"})
    assert (await artifacts.seal(key())).size == 1


async def test_a_sealed_layer_outlives_the_machine_s_end(artifacts: Artifacts, power: Path) -> None:
    layer = await step(artifacts, "one", {"f": "1"})
    power.write_text("second")
    assert await artifacts.seal(key("one")) == layer
    await artifacts.prepare(key(), source=None, layers=[layer.id], target="/w")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"boot": '])
async def test_notes_that_a_power_cut_left_half_written_are_none(artifacts: Artifacts, content: bytes) -> None:
    workspace = await artifacts.prepare(key(), source=None, layers=[], target="/w")
    Path(workspace.upper).parent.joinpath("p").write_bytes(content)
    with pytest.raises(ArtifactLost):
        await artifacts.seal(key())


async def test_the_same_directory_serves_the_service_after_its_restart(
    service: LocalArtifacts, tmp_path: Path, clock: StillClock
) -> None:
    on = await source(service, tmp_path, {"f": "1"})
    layer = await step(service, "one", {"g": "2"}, on=on)
    workspace = await service.prepare(key(), source=on, layers=[layer.id], target="/w")
    plant(service._disk.drafts, {"left/over": "x"})
    again = LocalArtifacts(tmp_path / "artifacts", clock, grace=timedelta(0))
    await again.open()
    assert list(again._disk.drafts.iterdir()) == []
    assert await again.layer(layer.id) == layer
    assert await again.prepare(key(), source=on, layers=[layer.id], target="/w") == workspace
    await again.aclose()

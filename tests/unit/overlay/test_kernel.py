"""The kernel's overlays and ours show the same, whatever steps do in them. Needs root, for mounting."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aiop.overlay import Stack, holes, pack, phantoms, settle, squash, unpack_changes
from changes import Change, changes, shapes
from docker_lab import missing
from trees import MEMORY, Shape, details, plant, raw

unhurried = settings(suppress_health_check=[HealthCheck.too_slow])
OPTIONS = "index=off,metacopy=off,redirect_dir=off"


MADE = [Change("mkdir", "a", ""), Change("write", "a/b", "x")]
ANEW = [Change("replace", "a", ""), Change("mkdir", "a/b", "")]
"""What was in ``a/b`` is hidden by a mark on ``a``."""


@pytest.fixture(scope="module", autouse=True)
def overlays() -> None:
    if os.geteuid() != 0:
        missing("docker", "only root can mount an overlay")


class Place:
    """Layers on the disk, and mounts of them."""

    def __init__(self, root: Path, shape: Shape) -> None:
        self.root = root
        self.layers = [str(plant(root / "source", shape))]
        os.chmod(self.layers[0], 0o777)  # noqa: PTH101 - a string

    @contextmanager
    def mounted(self, lowers: Sequence[str], name: str) -> Iterator[tuple[Path, Path]]:
        """Mount an empty layer on others: where it is seen, and the layer."""
        upper, work, merged = (self.root / f"{name}-{part}" for part in ("u", "w", "m"))
        for directory in (upper, work, merged):
            directory.mkdir()
        upper.chmod(0o777)
        stacked = ":".join(lowers)
        options = f"lowerdir={stacked},upperdir={upper},workdir={work},{OPTIONS}"
        if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, merged], check=False).returncode:
            missing("docker", "this machine cannot mount an overlay")
        try:
            yield merged, upper
        finally:
            subprocess.run(["umount", merged], check=True)

    def step(self, actions: Sequence[Change], name: str, lowers: Sequence[str] | None = None) -> tuple[Path, dict]:
        """Do the actions in an overlay; returns the layer and what was seen at the end."""
        with self.mounted(lowers or self.layers, name) as (merged, upper):
            for action in actions:
                action.do(merged)
            return upper, details(Stack([str(merged)]))


@contextmanager
def a_place(shape: Shape) -> Iterator[Place]:
    root = Path(tempfile.mkdtemp(dir=MEMORY))
    try:
        yield Place(root, shape)
    finally:
        shutil.rmtree(root)


@settings(unhurried, max_examples=40)
@given(shape=shapes(), steps=st.lists(changes, min_size=1, max_size=3))
@example(shape={"a/b/c": "one"}, steps=[ANEW])
def test_what_a_stack_shows_is_what_a_plain_copy_with_the_same_changes_is(
    shape: Shape, steps: list[list[Change]]
) -> None:
    with a_place(shape) as place:
        before = plant(place.root / "plain", shape)
        for number, actions in enumerate(steps):
            # Copied for each step: two names of one file are two files for the step that comes next.
            plain = Path(shutil.copytree(before, place.root / f"plain-{number}", symlinks=True))
            before = plain
            for action in actions:
                action.do(plain)
            upper, merged = place.step(actions, str(number))
            assert merged == details(Stack([str(plain)]))
            assert details(Stack([str(upper), *place.layers])) == merged
            settle(str(upper), place.layers, str(place.root / "scratch"))
            assert details(Stack([str(upper), *place.layers])) == merged
            place.layers.insert(0, str(upper))
            with place.mounted(place.layers, f"look-{number}") as (seen, _):
                assert details(Stack([str(seen)])) == merged


@settings(unhurried, max_examples=30)
@given(shape=shapes(), actions=changes)
@example(shape={"a/b/c": "one"}, actions=ANEW)
def test_a_copy_makes_the_same_layer_as_a_mount(shape: Shape, actions: list[Change]) -> None:
    with a_place(shape) as place:
        upper, _ = place.step(actions, "0")
        settle(str(upper), place.layers, str(place.root / "scratch"))
        copy, copied = place.root / "copy", place.root / "copied"
        archive = place.root / "in.tar"
        with archive.open("wb") as file:
            file.writelines(pack(Stack(place.layers), "in"))
        subprocess.run(["tar", "-xpf", archive, "-C", place.root], check=True)
        (place.root / "in").rename(copy)
        for action in actions:
            action.do(copy)
        subprocess.run(["tar", "-cf", archive, "--format=pax", "-C", place.root, "copy"], check=True)
        copied.mkdir()
        with archive.open("rb") as file:
            unpack_changes(file, "copy", str(copied), place.layers)
        settle(str(copied), place.layers, str(place.root / "scratch"))
        assert raw(copied) == raw(upper)
        assert details(Stack([str(copied), *place.layers])) == details(Stack([str(upper), *place.layers]))


@settings(unhurried, max_examples=30)
@given(shape=shapes(), steps=st.lists(changes, min_size=2, max_size=4), settled=st.booleans())
@example(shape={}, steps=[MADE, [Change("remove", "a/b", "")]], settled=True)
def test_a_squash_takes_the_place_of_its_layers(shape: Shape, steps: list[list[Change]], settled: bool) -> None:
    with a_place(shape) as place:
        source = place.layers[0]
        for number, actions in enumerate(steps):
            upper, _ = place.step(actions, str(number))
            if settled:
                settle(str(upper), place.layers, str(place.root / "scratch"))
            place.layers.insert(0, str(upper))
        into = place.root / "squashed"
        into.mkdir()
        squash(place.layers[:-1], [source], str(into))
        expected = details(Stack(place.layers))
        assert details(Stack([str(into), source])) == expected
        with place.mounted([str(into), source], "look") as (seen, _):
            assert details(Stack([str(seen)])) == expected


@settings(unhurried, max_examples=30)
@given(shape=shapes(), left=changes, right=changes)
@example(shape={"a/b": "one", "a/c": ""}, left=[Change("remove", "a", "")], right=[Change("replace", "a", "")])
def test_settled_layers_of_steps_side_by_side_hide_only_what_they_removed(
    shape: Shape, left: list[Change], right: list[Change]
) -> None:
    """What one of them made and the other never saw is still there, unless the other put something in its way."""
    with a_place(shape) as place:
        uppers = []
        for name, actions in (("left", left), ("right", right)):
            upper, _ = place.step(actions, name)
            settle(str(upper), place.layers, str(place.root / "scratch"))
            uppers.append(upper)
        both = Stack([str(uppers[1]), str(uppers[0]), *place.layers])
        shown, above, below = details(both), raw(uppers[1]), raw(uppers[0])
        for path, text in below.items():
            ways = [path[:at] for at in range(1, len(path) + 1) if path[at : at + 1] in ("/", "")]
            if text != "(removed)" and all(above.get(way, "(directory)") == "(directory)" for way in ways):
                assert path in shown
        layers = [str(uppers[1]), str(uppers[0])]
        if phantoms(holes(layers[0]), [layers[1], *place.layers]):
            (place.root / "squashed").mkdir()
            squash(layers, place.layers, str(place.root / "squashed"))
            layers = [str(place.root / "squashed")]
        with place.mounted([*layers, *place.layers], "look") as (seen, _):
            assert details(Stack([str(seen)])) == shown


@settings(unhurried, max_examples=40)
@given(shape=shapes(), actions=changes, stop=st.integers(0, 30))
def test_settling_can_be_broken_off_anywhere_and_repeated(shape: Shape, actions: list[Change], stop: int) -> None:
    class PowerCutError(BaseException):
        pass

    with a_place(shape) as place, pytest.MonkeyPatch.context() as patch:
        upper, merged = place.step(actions, "0")
        other, _ = place.step(actions, "1")
        settle(str(other), place.layers, str(place.root / "scratch"))
        left = stop

        def cutting(call):  # type: ignore[no-untyped-def]
            def wrapped(*arguments, **options):  # type: ignore[no-untyped-def]
                nonlocal left
                left -= 1
                if left < 0:
                    raise PowerCutError
                return call(*arguments, **options)

            return wrapped

        with patch.context() as cut:
            for name in ("unlink", "mknod", "rmdir", "rename", "removexattr"):
                cut.setattr(os, name, cutting(getattr(os, name)))
            with suppress(PowerCutError):
                settle(str(upper), place.layers, str(place.root / "scratch"))
        assert details(Stack([str(upper), *place.layers])) == merged
        settle(str(upper), place.layers, str(place.root / "scratch-2"))
        assert raw(upper) == raw(other)

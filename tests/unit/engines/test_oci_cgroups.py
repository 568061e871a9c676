"""What is left of limits, on a machine with control groups of version 1."""

from pathlib import Path

import pytest

from aiop.engines.oci.cgroups import Cgroups

CONTROLLERS = ("cpu", "memory", "pids")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in CONTROLLERS:
        (tmp_path / name).mkdir()
    (tmp_path / "memory/memory.limit_in_bytes").touch()
    return tmp_path


def made(root: Path, path: str) -> None:
    for name in CONTROLLERS:
        (root / name / path).mkdir(parents=True)


def left(root: Path) -> set[str]:
    return {str(place.relative_to(root)) for place in root.glob("*/**") if place.is_dir()} - set(CONTROLLERS)


def test_of_an_installation_without_containers_nothing_is_left(root: Path) -> None:
    made(root, "aiop/here/one")
    cgroups = Cgroups("here", root=root)
    cgroups.remove("one")
    cgroups.dismantle()
    assert left(root) == set()


def test_what_containers_lie_in_stays_as_does_that_of_others(root: Path) -> None:
    made(root, "aiop/here/one")
    made(root, "aiop/other")
    Cgroups("here", root=root).dismantle()
    Cgroups("nowhere", root=root).dismantle()
    assert left(root) >= {"cpu/aiop/here/one", "cpu/aiop/other"}

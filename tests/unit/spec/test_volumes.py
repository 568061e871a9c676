from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiop.model.definition import Volume
from aiop.model.run import HostMount, VolumeMount
from aiop.spec import VolumePolicy, VolumeRefused
from unit.spec.documents import unhurried


def volume(source: str) -> Volume:
    return Volume(source, "/target", read_only=True)


def policy_of(*roots: str, workflows: str | None = None) -> VolumePolicy:
    """One without links: paths are only made plain."""
    return VolumePolicy(roots, workflows, realpath=os.path.normpath)


@pytest.mark.parametrize(
    ("source", "resolved"),
    [
        ("/data", "/data"),
        ("/data/", "/data"),
        ("/data/a/../b", "/data/b"),
        ("/workflows/x", "/workflows/x"),
        ("./x", "/workflows/x"),
        ("./", "/workflows"),
        (".", "/workflows"),
        ("./../data/y", "/data/y"),
    ],
)
def test_paths_under_a_root_are_mounted(source: str, resolved: str) -> None:
    mount = policy_of("/data", workflows="/workflows").resolve(volume(source))

    assert mount == HostMount(resolved, "/target", read_only=True)


@pytest.mark.parametrize(
    "source", ["/", "/etc", "/database", "/data/../etc", "./../etc", "/data/../data2", "//etc", "/workflowsx"]
)
def test_paths_elsewhere_are_refused(source: str) -> None:
    with pytest.raises(VolumeRefused, match="does not lie in"):
        policy_of("/data", workflows="/workflows").resolve(volume(source))


def test_everything_lies_under_the_root_of_the_file_system() -> None:
    assert policy_of("/").resolve(volume("/etc")) == HostMount("/etc", "/target", read_only=True)


def test_a_link_is_followed_before_it_is_judged(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "escape").symlink_to(outside)
    (inside / "back").symlink_to(inside)
    policy = VolumePolicy([str(inside)])

    with pytest.raises(VolumeRefused):
        policy.resolve(volume(f"{inside}/escape"))
    with pytest.raises(VolumeRefused):
        policy.resolve(volume(f"{inside}/escape/new"))
    assert policy.resolve(volume(f"{inside}/back/x")) == HostMount(f"{inside}/x", "/target", read_only=True)


def test_a_root_that_is_a_link_stands_for_its_target(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "real")

    mount = VolumePolicy([str(tmp_path / "root")]).resolve(volume(f"{tmp_path}/root/x"))

    assert mount == HostMount(f"{tmp_path}/real/x", "/target", read_only=True)


def test_a_source_without_a_slash_is_a_volume_of_the_engine() -> None:
    assert policy_of().resolve(volume("cache_1.x-y")) == VolumeMount("cache_1.x-y", "/target", read_only=True)


@pytest.mark.parametrize(
    "source", ["", "a", "-cache", "..", "a/b", "../x", "ca che", "cache\n", "~/x", "\0", "/a\0b", "a" * 256]
)
def test_other_sources_are_refused(source: str) -> None:
    with pytest.raises(VolumeRefused):
        policy_of("/", workflows="/workflows").resolve(volume(source))


def test_a_relative_source_needs_a_workflow_directory() -> None:
    with pytest.raises(VolumeRefused, match="no workflow directory"):
        policy_of("/data").resolve(volume("./x"))


@unhurried
@given(st.text(alphabet="./ab", max_size=12))
def test_whatever_is_mounted_lies_under_a_root(source: str) -> None:
    try:
        mount = policy_of("/a", workflows="/b/a").resolve(volume(source))
    except VolumeRefused:
        return
    if isinstance(mount, HostMount):
        assert os.path.commonpath([mount.source, "/a"]) == "/a" or os.path.commonpath([mount.source, "/b/a"]) == "/b/a"

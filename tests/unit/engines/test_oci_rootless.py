"""What the embedded engine reads of the machine for an ordinary user. No namespace is made."""

import os
from pathlib import Path

import pytest

from aiop.engines.oci.cgroups import Cgroups, Hierarchy
from aiop.engines.oci.pin import Pin
from aiop.engines.oci.router import local_addresses, nameserver
from aiop.engines.oci.user_namespace import obstacles, sub_ids

TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
     +-- 192.168.7.0/24 2 0 1
        |-- 192.168.7.0
           /24 link UNICAST
        |-- 192.168.7.20
           /32 host LOCAL
           /32 link UNICAST
        |-- 192.168.7.255
           /32 link BROADCAST
Local:
  +-- 0.0.0.0/0 3 0 5
        |-- 127.0.0.1
           /32 host LOCAL
"""


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("other:1:2\nme:100000:65536\n", (100000, 65536)),
        ("1000:200000:65536\n", (200000, 65536)),
        ("me:100000:10\nme:300000:65536\n1000:500000:5\n", (300000, 65536)),
        ("me:x:65536\nme\n\n", None),
        ("", None),
    ],
)
def test_the_largest_range_of_a_user_is_taken(tmp_path: Path, text: str, span: tuple[int, int] | None) -> None:
    file = tmp_path / "subuid"
    file.write_text(text)
    assert sub_ids(file, name="me", number=1000) == span


def test_without_the_file_nobody_has_a_range(tmp_path: Path) -> None:
    assert sub_ids(tmp_path / "none", name="me", number=1000) is None


def test_what_a_user_lacks_is_said_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("aiop.engines.oci.user_namespace._PATH", str(tmp_path))
    found = "; ".join(obstacles())
    for word in ("newuidmap", "newgidmap", "uidmap", "overlayfs"):
        assert word in found


def test_the_addresses_of_the_machine_are_those_of_its_hosts_and_no_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    class Trie:
        def read_text(self) -> str:
            return TRIE

    monkeypatch.setattr("aiop.engines.oci.router._LOCAL", Trie())
    assert local_addresses() == ["127.0.0.1", "192.168.7.20"]


def test_names_are_asked_of_the_way_out() -> None:
    assert nameserver(["10.213.0.0/16", "10.212.4.0/24"]) == "10.212.4.3"


def test_a_process_that_got_the_number_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    pin = Pin(tmp_path / "pins" / "one")
    assert pin.process is None
    process = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    with pin.locked():
        pin.note(process)
    assert pin.process == process
    written = (tmp_path / "pins/one").read_text()
    (tmp_path / "pins/one").write_text(written.replace(str(process), str(os.getpid()), 1))
    assert pin.process is None
    (tmp_path / "pins/one").write_text(written)
    pin.end()
    assert not Path(f"/proc/{process}").exists()
    assert pin.process is None
    pin.end()


def unified(root: Path, *, own: str, controllers: str = "cpu memory pids") -> Path:
    """A tree of cgroups in which we may write at and above the one that is returned, up to its parent."""
    place = root / own
    place.mkdir(parents=True)
    for directory in [root, *(root / part for part in list(Path(own).parents)[:-1]), place]:
        (directory / "cgroup.controllers").write_text(controllers)
        (directory / "cgroup.procs").write_text("")
        (directory / "cgroup.subtree_control").write_text("")
    return place


@pytest.fixture
def as_a_user(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Nothing may be written but what is put into the set."""
    allowed: set[Path] = set()
    monkeypatch.setattr(os, "access", lambda path, _: any(Path(path).is_relative_to(place) for place in allowed))
    return allowed


def test_cgroups_are_made_as_far_up_as_was_delegated(tmp_path: Path, as_a_user: set[Path]) -> None:
    unified(tmp_path, own="user.slice/user@1/app.slice/aiop.scope")
    as_a_user.add(tmp_path / "user.slice/user@1")
    cgroups = Cgroups("me", root=tmp_path, own="/user.slice/user@1/app.slice/aiop.scope")
    assert (cgroups.hierarchy, cgroups.missing()) == (Hierarchy.UNIFIED, [])
    assert cgroups.limits("one").path == "/user.slice/user@1/aiop/me/one/c"


def test_a_process_in_the_place_that_was_delegated_goes_below_it(tmp_path: Path, as_a_user: set[Path]) -> None:
    place = unified(tmp_path, own="system.slice/aiop.service")
    (place / "cgroup.procs").write_text("7\n")
    (place / "service").mkdir()
    as_a_user.add(place)
    cgroups = Cgroups("me", root=tmp_path, own="/system.slice/aiop.service")
    cgroups.open()
    assert (place / "service/cgroup.procs").read_text() == "7"
    for directory in (place, place / "aiop", place / "aiop/me"):
        assert (directory / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"


def test_what_was_not_delegated_limits_nothing(tmp_path: Path, as_a_user: set[Path]) -> None:
    place = unified(tmp_path, own="user.slice/session", controllers="memory pids")
    cgroups = Cgroups("me", root=tmp_path, own="/user.slice/session")
    assert cgroups.missing() == ["cpu", "memory", "pids"]
    assert cgroups.limits("one").path is None
    cgroups.open()
    as_a_user.add(place)
    assert Cgroups("me", root=tmp_path, own="/user.slice/session").usable == {"memory", "pids"}

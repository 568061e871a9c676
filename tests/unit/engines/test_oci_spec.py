"""What a container is told to be, and what is chosen of files of the image and the machine. Pure."""

import ipaddress

import pytest

from aiop.engines.oci.network import resolvers, subnet_beside
from aiop.engines.oci.seccomp import oci_profile
from aiop.engines.oci.spec import CAPABILITIES, Bind, Limits, command_of, runtime_spec
from aiop.engines.oci.users import UnknownUser, User, find_user
from aiop.model.definition import Network, Resources
from aiop.model.images import ImageConfig
from aiop.model.run import ContainerRun

PASSWD = "root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1001::/home/worker:/bin/sh\nbroken\n"
GROUP = "root:x:0:\nstaff:x:50:worker,other\nworker:x:1001:\nworkers:x:1002:worker\n"

ROOT = User()


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("", User(0, 0, home="/root")),
        ("worker", User(1000, 1001, (50, 1002), "/home/worker")),
        ("1000", User(1000, 1001, (50, 1002), "/home/worker")),
        ("worker:staff", User(1000, 50, home="/home/worker")),
        ("worker:77", User(1000, 77, home="/home/worker")),
        ("4711", User(4711, 0)),
        ("4711:4712", User(4711, 4712)),
    ],
)
def test_a_user_is_found_as_docker_finds_it(text: str, user: User) -> None:
    assert find_user(text, passwd=PASSWD, group=GROUP) == user


@pytest.mark.parametrize("text", ["nobody", "worker:nogroup"])
def test_a_name_that_the_image_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(UnknownUser):
        find_user(text, passwd=PASSWD, group=GROUP)


@pytest.mark.parametrize(
    ("command", "args", "expected"),
    [
        (None, None, ("entry", "default")),
        (None, ("given",), ("entry", "given")),
        (("mine",), None, ("mine",)),
        (("mine",), ("given",), ("mine", "given")),
    ],
)
def test_a_command_takes_the_place_of_the_entrypoint(
    command: tuple[str, ...] | None, args: tuple[str, ...] | None, expected: tuple[str, ...]
) -> None:
    image = ImageConfig(entrypoint=("entry",), cmd=("default",))
    assert command_of(ContainerRun("image", command=command, args=args), image) == expected


def made(run: ContainerRun, *, user: User = ROOT, binds: tuple[Bind, ...] = (), limits: Limits | None = None) -> dict:
    return runtime_spec(
        run,
        ImageConfig(env=("PATH=/image", "A=image"), working_dir="/image"),
        user=user,
        root="/root",
        hostname="name",
        binds=binds,
        limits=limits or Limits("/cgroup", frozenset({"cpu", "memory", "pids"}), swap=True),
        seccomp="program",
    )


def test_the_environment_of_the_step_comes_before_that_of_the_image() -> None:
    environment = made(ContainerRun("image", environment={"A": "step", "AIOP_OUTPUT": "x"}))["process"]["env"]
    assert {"PATH=/image", "A=step", "HOME=/", "HOSTNAME=name", "AIOP_OUTPUT=/aiop/output"} == set(environment)


def test_only_root_holds_capabilities_and_nobody_others_than_dockers() -> None:
    root = made(ContainerRun("image"))["process"]["capabilities"]
    other = made(ContainerRun("image"), user=User(1000))["process"]["capabilities"]
    assert root["effective"] == root["permitted"] == root["bounding"] == other["bounding"] == list(CAPABILITIES)
    assert other["effective"] == other["permitted"] == []
    assert "CAP_SYS_ADMIN" not in root["bounding"]


def test_a_network_of_its_own_is_for_who_wants_none() -> None:
    kinds = [
        {entry["type"] for entry in made(ContainerRun("image", network=network))["linux"]["namespaces"]}
        for network in (Network.NONE, Network.DEFAULT)
    ]
    assert kinds[0] - kinds[1] == {"network"}


def test_limits_are_those_that_were_asked_for() -> None:
    resources = made(ContainerRun("image", resources=Resources(cpu_millis=250, memory_bytes=1024)))["linux"][
        "resources"
    ]
    assert resources["cpu"] == {"quota": 25_000, "period": 100_000}
    assert resources["memory"] == {"limit": 1024, "swap": 1024}
    assert resources["pids"] == {"limit": 4096}


def test_without_cgroups_nothing_is_said_of_them() -> None:
    spec = made(ContainerRun("image"), limits=Limits(None))
    assert "resources" not in spec["linux"]
    assert "/sys/fs/cgroup" not in {mount["destination"] for mount in spec["mounts"]}


def test_a_mount_in_a_mount_comes_after_it() -> None:
    binds = (
        Bind("/1", "/a/b/c", read_only=True),
        Bind("/2", "/a", read_only=False),
        Bind("/3", "/a/b", read_only=False),
    )
    mounts = made(ContainerRun("image"), binds=binds)["mounts"][-3:]
    assert [mount["destination"] for mount in mounts] == ["/a", "/a/b", "/a/b/c"]
    assert "ro" in mounts[2]["options"]


def test_of_the_filter_that_is_kept_which_fits_the_capabilities_and_the_machine() -> None:
    def rule(name: str, **more: object) -> dict:
        return {"names": [name], "action": "SCMP_ACT_ALLOW", **more}

    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 38,
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
        "syscalls": [
            rule("read"),
            rule("chroot", includes={"caps": ["CAP_SYS_CHROOT"]}),
            rule("mount", includes={"caps": ["CAP_SYS_ADMIN"]}),
            rule("bpf", excludes={"caps": ["CAP_SYS_ADMIN"]}, errnoRet=1),
            rule("fchroot", excludes={"caps": ["CAP_SYS_CHROOT"]}),
            rule("arch_prctl", includes={"arches": ["amd64"]}),
            rule("sync_file_range2", includes={"arches": ["arm64"]}),
        ],
    }
    made = oci_profile(profile, capabilities=CAPABILITIES, machine="x86_64")
    assert [entry["names"][0] for entry in made["syscalls"]] == ["read", "chroot", "bpf", "arch_prctl"]
    assert made["syscalls"][2]["errnoRet"] == 1
    assert made["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    assert (made["defaultAction"], made["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def test_the_subnet_is_one_that_nobody_has() -> None:
    assert subnet_beside([]) == ipaddress.IPv4Network("10.213.0.0/16")
    assert subnet_beside(["10.213.7.0/24", "172.17.0.0/16"]) == ipaddress.IPv4Network("10.214.0.0/16")
    assert subnet_beside(["10.0.0.0/8"]) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["nameserver 10.0.0.1\nsearch x\n"], "nameserver 10.0.0.1\nsearch x\n"),
        (["# 1\nnameserver 127.0.0.53\n", "nameserver 10.0.0.2\n"], "nameserver 10.0.0.2\n"),
        (["nameserver ::1\nnameserver 10.0.0.3\n"], "nameserver 10.0.0.3\n"),
        (["nameserver 127.0.0.1\n"], "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
        ([], "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
    ],
)
def test_names_are_asked_of_who_can_be_reached(texts: list[str], expected: str) -> None:
    assert resolvers(texts) == expected

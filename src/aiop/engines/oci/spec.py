"""What a ``ContainerRun`` is in the words of the OCI runtime specification. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aiop.engines.oci.images import ImageConfig
from aiop.engines.oci.users import User
from aiop.model.definition import Network, Resources
from aiop.model.run import ContainerRun

__all__ = ["AIOP_OUTPUT", "CAPABILITIES", "INIT", "Bind", "Limits", "command_of", "runtime_spec"]

AIOP_OUTPUT = "/aiop/output"
INIT = "/.aiop/init"
"""Where each container sees the init program. As process 1, a command would ignore TERM unless it handles it, and leave
zombies."""

CAPABILITIES = tuple(
    f"CAP_{name}"
    for name in (
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "NET_RAW",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    )
)
"""Docker's default."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PIDS_LIMIT = 4096
_CPU_PERIOD = 100_000
_OPEN_FILES = (1024, 524_288)
"""What a login gives, and what a process may raise it to, unless the service itself has less."""

_MASKED = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

_NO = ("nosuid", "noexec", "nodev")
_MOUNTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("/proc", "proc", _NO),
    ("/dev", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    ("/dev/pts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
    ("/dev/mqueue", "mqueue", _NO),
    ("/dev/shm", "tmpfs", (*_NO, "mode=1777", "size=67108864")),  # noqa: S108 - in the container
    ("/sys", "sysfs", (*_NO, "ro")),
)
_CGROUPS = ("/sys/fs/cgroup", "cgroup", (*_NO, "relatime", "ro"))


@dataclass(frozen=True, slots=True)
class Bind:
    """A directory or file of this machine, seen in the container; ``source`` has no links."""

    source: str
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What the cgroups of this machine can do: ``path`` is that of the container's, ``None`` if there are none.

    ``controllers`` are those that limit here.
    """

    path: str | None
    controllers: frozenset[str] = frozenset()
    swap: bool = False
    open_files: int = _OPEN_FILES[1]
    """How many files the service itself may have open; nobody below it can have more."""


def command_of(run: ContainerRun, image: ImageConfig) -> tuple[str, ...]:
    """Return what is run: a command takes the place of the entrypoint and drops the image's default arguments."""
    entrypoint = image.entrypoint if run.command is None else run.command
    if run.args is not None:
        return (*entrypoint, *run.args)
    return (*entrypoint, *(image.cmd if run.command is None else ()))


def runtime_spec(
    run: ContainerRun,
    image: ImageConfig,
    *,
    user: User,
    root: str,
    hostname: str,
    binds: Iterable[Bind],
    limits: Limits,
    seccomp: str,
) -> dict[str, Any]:
    """Build the configuration of the container.

    With a network it has that of whoever starts it; nothing else is shared.
    """
    capabilities = list(CAPABILITIES)
    # What a program of another user holds it gets by its file alone, as after an ``execve``.
    effective = capabilities if user.uid == 0 else []
    mounts = [*_MOUNTS, *([_CGROUPS] if limits.path is not None else [])]
    kinds = ["pid", "ipc", "uts", "mount", *(["cgroup"] if limits.path is not None else [])]
    if run.network is Network.NONE:
        kinds.append("network")
    linux: dict[str, Any] = {
        "namespaces": [{"type": kind} for kind in kinds],
        "maskedPaths": list(_MASKED),
        "readonlyPaths": list(_READ_ONLY),
    }
    if limits.path is not None:
        linux["cgroupsPath"] = limits.path
        linux["resources"] = _resources(run.resources, limits)
    return {
        "ociVersion": "1.0.0",
        "hostname": hostname,
        "root": {"path": root},
        "annotations": {"run.oci.seccomp_bpf_data": seccomp},
        "process": {
            "user": {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.groups)},
            "args": [INIT, "--", *command_of(run, image)],
            "env": _environment(run, image, user, hostname),
            "cwd": run.working_dir or image.working_dir or "/",
            "noNewPrivileges": True,
            "oomScoreAdj": 0,
            "rlimits": list(_rlimits(limits)),
            "capabilities": {
                "bounding": capabilities,
                "effective": effective,
                "permitted": effective,
            },
        },
        "mounts": [
            *({"destination": at, "type": kind, "source": kind, "options": list(how)} for at, kind, how in mounts),
            # A mount in a directory comes after the mount of the directory.
            *(_bind(bind) for bind in sorted(binds, key=lambda bind: bind.target.rstrip("/").count("/"))),
        ],
        "linux": linux,
    }


def _rlimits(limits: Limits) -> Iterator[dict[str, Any]]:
    soft, hard = (min(limit, limits.open_files) for limit in _OPEN_FILES)
    yield {"type": "RLIMIT_NOFILE", "soft": soft, "hard": hard}
    if "pids" not in limits.controllers:
        # The processes of all containers count, by the user that they have on this machine; root's are not held.
        yield {"type": "RLIMIT_NPROC", "soft": _PIDS_LIMIT, "hard": _PIDS_LIMIT}


def _environment(run: ContainerRun, image: ImageConfig, user: User, hostname: str) -> Sequence[str]:
    given = {"PATH": _PATH, "HOSTNAME": hostname, "HOME": user.home}
    given |= dict(text.partition("=")[::2] for text in image.env)
    given |= run.environment
    given["AIOP_OUTPUT"] = AIOP_OUTPUT
    return [f"{name}={value}" for name, value in given.items()]


def _resources(resources: Resources, limits: Limits) -> dict[str, Any]:
    # The runtime allows by itself, after what stands here, those that each container has: null, zero, full, random,
    # urandom, tty, console, ptmx and terminals.
    given: dict[str, Any] = {"devices": [{"allow": False, "access": "rwm"}]}
    if "pids" in limits.controllers:
        given["pids"] = {"limit": _PIDS_LIMIT}
    if resources.cpu_millis is not None and "cpu" in limits.controllers:
        given["cpu"] = {"quota": resources.cpu_millis * _CPU_PERIOD // 1000, "period": _CPU_PERIOD}
    if resources.memory_bytes is not None and "memory" in limits.controllers:
        given["memory"] = {"limit": resources.memory_bytes}
        if limits.swap:
            # Swap is counted in: equal means none.
            given["memory"]["swap"] = resources.memory_bytes
    return given


def _bind(bind: Bind) -> dict[str, Any]:
    options = ["rbind", "rprivate", *(["ro"] if bind.read_only else [])]
    return {"destination": bind.target, "type": "bind", "source": bind.source, "options": options}

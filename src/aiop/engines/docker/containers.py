"""What a ``ContainerRun`` is in the words of the Docker API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiop.engines.docker.daemon import Daemon
from aiop.engines.docker.handover import AIOP_OUTPUT, MOUNT_POINT
from aiop.engines.docker.workspaces import WAY_LABEL, Way, volume_mount
from aiop.model.definition import Network
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.run import ContainerRun, HostMount, VolumeMount

__all__ = [
    "INSTALLATION_LABEL",
    "container_body",
    "key_from_labels",
    "labels",
    "parse_time",
]

INSTALLATION_LABEL = "aiop.installation"
_PIDS_LIMIT = 4096


def labels(installation: str, key: StepKey) -> dict[str, str]:
    """Carry the key, so that the containers can be found again."""
    return {
        INSTALLATION_LABEL: installation,
        "aiop.execution": key.execution,
        "aiop.step": key.step,
        "aiop.index": str(key.index),
        "aiop.attempt": str(key.attempt),
    }


def key_from_labels(found: Mapping[str, str]) -> StepKey | None:
    """Read back what ``labels`` wrote; ``None`` if somebody else wrote them."""
    try:
        return StepKey(
            ExecutionId(found["aiop.execution"]),
            StepId(found["aiop.step"]),
            int(found["aiop.index"]),
            int(found["aiop.attempt"]),
        )
    except (KeyError, ValueError):
        return None


def container_body(
    run: ContainerRun,
    *,
    name: str,
    labels: Mapping[str, str],
    daemon: Daemon,
    handover: str | None,
    way: Way | None,
) -> dict[str, Any]:
    """Build the body of ``POST /containers/create``.

    ``handover`` is the directory to be mounted for outputs, ``way`` the one in which the workspace comes to be.
    """
    environment = {**run.environment, "AIOP_OUTPUT": AIOP_OUTPUT}
    body: dict[str, Any] = {
        "Image": run.image,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": dict(labels),
        # The image's own signal and probes would change what stop means and cost processor time.
        "StopSignal": "SIGTERM",
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host_config(run, daemon, handover),
    }
    if run.workspace is not None and way is not None:
        body["Labels"][WAY_LABEL] = way
        body["HostConfig"]["Mounts"].append(volume_mount(run.workspace, way, name=name, labels=labels))
    if run.command is not None:
        body["Entrypoint"] = list(run.command)
    if run.args is not None:
        body["Cmd"] = list(run.args)
    elif run.command is not None:
        # Else the image's default arguments would follow a command that is not the image's.
        body["Cmd"] = []
    if run.working_dir is not None:
        body["WorkingDir"] = run.working_dir
    if run.user is not None:
        body["User"] = run.user
    if run.network is Network.NONE:
        # Costs half of what the network mode alone does; the mode is for engines that do not know this switch.
        body["NetworkDisabled"] = True
        body["HostConfig"]["NetworkMode"] = "none"
    return body


def _host_config(run: ContainerRun, daemon: Daemon, handover: str | None) -> dict[str, Any]:
    mounts = [_mount(mount) for mount in run.mounts]
    if handover is not None:
        mounts.append({"Type": "bind", "Source": handover, "Target": MOUNT_POINT, "ReadOnly": False})
    host: dict[str, Any] = {
        "AutoRemove": False,
        "RestartPolicy": {"Name": "no"},
        "SecurityOpt": ["no-new-privileges"],
        "PidsLimit": _PIDS_LIMIT,
        "Mounts": mounts,
        # Many times the part of the output that is kept, so that rotation never takes the beginning of it.
        "LogConfig": {"Type": daemon.log_driver, "Config": {"max-size": "100m", "max-file": "2"}},
    }
    if daemon.init:
        # As process 1 a command would ignore TERM unless it handles it, and leave zombies.
        host["Init"] = True
    resources = run.resources
    if resources.cpu_millis is not None:
        host["NanoCpus"] = resources.cpu_millis * 1_000_000
    if resources.memory_bytes is not None:
        # Swap is counted in: equal means none.
        host["Memory"] = host["MemorySwap"] = resources.memory_bytes
    if resources.gpus is not None:
        host["DeviceRequests"] = [{"Driver": "", "Count": resources.gpus, "Capabilities": [["gpu"]]}]
    return host


def _mount(mount: HostMount | VolumeMount) -> dict[str, Any]:
    source, kind = (mount.source, "bind") if isinstance(mount, HostMount) else (mount.name, "volume")
    return {"Type": kind, "Source": source, "Target": mount.target, "ReadOnly": mount.read_only}


def parse_time(text: str) -> datetime | None:
    """Read a time of the API; the year 1 means that there is none."""
    at = datetime.fromisoformat(text).astimezone(UTC)
    return at if at.year > 1 else None

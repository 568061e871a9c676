"""How a container gets its workspace: by a mount where the engine sees our directories, else by copies.

A mount is a volume of the ``local`` driver with the options of an overlay: the engine mounts it at the start of the
container and unmounts it at its end, before anyone is told of that. It costs nothing, and what the container changes
is in ``upper`` by itself. A copy puts all that the workspace shows into an ordinary volume, and gets the changes out
of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from aiodocker import DockerError
from aiodocker.volumes import DockerVolume

from aiop.engines.docker.client import DockerClient
from aiop.model.run import Workspace
from aiop.overlay import is_taken_back, shown, take_back, unpack_changes

__all__ = [
    "WAY_LABEL",
    "MountRefused",
    "Way",
    "copy_workspace_in",
    "copy_workspace_out",
    "is_mounted_from",
    "mount_fault",
    "mountable",
    "remove_volume",
    "volume_mount",
    "volume_names",
]

WAY_LABEL = "aiop.workspace"

_OPTIONS = ",index=off,metacopy=off,redirect_dir=off"
"""Whatever the kernel's defaults are: a layer must be whole without the ones that it was made on."""

_OPTIONS_SIZE = 4096
"""The kernel takes a page, and cuts off the rest."""

_UNSAFE = re.compile(r"[,:\\\"\s]")
"""What has a meaning in mount options."""

_FAULT = "failed to mount local volume"
_COUNTED = "volume has active mounts"
_LASTING = (
    "invalid argument",
    "no such device",
    "no such file or directory",
    "not a directory",
    "not supported",
    "operation not permitted",
    "permission denied",
    "too many levels of symbolic links",
)

_PIECE = 1024 * 1024


class Way(StrEnum):
    """How the workspace of a container came to be."""

    MOUNT = "mount"
    COPY = "copy"


class MountRefused(Exception):
    """The engine cannot mount our directories, now and later."""


def mountable(workspace: Workspace) -> bool:
    """Whether the paths can be written as mount options."""
    paths = (*workspace.lowers, workspace.upper, workspace.work)
    return not any(_UNSAFE.search(path) for path in paths) and len(_options(workspace).encode()) < _OPTIONS_SIZE


def mount_fault(error: DockerError) -> bool | None:
    """Whether the engine could not mount a volume: ``True`` if it never will, ``False`` if it may later."""
    words = error.message.lower()
    if _FAULT not in words:
        return None
    return words.strip().endswith(_LASTING)


def volume_names(container: str) -> dict[Way, str]:
    """Name the volume of a container's workspace, by the way."""
    return {Way.MOUNT: container, Way.COPY: f"{container}-copy"}


def volume_mount(workspace: Workspace, way: Way, *, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Describe the volume, which is made together with the container of this name."""
    options: dict[str, Any] = {
        # Else an empty volume would be filled with what the image has there.
        "NoCopy": True,
        "Labels": dict(labels),
    }
    if way is Way.MOUNT:
        mount = {"type": "overlay", "device": "overlay", "o": _options(workspace)}
        options["DriverConfig"] = {"Name": "local", "Options": mount}
    return {
        "Type": "volume",
        "Source": volume_names(name)[way],
        "Target": workspace.target,
        "ReadOnly": False,
        "VolumeOptions": options,
    }


async def is_mounted_from(client: DockerClient, name: str, workspace: Workspace) -> bool:
    """Whether what a container changes in its mounted workspace arrives in ``upper``; raises ``DockerError``.

    It does not if a service with another data directory made the container.
    """
    volume = await DockerVolume(client.docker, volume_names(name)[Way.MOUNT]).show()  # type: ignore[no-untyped-call]
    options = dict(option.partition("=")[::2] for option in volume["Options"]["o"].split(","))
    return await asyncio.to_thread(_is_same, Path(options["upperdir"]), Path(workspace.upper))


async def copy_workspace_in(client: DockerClient, name: str, workspace: Workspace) -> None:
    """Put all that the workspace shows into a container that was made and not started; raises ``DockerError``."""
    parent, _, own = workspace.target.rstrip("/").rpartition("/")
    # From its parent on: the engine does not take the mode of the directory itself otherwise.
    archive = shown([workspace.upper, *workspace.lowers], own)
    async with client.stream("PUT", f"containers/{name}/archive", {"path": parent or "/"}, data=archive):
        pass


async def copy_workspace_out(client: DockerClient, name: str, workspace: Workspace) -> None:
    """Put what an ended container changed into ``upper``, once; raises ``DockerError``."""
    if is_taken_back(workspace.work):
        return

    def unpack(archive: IO[bytes], into: str) -> None:
        unpack_changes(archive, ".", into, workspace.lowers)

    async with client.stream("GET", f"containers/{name}/archive", {"path": f"{workspace.target}/."}) as response:
        archive = response.content.iter_chunked(_PIECE)
        await take_back(archive, unpack, upper=workspace.upper, work=workspace.work)


async def remove_volume(client: DockerClient, name: str) -> None:
    """Remove the volume of a workspace; raises ``DockerError``."""
    try:
        await DockerVolume(client.docker, name).delete()  # type: ignore[no-untyped-call]
    except DockerError as error:
        # An engine that came back to running containers counts their mounts until its own end (live-restore).
        if error.status not in (404, 409) and _COUNTED not in error.message:
            raise


def _is_same(there: Path, here: Path) -> bool:
    """Compare directories, not names: the data directory may have been given another since."""
    return there.exists() and there.samefile(here)


def _options(workspace: Workspace) -> str:
    lowers = ":".join(workspace.lowers)
    return f"lowerdir={lowers},upperdir={workspace.upper},workdir={workspace.work}{_OPTIONS}"

"""Host directories: copied into the engine before the command, and back after it where it may write there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aiop.engines.dagger.faults import StartRefused
from aiop.engines.dagger.session import Session
from aiop.model.run import HostMount, VolumeMount

if TYPE_CHECKING:
    from dagger import Container

__all__ = ["copy_mounts_out", "mounted"]


def mounted(session: Session, container: Container, mount: HostMount | VolumeMount) -> Container:
    """Add a mount; raises ``StartRefused`` if the host has nothing there."""
    client = session.client
    if isinstance(mount, VolumeMount):
        return container.with_mounted_cache(mount.target, client.cache_volume(mount.name))
    source = Path(mount.source)
    # What is copied must be what is there now, not what the session has seen there before.
    if source.is_dir():
        directory = client.host().directory(mount.source, no_cache=True)
        return container.with_mounted_directory(mount.target, directory, read_only=mount.read_only)
    if source.is_file():
        return container.with_mounted_file(mount.target, client.host().file(mount.source, no_cache=True))
    raise StartRefused(f"{mount.source} is no directory and no file of this machine")


async def copy_mounts_out(before: Container, after: Container, mounts: Sequence[HostMount | VolumeMount]) -> None:
    """Put what a command has changed or added in its writable host directories there; what it deleted stays.

    Nothing else is written: whoever else works there may have changed it meanwhile. ``before`` is the container before
    its command.
    """
    for mount in mounts:
        if not isinstance(mount, HostMount) or mount.read_only:
            continue
        if await asyncio.to_thread(Path(mount.source).is_dir):
            changed = before.directory(mount.target).diff(after.directory(mount.target))
            await changed.export(mount.source)
        else:
            file = after.file(mount.target)
            if await file.digest() != await before.file(mount.target).digest():
                await file.export(mount.source)

"""Host directories: copied into the engine before the command, and back after it where it may write there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aiop.engines.dagger.faults import StartRefused
from aiop.engines.dagger.session import Session
from aiop.model.run import HostMount, VolumeMount

if TYPE_CHECKING:
    from dagger import Container

__all__ = ["check_mounts", "copy_mounts_out", "mounted"]

_BLOCK = 4096
"""A file costs at least this much, whatever is in it."""


def check_mounts(mounts: Sequence[HostMount | VolumeMount], *, limit: int) -> None:
    """Raise ``StartRefused`` for host directories that are too large to be copied, without looking at all of them."""
    left = limit
    for mount in mounts:
        if isinstance(mount, HostMount):
            for size in _sizes(mount.source):
                left -= max(size, _BLOCK)
                if left < 0:
                    raise StartRefused(
                        f"{mount.source} holds more than {limit} bytes: a Dagger Engine is given a copy of what is "
                        "mounted. Mount a smaller directory, or raise AIOP_DAGGER_MOUNT_LIMIT_BYTES"
                    )


def _sizes(root: str) -> Iterator[int]:
    left = [root]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    yield entry.stat(follow_symlinks=False).st_size
        except OSError:  # gone meanwhile, or a file
            continue


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

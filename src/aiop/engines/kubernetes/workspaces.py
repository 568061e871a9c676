"""Workspaces: all that one shows is copied into a volume of the pod before the command, and out of it after."""

from __future__ import annotations

import asyncio
import shutil
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiop.engines.kubernetes.client import KubernetesClient
from aiop.engines.kubernetes.pods import CONTAINER
from aiop.engines.kubernetes.wrapping import open_command, pack_command, unpack_command
from aiop.errors import EngineUnavailable
from aiop.model.run import Workspace
from aiop.overlay import Stack, pack, unpack_changes

__all__ = ["copy_workspace_in", "copy_workspace_out"]


async def copy_workspace_in(client: KubernetesClient, pod: str, workspace: Workspace) -> None:
    """Fill the workspace of a container that waits for it, and let its command go; nothing if that has happened.

    Raises ``ApiFault``, also if the image has no ``tar``.
    """
    archive = _in_thread(pack(Stack([workspace.upper, *workspace.lowers]), "."))
    async for _ in client.run(pod, CONTAINER, unpack_command(workspace.target), source=archive):
        pass
    # Only now: an archive that broke off must not be taken for a whole one.
    async for _ in client.run(pod, CONTAINER, open_command()):
        pass


async def copy_workspace_out(client: KubernetesClient, pod: str, workspace: Workspace) -> None:
    """Put what an ended command changed into ``upper``, once; raises ``ApiFault``."""
    work, upper = Path(workspace.work), Path(workspace.upper)
    done, spool, draft, old = (work / part for part in ("copied", "archive", "draft", "old"))
    if done.exists():
        # It may be sealed already, and must not change any more.
        return
    with _disk_faults():
        file = await asyncio.to_thread(spool.open, "wb")
    with file:
        async for chunk in client.run(pod, CONTAINER, pack_command(workspace.target)):
            with _disk_faults():
                await asyncio.to_thread(file.write, chunk)

    def take() -> None:
        for leftover in (draft, old):
            shutil.rmtree(leftover, ignore_errors=True)
        draft.mkdir()
        with spool.open("rb") as archive:
            unpack_changes(archive, ".", str(draft), workspace.lowers, user=int(archive.readline()))
        if upper.exists():
            upper.rename(old)
        draft.rename(upper)
        done.touch()
        shutil.rmtree(old, ignore_errors=True)
        spool.unlink()

    with _disk_faults():
        await asyncio.to_thread(take)


@contextmanager
def _disk_faults() -> Iterator[None]:
    """A fault of our own disk is no better reason to give up than one of the cluster's: try again later."""
    try:
        yield
    except (OSError, tarfile.TarError, ValueError) as error:
        raise EngineUnavailable(f"the workspace cannot be copied: {error}") from error


async def _in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    with _disk_faults():
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece

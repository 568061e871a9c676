"""Workspaces: all that one shows is copied into a volume of the pod before the command, and out of it after."""

from __future__ import annotations

from typing import IO

from aiop.engines.kubernetes.client import KubernetesClient
from aiop.engines.kubernetes.pods import CONTAINER
from aiop.engines.kubernetes.wrapping import open_command, pack_command, unpack_command
from aiop.model.run import Workspace
from aiop.overlay import is_taken_back, shown, take_back, unpack_changes

__all__ = ["copy_workspace_in", "copy_workspace_out"]


async def copy_workspace_in(client: KubernetesClient, pod: str, workspace: Workspace) -> None:
    """Fill the workspace of a container that waits for it, and let its command go; nothing if that has happened.

    Raises ``ApiFault``, also if the image has no ``tar``.
    """
    archive = shown([workspace.upper, *workspace.lowers], ".")
    async for _ in client.run(pod, CONTAINER, unpack_command(workspace.target), source=archive):
        pass
    # Only now: an archive that broke off must not be taken for a whole one.
    async for _ in client.run(pod, CONTAINER, open_command()):
        pass


async def copy_workspace_out(client: KubernetesClient, pod: str, workspace: Workspace) -> None:
    """Put what an ended command changed into ``upper``, once; raises ``ApiFault``."""
    if is_taken_back(workspace.work):
        return

    def unpack(archive: IO[bytes], into: str) -> None:
        unpack_changes(archive, ".", into, workspace.lowers, user=int(archive.readline()))

    archive = client.run(pod, CONTAINER, pack_command(workspace.target))
    await take_back(archive, unpack, upper=workspace.upper, work=workspace.work)

"""How a container comes to be, or is taken up.

The order of the calls loses nothing: create under the attempt's name (a repeat finds the first), attach, start.
"""

from __future__ import annotations

import asyncio

from aiodocker import DockerError
from aiodocker.containers import DockerContainer

from aiop.engines.docker.attempts import Attempt, ImageMissing, StartRefused
from aiop.engines.docker.client import DockerClient, left_over, name_taken, no_command, transient, unanswered
from aiop.engines.docker.containers import container_body, labels
from aiop.engines.docker.daemon import KnownDaemon
from aiop.engines.docker.files import pack
from aiop.engines.docker.handover import Handover
from aiop.engines.docker.images import Images
from aiop.engines.docker.output import attached
from aiop.engines.docker.workspaces import (
    MountRefused,
    Way,
    copy_workspace_in,
    is_mounted_from,
    mount_fault,
    mountable,
    remove_volume,
    volume_names,
)
from aiop.errors import EngineUnavailable, StepLost
from aiop.interfaces import still_ours
from aiop.model.definition import PullPolicy
from aiop.model.ids import StepKey
from aiop.model.state import Reason

__all__ = ["Launcher"]


class Launcher:
    """Starts containers, at most ``start_limit`` at a time, and takes up what is there.

    Both raise ``StartRefused``, ``ImageRefused``, ``EngineUnavailable``, ``StepLost``, and ``DockerError`` for what is
    the engine's fault.
    """

    def __init__(
        self,
        client: DockerClient,
        images: Images,
        daemon: KnownDaemon,
        handover: Handover | None,
        *,
        installation: str,
        mounts: bool,
        start_limit: int,
    ) -> None:
        self._client = client
        self._images = images
        self._daemon = daemon
        self._handover = handover
        self._installation = installation
        self._mounts = mounts
        self._starting = asyncio.Semaphore(start_limit)
        self._unanswered: set[StepKey] = set()
        """Those whose start was asked for, and the connection broke before it was answered."""

    def forget(self, key: StepKey) -> None:
        """Say that a container is gone for good."""
        self._unanswered.discard(key)

    async def start(self, attempt: Attempt) -> None:
        """Make and start it, or take up what is there, pulling the image if it must be."""
        run = attempt.run
        if run.pull is PullPolicy.ALWAYS and await self._client.inspect(attempt.key.name) is None:
            await self._images.pull(run.image, run.credentials)
        try:
            await self._create_and_start(attempt)
        except ImageMissing:
            await self._images.pull(run.image, run.credentials)
            try:
                await self._create_and_start(attempt)
            except ImageMissing as missing:
                raise StartRefused(Reason.IMAGE_PULL, str(missing)) from missing

    async def adopt(self, attempt: Attempt) -> None:
        """Take up what is there; one that was made and never started is started."""
        inspected = await self._client.inspect(attempt.key.name)
        if inspected is None or inspected["State"]["Status"] in ("removing", "dead"):
            raise StepLost(f"{attempt.key.name} is not on the engine any more")
        attempt.note_container(inspected)
        workspace = attempt.run.workspace
        if (
            workspace is not None
            and attempt.way is Way.MOUNT
            and not await is_mounted_from(self._client, attempt.key.name, workspace)
        ):
            raise StepLost(f"the workspace of {attempt.key.name} is in the data directory of another service")
        if inspected["State"]["Status"] == "created":
            async with self._starting:
                try:
                    await self._start_created(attempt)
                except MountRefused:
                    await self._make_again(attempt)
            return
        attempt.running = inspected["State"]["Running"]
        attempt.note_start(inspected)

    async def _create_and_start(self, attempt: Attempt) -> None:
        async with self._starting:
            if await self._create(attempt):
                try:
                    await self._start_created(attempt)
                except MountRefused:
                    await self._make_again(attempt)
                return
        await self.adopt(attempt)

    async def _make_again(self, attempt: Attempt) -> None:
        """From now on the engine mounts no workspace: make the container again, with a copy."""
        self._daemon.note((await self._daemon.get()).without_overlay())
        await attempt.connection.aclose()
        await self._client.container(attempt.key.name).delete(force=True, v=True)
        await remove_volume(self._client, volume_names(attempt.key.name)[Way.MOUNT])
        if not await self._create(attempt):
            raise EngineUnavailable(f"{attempt.key.name} is there again, though it was removed")
        await self._start_created(attempt)

    async def _create(self, attempt: Attempt) -> bool:
        """Make the container; ``False`` if it is there already."""
        daemon = await self._daemon.get()
        name, run = attempt.key.name, attempt.run
        directory = None
        if self._handover is not None and daemon.bind_handover:
            directory = self._handover.prepare(name)
        attempt.way = None
        if run.workspace is not None:
            if not daemon.workspaces:
                raise StartRefused(
                    Reason.START_FAILED, "Podman gives a step no workspace: pipelines need another engine"
                )
            attempt.way = Way.MOUNT if self._mounts and daemon.overlay and mountable(run.workspace) else Way.COPY
        body = container_body(
            run,
            name=name,
            labels=labels(self._installation, attempt.key),
            daemon=daemon,
            handover=directory,
            way=attempt.way,
        )
        await still_ours()
        try:
            await self._client.docker.containers.create(body, name=name)
        except DockerError as error:
            words = error.message.lower()
            if name_taken(error):
                return False
            if error.status == 404 and "image" in words:
                raise ImageMissing(error.message) from error
            if directory is not None and directory in error.message:
                # The engine does not see our directories: from now on outputs are copied.
                self._daemon.note(daemon.without_handover())
                await asyncio.to_thread(self._handover.remove, name)  # type: ignore[union-attr]
                return await self._create(attempt)
            if transient(error):
                raise
            raise StartRefused(Reason.START_FAILED, error.message) from error
        return True

    async def _start_created(self, attempt: Attempt) -> None:
        docker, workspace = self._client.docker, attempt.run.workspace
        container = self._client.container(attempt.key.name)
        if attempt.key in self._unanswered:
            # An engine that dies during a start knows nothing of it afterwards, though the process may run or have run.
            raise StepLost(f"the Docker Engine ended while it was starting {attempt.key.name}")
        try:
            if attempt.way is Way.COPY and workspace is not None:
                await copy_workspace_in(self._client, container.id, workspace)
            mounted = self._handover is not None and self._handover.exists(attempt.key.name)
            archive = pack(attempt.run.files, with_handover=not mounted)
            if archive is not None:
                await container.put_archive("/", archive)  # type: ignore[no-untyped-call]
            attempt.attachment = await attempt.connection.enter_async_context(attached(docker, container.id))
            await self._ask_to_start(container, attempt.key)
        except DockerError as error:
            if left_over(error):
                raise StepLost(f"the Docker Engine ended while it was starting {attempt.key.name}") from error
            if (lasting := mount_fault(error)) is not None and attempt.way is Way.MOUNT:
                if lasting:
                    raise MountRefused(error.message) from error
                raise EngineUnavailable(error.message) from error
            if not no_command(error) and (transient(error) or error.status in (404, 409)):
                raise
            raise StartRefused(Reason.START_FAILED, error.message) from error
        inspected = await self._client.inspect(attempt.key.name)
        if inspected is None:
            raise EngineUnavailable(f"{attempt.key.name} was removed while it was being started")
        attempt.note_start(inspected)

    async def _ask_to_start(self, container: DockerContainer, key: StepKey) -> None:
        try:
            await container.start()
        except (DockerError, TimeoutError, OSError) as error:
            if unanswered(error):
                self._unanswered.add(key)
            raise

"""``DockerEngine``: the contract of ``Engine`` on the Docker API.

The order of the calls loses nothing: create under the attempt's name (a repeat finds the first), attach, start, read
the attachment to its end, wait. Nothing is removed but by ``remove``, so every call can be repeated.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from aiodocker import DockerError

from aiop.engines.docker.attempts import Attempt, StartRefused
from aiop.engines.docker.client import DockerClient, TlsMaterial, translated
from aiop.engines.docker.collecting import Collector
from aiop.engines.docker.containers import INSTALLATION_LABEL, key_from_labels
from aiop.engines.docker.daemon import KnownDaemon
from aiop.engines.docker.handover import Handover
from aiop.engines.docker.images import Images
from aiop.engines.docker.launching import Launcher
from aiop.engines.docker.output import Delivery
from aiop.engines.docker.workspaces import Way, remove_volume, volume_names
from aiop.errors import EngineError, EngineUnavailable, ImageRefused
from aiop.interfaces import Capabilities, EngineInfo, OutputSink
from aiop.model.definition import PullPolicy
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun, Credentials, Outcome
from aiop.model.state import Reason

__all__ = ["DockerEngine"]


class DockerEngine:
    """One Docker Engine, shared with whoever else uses it: only what bears the installation's label is seen.

    ``handover`` is a directory of our own for ``AIOP_OUTPUT``, used where the engine sees it too; ``None`` copies
    instead. ``mounts``: give workspaces by mounts where the engine can; else they are copied. At most ``start_limit``
    containers are being started at a time, the others queue in order: about four times the engine's cores saturates
    it, more only adds latency.
    """

    capabilities = Capabilities(
        cpu_limit=True,
        memory_limit=True,
        gpus=True,
        network_none=True,
        process_limit=True,
        no_new_privileges=True,
        user_names=True,
        host_mounts=True,
        named_volumes=True,
        files=True,
        output_paths=True,
        read_only_volumes=True,
        live_parts=True,
        live_mounts=True,
        graceful_stop=True,
        reattach=True,
        workspace=True,
    )

    def __init__(
        self,
        *,
        endpoint: str | None,
        installation: str,
        handover: Path | None,
        start_limit: int = 16,
        tls: TlsMaterial | None = None,
        mounts: bool = True,
    ) -> None:
        self._client = DockerClient(endpoint, tls)
        self._images = Images(self._client)
        self._daemon = KnownDaemon(self._client)
        self._installation = installation
        self._handover = Handover(handover) if handover is not None else None
        self._launcher = Launcher(
            self._client,
            self._images,
            self._daemon,
            self._handover,
            installation=installation,
            # What containers write as root, only root can settle and delete.
            mounts=mounts and os.geteuid() == 0,
            start_limit=start_limit,
        )
        self._collector = Collector(self._client, self._images, self._daemon, self._handover)
        self._attempts: dict[StepKey, Attempt] = {}

    async def check(self) -> EngineInfo:
        """Ask the engine who it is; raises ``EngineUnavailable``."""
        info = await self._daemon.ask()
        detail = {
            name: str(info[field])
            for name, field in (("os", "OperatingSystem"), ("cpus", "NCPU"), ("memory", "MemTotal"))
            if field in info
        }
        return EngineInfo(type="docker", version=str(info.get("ServerVersion", "")), detail=detail)

    async def resolve(self, image: str, *, pull: PullPolicy, credentials: Credentials | None) -> str:
        """Ask the engine, and let it pull what it lacks."""
        return await self._images.resolve(image, pull=pull, credentials=credentials)

    async def start(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Make and start the container, or take up the one that is there."""
        attempt = Attempt(key, run, Delivery(sink))
        await self._take_up(attempt, self._launcher.start)
        return attempt.started_at

    async def adopt(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Take up the container that is there; one that was made and never started is started."""
        attempt = Attempt(key, run, Delivery(sink))
        await self._take_up(attempt, self._launcher.adopt)
        return attempt.started_at

    async def wait(self, key: StepKey) -> Outcome:
        """Read the output to its end and collect how it ended."""
        attempt = self._attempts.get(key)
        if attempt is None:
            raise RuntimeError(f"{key.name} was neither started nor adopted")
        if attempt.refusal is not None:
            return attempt.refusal
        try:
            with translated():
                return await self._collector.collect(attempt)
        except EngineError as error:
            if isinstance(error, EngineUnavailable):
                self._collector.note_out_of_sight(key)
            await self._let_go(key)
            raise

    async def stop(self, key: StepKey, *, grace: timedelta) -> None:
        """Send TERM, after ``grace`` (in whole seconds, rounded up) KILL."""
        self._collector.note_stop(key)
        with translated():
            try:
                await self._client.container(key.name).stop(t=math.ceil(grace.total_seconds()))
            except DockerError as error:
                if error.status != 404:
                    raise

    async def remove(self, key: StepKey) -> None:
        """Remove the container, its anonymous volumes, that of its workspace, and its handover directory."""
        known = self._attempts.get(key)
        ways = list(Way) if known is None else [known.way] if known.way else []
        await self._let_go(key)
        with translated():
            try:
                await self._client.container(key.name).delete(force=True, v=True)
            except DockerError as error:
                # 409: somebody is removing it already.
                if error.status not in (404, 409):
                    raise
            for way in ways:
                await remove_volume(self._client, volume_names(key.name)[way])
        if self._handover is not None:
            await asyncio.to_thread(self._handover.remove, key.name)
        self._launcher.forget(key)
        self._collector.forget(key)

    async def attempts(self) -> Sequence[StepKey]:
        """List by the label of the installation; a volume of which the container is gone counts too."""
        filters = {"label": [f"{INSTALLATION_LABEL}={self._installation}"]}
        docker = self._client.docker
        with translated():
            containers = await docker.containers.list(all=True, filters=json.dumps(filters))
            volumes = await docker.volumes.list(filters=filters)  # type: ignore[no-untyped-call]
        found = [container["Labels"] for container in containers]
        found += [volume["Labels"] for volume in volumes["Volumes"] or ()]
        keys = (key_from_labels(labels) for labels in found)
        return list(dict.fromkeys(key for key in keys if key is not None))

    async def aclose(self) -> None:
        """Close all connections; containers run on."""
        for key in list(self._attempts):
            await self._let_go(key)
        await self._images.aclose()
        await self._client.aclose()

    async def _take_up(self, attempt: Attempt, how: Callable[[Attempt], Awaitable[None]]) -> None:
        await self._let_go(attempt.key)
        try:
            with translated():
                await how(attempt)
        except (StartRefused, ImageRefused) as refusal:
            await attempt.connection.aclose()
            attempt.refusal = (
                refusal.outcome
                if isinstance(refusal, StartRefused)
                else Outcome(exit_code=None, reason=Reason.IMAGE_PULL, error=str(refusal))
            )
        except BaseException:
            await attempt.connection.aclose()
            raise
        self._attempts[attempt.key] = attempt

    async def _let_go(self, key: StepKey) -> None:
        attempt = self._attempts.pop(key, None)
        if attempt is not None:
            await attempt.connection.aclose()

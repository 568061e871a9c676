"""``DockerEngine``: the contract of ``Engine`` on the Docker API.

The order of the calls loses nothing: create under the attempt's name (a repeat finds the first), attach, start, read
the attachment to its end, wait. Nothing is removed but by ``remove``, so every call can be repeated.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiodocker import DockerError
from aiodocker.containers import DockerContainer

from aiop.engines.docker.attempts import Attempt, ImageMissing, StartRefused
from aiop.engines.docker.client import (
    DockerClient,
    TlsMaterial,
    left_over,
    name_taken,
    no_command,
    transient,
    translated,
    unanswered,
)
from aiop.engines.docker.containers import (
    INSTALLATION_LABEL,
    Daemon,
    container_body,
    key_from_labels,
    labels,
    parse_time,
)
from aiop.engines.docker.ending import Ending, ending_of
from aiop.engines.docker.files import copy_out, pack
from aiop.engines.docker.handover import AIOP_OUTPUT, OUTPUT_FILE_LIMIT, Handover
from aiop.engines.docker.images import Images
from aiop.engines.docker.output import Delivery, attached, deliver_attached, deliver_log
from aiop.engines.docker.workspaces import (
    MountRefused,
    Way,
    copy_workspace_in,
    copy_workspace_out,
    is_mounted_from,
    mount_fault,
    mountable,
    remove_volume,
    volume_names,
)
from aiop.errors import EngineError, EngineUnavailable, ImageRefused, StepLost
from aiop.interfaces import Capabilities, EngineInfo, OutputSink, still_ours
from aiop.model.definition import PullPolicy
from aiop.model.ids import StepKey
from aiop.model.run import OUTPUT_LIMIT, ContainerRun, Credentials, Outcome, OutputFile, exit_code_of
from aiop.model.state import Reason

__all__ = ["DockerEngine"]

_LINGER = 5.0
"""Seconds that the log may go on after the container has ended, and a container after its output has."""

_RETURNING = timedelta(seconds=5)
"""How long an engine that has come back may take to read on what its containers write."""


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
        self._installation = installation
        self._handover = Handover(handover) if handover is not None else None
        # What containers write as root, only root can settle and delete.
        self._mounts = mounts and os.geteuid() == 0
        self._starting = asyncio.Semaphore(start_limit)
        self._daemon: Daemon | None = None
        self._attempts: dict[StepKey, Attempt] = {}
        self._stopped: set[StepKey] = set()
        self._unanswered: set[StepKey] = set()
        """Those whose start was asked for, and the connection broke before it was answered."""
        self._out_of_sight: set[StepKey] = set()
        """Those that were waited for when the engine went away."""

    async def check(self) -> EngineInfo:
        """Ask the engine who it is; raises ``EngineUnavailable``."""
        info = await self._client.info()
        daemon = Daemon.of(info)
        self._daemon = daemon.as_proved(self._daemon) if self._daemon is not None else daemon
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
        await self._take_up(attempt, self._start)
        return attempt.started_at

    async def adopt(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Take up the container that is there; one that was made and never started is started."""
        attempt = Attempt(key, run, Delivery(sink))
        await self._take_up(attempt, self._adopt)
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
                return await self._collect(attempt)
        except EngineError as error:
            if isinstance(error, EngineUnavailable):
                self._out_of_sight.add(key)
            await self._let_go(key)
            raise

    async def stop(self, key: StepKey, *, grace: timedelta) -> None:
        """Send TERM, after ``grace`` (in whole seconds, rounded up) KILL."""
        self._stopped.add(key)
        if self._handover is not None:
            self._handover.note_stop(key.name)
        with translated():
            try:
                await self._container(key).stop(t=math.ceil(grace.total_seconds()))
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
                await self._container(key).delete(force=True, v=True)
            except DockerError as error:
                # 409: somebody is removing it already.
                if error.status not in (404, 409):
                    raise
            for way in ways:
                await remove_volume(self._client, volume_names(key.name)[way])
        if self._handover is not None:
            await asyncio.to_thread(self._handover.remove, key.name)
        self._stopped.discard(key)
        self._unanswered.discard(key)
        self._out_of_sight.discard(key)

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

    # --- start and adopt ------------------------------------------------------------------------------------

    async def _take_up(self, attempt: Attempt, how: Any) -> None:
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

    async def _start(self, attempt: Attempt) -> None:
        run = attempt.run
        if run.pull is PullPolicy.ALWAYS and await self._inspect(attempt.key) is None:
            await self._images.pull(run.image, run.credentials)
        try:
            await self._create_and_start(attempt)
        except ImageMissing:
            await self._images.pull(run.image, run.credentials)
            try:
                await self._create_and_start(attempt)
            except ImageMissing as missing:
                raise StartRefused(Reason.IMAGE_PULL, str(missing)) from missing

    async def _create_and_start(self, attempt: Attempt) -> None:
        async with self._starting:
            if await self._create(attempt):
                try:
                    await self._start_created(attempt)
                except MountRefused:
                    await self._make_again(attempt)
                return
        await self._adopt(attempt)

    async def _make_again(self, attempt: Attempt) -> None:
        """From now on the engine mounts no workspace: make the container again, with a copy."""
        self._daemon = (await self._known_daemon()).without_overlay()
        await attempt.connection.aclose()
        await self._container(attempt.key).delete(force=True, v=True)
        await remove_volume(self._client, volume_names(attempt.key.name)[Way.MOUNT])
        if not await self._create(attempt):
            raise EngineUnavailable(f"{attempt.key.name} is there again, though it was removed")
        await self._start_created(attempt)

    async def _adopt(self, attempt: Attempt) -> None:
        inspected = await self._inspect(attempt.key)
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

    async def _create(self, attempt: Attempt) -> bool:
        """Make the container; ``False`` if it is there already."""
        daemon = await self._known_daemon()
        name, run = attempt.key.name, attempt.run
        directory = None
        if self._handover is not None and daemon.bind_handover:
            directory = self._handover.prepare(name)
        attempt.way = None
        if run.workspace is not None:
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
                self._daemon = daemon.without_handover()
                await asyncio.to_thread(self._handover.remove, name)  # type: ignore[union-attr]
                return await self._create(attempt)
            if transient(error):
                raise
            raise StartRefused(Reason.START_FAILED, error.message) from error
        return True

    async def _start_created(self, attempt: Attempt) -> None:
        docker, container, workspace = self._client.docker, self._container(attempt.key), attempt.run.workspace
        if attempt.key in self._unanswered:
            # An engine that dies during a start knows nothing of it afterwards, though the process may run or have run.
            raise StepLost(f"the Docker Engine ended while it was starting {attempt.key.name}")
        try:
            if attempt.way is Way.COPY and workspace is not None:
                await copy_workspace_in(self._client, container.id, workspace)
            archive = pack(attempt.run.files, with_handover=not self._mounted(attempt.key))
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
        inspected = await self._inspect(attempt.key)
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

    # --- wait -----------------------------------------------------------------------------------------------

    async def _collect(self, attempt: Attempt) -> Outcome:
        key = attempt.key
        code = await self._read_to_the_end(attempt)
        finished_at = datetime.now(UTC)
        reason: Reason | None = None
        error: str | None = None
        gap: str | None = None
        if code or attempt.attachment is None or not self._client.local:
            inspected = await self._inspect(key)
            if inspected is None:
                raise StepLost(f"{key.name} was removed by somebody else")
            finished_at = parse_time(inspected["State"]["FinishedAt"]) or finished_at
            if attempt.started_at is not None:
                # The engine writes the start down when it has been told of it; a short run is over by then.
                finished_at = max(finished_at, attempt.started_at)
            reason, error = _why(attempt, code, inspected)
            if reason in (None, Reason.EXIT_CODE) and not self._was_stopped(key):
                gap = await self._gap(attempt, code, inspected)
        try:
            if attempt.way is Way.COPY and attempt.run.workspace is not None:
                await copy_workspace_out(self._client, key.name, attempt.run.workspace)
            return Outcome(
                exit_code=code,
                reason=reason,
                error=error,
                started_at=attempt.started_at,
                finished_at=finished_at,
                image_digest=await self._images.digest(attempt.run.image, attempt.image_id),
                output_file=await self._output_file(key),
                outputs=await self._outputs(attempt),
                log_gap=gap,
            )
        except DockerError as fault:
            if fault.status == 404:
                raise StepLost(f"{key.name} was removed by somebody else") from fault
            raise

    async def _gap(self, attempt: Attempt, code: int, inspected: Mapping[str, Any]) -> str | None:
        """Say why output may be missing; raises ``StepLost`` if the container did not end by itself."""
        adopted = attempt.attachment is None
        ending = await ending_of(self._client, inspected, adopted=adopted, witnessed=attempt.running)
        if ending is Ending.TAKEN:
            raise StepLost(f"{attempt.key.name} was ended from outside (exit code {code})")
        if ending is Ending.UNSEEN:
            if attempt.key in self._out_of_sight and not (await self._known_daemon()).live_restore:
                # Whatever its exit code: it ran when the engine went away, which took it along.
                raise StepLost(f"{attempt.key.name} was ended by the end of the Docker Engine (exit code {code})")
            return "no engine was there when the container ended: its last output may be missing"
        finished_at = parse_time(inspected["State"]["FinishedAt"])
        if attempt.key in self._out_of_sight and finished_at and finished_at - attempt.taken_up_at < _RETURNING:
            return "the engine had just come back when the container ended: its last output may be missing"
        return None

    async def _read_to_the_end(self, attempt: Attempt) -> int:
        """Deliver all output and return the exit code."""
        loop = asyncio.get_running_loop()
        if attempt.attachment is not None:
            await deliver_attached(attempt.attachment, attempt.delivery)
            closed_at = loop.time()
            code = await self._exit_code(attempt.key)
            if loop.time() - closed_at < _LINGER:
                return code
            # The attachment ended before the container: it closed its output, or the connection was cut.
        else:
            code = await self._follow(attempt)
        await self._deliver_log(attempt, follow=False)
        return code

    async def _follow(self, attempt: Attempt) -> int:
        """Deliver live what the log shows, for its being live; what it lacks is delivered afterwards."""
        if not attempt.running:
            return await self._exit_code(attempt.key)
        following = asyncio.create_task(self._deliver_log(attempt, follow=True))
        try:
            code = await self._exit_code(attempt.key)
            await asyncio.wait({following}, timeout=_LINGER)
            return code
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _deliver_log(self, attempt: Attempt, *, follow: bool) -> None:
        driver = (await self._known_daemon()).log_driver
        await deliver_log(self._client, attempt.key.name, attempt.delivery, follow=follow, repair=driver == "local")

    async def _exit_code(self, key: StepKey) -> int:
        try:
            answer = await self._container(key).wait(condition="not-running")
        except DockerError as error:
            if error.status == 404:
                raise StepLost(f"{key.name} is not on the engine any more") from error
            raise
        code = int((answer or {}).get("StatusCode", -1))
        if code < 0:
            raise EngineUnavailable("the Docker Engine ended during the wait")
        return code

    async def _output_file(self, key: StepKey) -> OutputFile | None:
        if self._mounted(key) and self._handover is not None:
            try:
                return self._handover.read(key.name)
            except PermissionError:
                pass
        return await copy_out(self._client, key.name, AIOP_OUTPUT, limit=OUTPUT_FILE_LIMIT)

    async def _outputs(self, attempt: Attempt) -> dict[str, OutputFile]:
        found = {}
        for name, path in attempt.run.output_paths.items():
            file = await copy_out(self._client, attempt.key.name, path, limit=OUTPUT_LIMIT)
            if file is not None:
                found[name] = file
        return found

    async def _known_daemon(self) -> Daemon:
        if self._daemon is None:
            self._daemon = Daemon.of(await self._client.info())
        return self._daemon

    # --- small things ---------------------------------------------------------------------------------------

    def _container(self, key: StepKey) -> DockerContainer:
        return self._client.docker.containers.container(key.name)

    async def _inspect(self, key: StepKey) -> dict[str, Any] | None:
        try:
            return await self._container(key).show()
        except DockerError as error:
            if error.status == 404:
                return None
            raise

    def _mounted(self, key: StepKey) -> bool:
        return self._handover is not None and self._handover.exists(key.name)

    def _was_stopped(self, key: StepKey) -> bool:
        return key in self._stopped or (self._handover is not None and self._handover.was_stopped(key.name))

    async def _let_go(self, key: StepKey) -> None:
        attempt = self._attempts.pop(key, None)
        if attempt is not None:
            await attempt.connection.aclose()


def _why(attempt: Attempt, code: int, inspected: Mapping[str, Any]) -> tuple[Reason | None, str | None]:
    state = inspected["State"]
    if code and state.get("OOMKilled"):
        return Reason.OOM_KILLED, "the memory limit was reached"
    if (words := attempt.delivery.init_failure) is not None and code == exit_code_of(words):
        return Reason.START_FAILED, words
    return (Reason.EXIT_CODE if code else None), state.get("Error") or None

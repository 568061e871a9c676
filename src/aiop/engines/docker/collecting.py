"""How a container ended, and what it leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aiodocker import DockerError

from aiop.engines.docker.attempts import Attempt
from aiop.engines.docker.client import DockerClient
from aiop.engines.docker.containers import parse_time
from aiop.engines.docker.daemon import KnownDaemon
from aiop.engines.docker.ending import Ending, ending_of
from aiop.engines.docker.files import copy_out
from aiop.engines.docker.handover import AIOP_OUTPUT, OUTPUT_FILE_LIMIT, Handover
from aiop.engines.docker.images import Images
from aiop.engines.docker.output import deliver_attached, deliver_log
from aiop.engines.docker.workspaces import Way, copy_workspace_out
from aiop.errors import EngineUnavailable, StepLost
from aiop.model.ids import StepKey
from aiop.model.run import OUTPUT_LIMIT, Outcome, OutputFile, exit_code_of
from aiop.model.state import Reason

__all__ = ["Collector"]

_LINGER = 5.0
"""Seconds that the log may go on after the container has ended, and a container after its output has."""

_RETURNING = timedelta(seconds=5)
"""How long an engine that has come back may take to read on what its containers write."""


class Collector:
    """Collects the ends of containers, of which it must be told who was stopped and who was lost sight of."""

    def __init__(self, client: DockerClient, images: Images, daemon: KnownDaemon, handover: Handover | None) -> None:
        self._client = client
        self._images = images
        self._daemon = daemon
        self._handover = handover
        self._stopped: set[StepKey] = set()
        self._out_of_sight: set[StepKey] = set()
        """Those that were waited for when the engine went away."""

    def note_stop(self, key: StepKey) -> None:
        """Say that a container is ended by us."""
        self._stopped.add(key)
        if self._handover is not None:
            self._handover.note_stop(key.name)

    def note_out_of_sight(self, key: StepKey) -> None:
        """Say that the engine went away while a container was waited for."""
        self._out_of_sight.add(key)

    def forget(self, key: StepKey) -> None:
        """Say that a container is gone for good."""
        self._stopped.discard(key)
        self._out_of_sight.discard(key)

    async def collect(self, attempt: Attempt) -> Outcome:
        """Read the output to its end and collect how the container ended; raises ``StepLost``.

        Raises ``DockerError`` for what is the engine's fault.
        """
        key = attempt.key
        code = await self._read_to_the_end(attempt)
        finished_at = datetime.now(UTC)
        reason: Reason | None = None
        error: str | None = None
        gap: str | None = None
        if code or attempt.attachment is None or not self._client.local:
            inspected = await self._client.inspect(key.name)
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
            if attempt.key in self._out_of_sight and not (await self._daemon.get()).live_restore:
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
        driver = (await self._daemon.get()).log_driver
        await deliver_log(self._client, attempt.key.name, attempt.delivery, follow=follow, repair=driver == "local")

    async def _exit_code(self, key: StepKey) -> int:
        try:
            answer = await self._client.container(key.name).wait(condition="not-running")
        except DockerError as error:
            if error.status == 404:
                raise StepLost(f"{key.name} is not on the engine any more") from error
            raise
        code = int((answer or {}).get("StatusCode", -1))
        if code < 0:
            raise EngineUnavailable("the Docker Engine ended during the wait")
        return code

    async def _output_file(self, key: StepKey) -> OutputFile | None:
        if self._handover is not None and self._handover.exists(key.name):
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

    def _was_stopped(self, key: StepKey) -> bool:
        return key in self._stopped or (self._handover is not None and self._handover.was_stopped(key.name))


def _why(attempt: Attempt, code: int, inspected: Mapping[str, Any]) -> tuple[Reason | None, str | None]:
    state = inspected["State"]
    if code and state.get("OOMKilled"):
        return Reason.OOM_KILLED, "the memory limit was reached"
    if (words := attempt.delivery.init_failure) is not None and code == exit_code_of(words):
        return Reason.START_FAILED, words
    return (Reason.EXIT_CODE if code else None), state.get("Error") or None

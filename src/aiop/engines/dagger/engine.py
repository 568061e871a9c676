"""``DaggerEngine``: the contract of ``Engine`` on a Dagger Engine.

An attempt is one call: the command with all that it is given, and the fetch of what it leaves. The engine keeps nothing
of it that could be come back to, so whatever is lost with the session is a lost step. The engine answers an equal call
from what it has kept. So part of each call is an identity: the name of the attempt, or its cache key if it has one.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aiop.engines.dagger.attempts import Attempt
from aiop.engines.dagger.bells import Bells
from aiop.engines.dagger.containers import base_of, container_of, desk_of, exec_in
from aiop.engines.dagger.faults import StartRefused, words_of
from aiop.engines.dagger.images import Images
from aiop.engines.dagger.mounts import check_mounts, copy_mounts_out
from aiop.engines.dagger.output import Delivery
from aiop.engines.dagger.outputs import left_in
from aiop.engines.dagger.sessions import Sessions
from aiop.engines.dagger.workspaces import import_workspace, take_changes
from aiop.engines.dagger.wrapping import LEFT, Bell, Left
from aiop.errors import ImageRefused, OutputGap, StepLost
from aiop.interfaces import Capabilities, EngineInfo, EngineLoad, OutputSink, explained, image_pull, still_ours
from aiop.model.definition import PullPolicy
from aiop.model.ids import StepKey
from aiop.model.records import Stream
from aiop.model.run import ContainerRun, Credentials, Outcome
from aiop.model.state import Reason

if TYPE_CHECKING:
    from dagger import Container

__all__ = ["DaggerEngine"]


class DaggerEngine:
    """One Dagger Engine, spoken to by one session, which is opened when it is first needed.

    ``endpoint`` is a runner host in Dagger's words, ``None`` for what Dagger provides by itself. ``scratch`` is a
    directory of ours, for what is on its way from and to the engine. ``cli`` is the path of Dagger's command line.
    A host directory of more than ``mount_limit`` bytes is not copied: a step that mounts it fails to start.
    """

    capabilities = Capabilities(
        cpu_limit=False,
        memory_limit=False,
        gpus=False,
        network_none=False,
        process_limit=False,
        no_new_privileges=False,
        user_names=True,
        host_mounts=True,
        named_volumes=True,
        files=True,
        output_paths=True,
        read_only_volumes=False,
        live_parts=True,
        live_mounts=False,
        graceful_stop=True,
        reattach=False,
        workspace=True,
    )

    def __init__(
        self, *, endpoint: str | None, scratch: Path, cli: str | None = None, mount_limit: int = 2 * 1024**3
    ) -> None:
        self._sessions = Sessions(endpoint, cli=cli)
        self._images = Images()
        self._bells = Bells()
        self._scratch = scratch
        self._mount_limit = mount_limit
        self._attempts: dict[StepKey, Attempt] = {}
        self._started: set[Attempt] = set()

    async def check(self) -> EngineInfo:
        """Ask the engine who it is; raises ``EngineUnavailable``."""
        session = await self._sessions.current()
        with session.calls():
            version = await session.client.version()
        return EngineInfo(type="dagger", version=version.removeprefix("v"))

    def load(self) -> EngineLoad:
        """Count the sessions that are open, and the calls that have not been answered."""
        return EngineLoad(self._sessions.open, sum(attempt.running for attempt in self._attempts.values()))

    async def resolve(self, image: str, *, pull: PullPolicy, credentials: Credentials | None) -> str:
        """Ask the engine, which asks the registry."""
        session = await self._sessions.current()
        return (await self._images.find(session, image, pull=pull, credentials=credentials)).digest

    async def start(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Call for the command to be run, or take up the call that was made."""
        known = self._attempts.get(key)
        if known is not None and known.usable:
            known.take_up(sink)
            return known.started_at
        await self.remove(key)
        session = await self._sessions.enter()
        attempt = Attempt(key, run, Delivery(sink), session, self._scratch / key.name)
        self._started.add(attempt)
        try:
            await self._start(attempt)
        except BaseException:
            await self._discard(attempt)
            raise
        self._attempts[key] = attempt
        return attempt.started_at

    async def adopt(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:  # noqa: ARG002
        """Take up the call that was made by this object, if its session still lives."""
        known = self._attempts.get(key)
        if known is None or not known.usable:
            raise StepLost(f"{key.name} was lost with its session: a Dagger Engine keeps nothing to come back to")
        known.take_up(sink)
        return known.started_at

    async def wait(self, key: StepKey) -> Outcome:
        """Wait for the answer to the call, and give what was not seen live."""
        attempt = self._attempts.get(key)
        if attempt is None:
            raise RuntimeError(f"{key.name} was neither started nor adopted")
        outcome = await attempt.outcome()
        whole = True
        for stream, path in attempt.files.items():
            whole = await attempt.delivery.finish(stream, path) and whole
        if not whole:
            raise OutputGap("the engine left out parts of the output that are not UTF-8")
        return outcome

    async def stop(self, key: StepKey, *, grace: timedelta) -> None:
        """Have the command told to end; the engine kills one whose image has no shell, or that does not follow."""
        attempt = self._attempts.get(key)
        if attempt is None:
            return
        base, desk = attempt.base, attempt.desk
        if base is None or desk is None:
            await attempt.stop(None, grace=grace)
        else:
            bell = Bell(key.name, grace)
            await attempt.stop(lambda: self._bells.ring(attempt.session, base, desk, bell), grace=grace)

    async def remove(self, key: StepKey) -> None:
        """Take the call back, and delete what was fetched."""
        attempt = self._attempts.pop(key, None)
        if attempt is not None:
            await self._discard(attempt)

    async def attempts(self) -> Sequence[StepKey]:
        """List the calls of this object; nothing else can be known to run."""
        return list(self._attempts)

    async def aclose(self) -> None:
        """End the session, and with it all that runs there."""
        for key in list(self._attempts):
            await self.remove(key)
        await self._images.aclose()
        await self._sessions.aclose()

    # --- one attempt --------------------------------------------------------------------------------------------

    async def _start(self, attempt: Attempt) -> None:
        run, session = attempt.run, attempt.session
        try:
            found = self._images.find(session, run.image, pull=run.pull, credentials=run.credentials)
            image = await explained(found, image_pull(run.image))
            attempt.image = image
            if image.shell:
                # Without it nobody could tell whose result it is.
                attempt.identity = self._identity(attempt)
                desk = desk_of(session, attempt.identity)
                attempt.desk, _ = await asyncio.gather(desk, asyncio.to_thread(attempt.prepare))
            else:
                await asyncio.to_thread(attempt.prepare)
            if run.mounts:
                await asyncio.to_thread(check_mounts, run.mounts, limit=self._mount_limit)
            with session.calls():
                attempt.base = await base_of(session, image)
                if run.workspace is not None:
                    attempt.workspace = await import_workspace(session, run.workspace, attempt.directory)
                made = self._described(attempt)
                if run.mounts or run.workspace is not None:
                    # What was copied must be the same in every call that follows.
                    made = await made.sync()
        except ImageRefused as refusal:
            attempt.refuse(Reason.IMAGE_PULL, str(refusal))
        except StartRefused as refusal:
            attempt.refuse(Reason.START_FAILED, str(refusal))
        else:
            await still_ours()
            attempt.begin(self._run(attempt, made))

    def _identity(self, attempt: Attempt) -> str:
        """Side by side, equal runs are not to be one: the engine would end it for all when one is stopped."""
        key, name = attempt.run.cache_key, attempt.key.name
        return name if key is None or any(other.identity == key and not other.over for other in self._started) else key

    def _described(self, attempt: Attempt) -> Container:
        assert attempt.base is not None  # noqa: S101 - it was made before
        return container_of(
            attempt.session,
            attempt.base,
            attempt.run,
            identity=attempt.identity,
            whose=attempt.key.name,
            shell=attempt.desk is not None,
            scratch=attempt.directory,
            workspace=attempt.workspace,
        )

    async def _run(self, attempt: Attempt, made: Container) -> Outcome:
        """Have it run, and fetch what it left."""
        from dagger import ExecError

        try:
            with attempt.session.calls():
                left = await self._call(attempt, made)
        except ExecError as ended:
            if ended.exit_code < 0:
                return Outcome(None, Reason.START_FAILED, words_of(ended), image_digest=attempt.digest)
            # A command that was killed with its shell: what it wrote is known from having been seen live.
            left = Left(ended.exit_code)
            await attempt.last_output()
        except StartRefused as refusal:
            return Outcome(None, Reason.START_FAILED, words_of(refusal), image_digest=attempt.digest)
        reason = Reason.START_FAILED if left.refused is not None else Reason.EXIT_CODE if left.code else None
        return Outcome(
            exit_code=left.code,
            reason=reason,
            error=left.refused,
            started_at=attempt.started_at,
            finished_at=datetime.now(UTC),
            image_digest=attempt.digest,
            output_file=left.output_file,
            outputs=left.outputs,
            replayed=left.whose not in (None, attempt.key.name),
        )

    async def _call(self, attempt: Attempt, made: Container) -> Left:
        run, place = attempt.run, attempt.directory / "left"
        left, container = await self._answer(attempt, made, place)
        if left.code and left.whose not in (None, attempt.key.name):
            # The failure of another, which the engine keeps as it does a success: it stands for nothing but itself.
            attempt.identity, place = attempt.key.name, attempt.directory / "own"
            attempt.desk = await desk_of(attempt.session, attempt.identity)
            made = self._described(attempt)
            left, container = await self._answer(attempt, made, place)
        attempt.ended()
        if left.code is None:
            left = await left_in(container, run.output_paths, attempt.directory)
        await copy_mounts_out(made, container, run.mounts)
        if run.workspace is not None:
            await take_changes(attempt.session, container, run.workspace, attempt.directory)
        attempt.files = {Stream.STDOUT: place / "stdout", Stream.STDERR: place / "stderr"}
        return left

    async def _answer(self, attempt: Attempt, made: Container, place: Path) -> tuple[Left, Container]:
        """Ask for what the command leaves: one call for all, by which it is run."""
        assert attempt.image is not None  # noqa: S101 - it was found before anything was made of it
        container = exec_in(
            attempt.session, made, attempt.image, attempt.run, identity=attempt.identity, desk=attempt.desk
        )
        await container.directory(LEFT).export(str(place))
        return await asyncio.to_thread(Left.read, place, attempt.run.output_paths), container

    async def _discard(self, attempt: Attempt) -> None:
        await attempt.cancel()
        self._started.discard(attempt)
        self._sessions.leave(attempt.session)
        await asyncio.to_thread(shutil.rmtree, attempt.directory, ignore_errors=True)

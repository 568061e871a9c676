"""``OciEngine``: the contract of ``Engine`` with no daemon.

A container is a directory of its attempt, a waiter that outlives us, and the runtime below that. Whatever is to be
known of it is in the directory and in its pipes, so any service can take it up.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from aiop.engines.oci.cause import cause_of
from aiop.engines.oci.cgroups import Cgroups
from aiop.engines.oci.chamber import Chamber
from aiop.engines.oci.directory import AttemptDirectory, Attempts, Exit, Note
from aiop.engines.oci.drain import Relief
from aiop.engines.oci.faults import StartRefused, disk_faults, start_faults
from aiop.engines.oci.host import look_at_host, shortcomings
from aiop.engines.oci.images import ImageStore
from aiop.engines.oci.init_layer import make_init_layer
from aiop.engines.oci.launching import Launcher, Link
from aiop.engines.oci.network import Network
from aiop.engines.oci.program import sealed
from aiop.engines.oci.roots import TooManyLayers
from aiop.engines.oci.router import Router
from aiop.engines.oci.running import Running
from aiop.engines.oci.seccomp import compiled
from aiop.engines.oci.spec import CAPABILITIES
from aiop.engines.oci.user_namespace import inside
from aiop.engines.oci.users import UnknownUser
from aiop.engines.oci.volumes import BadName, Volumes
from aiop.errors import EngineRefused, ImageRefused, StepLost
from aiop.interfaces import Capabilities, EngineInfo, OutputSink, still_ours
from aiop.model.definition import Network as NetworkMode
from aiop.model.definition import PullPolicy
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun, Credentials, Outcome
from aiop.model.state import Reason

__all__ = ["OciEngine"]


class OciEngine:
    """The containers of one installation, on this machine.

    ``root`` is a directory of our own, on a file system that overlayfs can write to; ``images`` is open, and stays so.
    At most ``start_limit`` containers are being started at a time, the others queue in order.
    """

    capabilities = Capabilities(
        cpu_limit=True,
        memory_limit=True,
        gpus=False,
        network_none=True,
        no_new_privileges=True,
        host_mounts=True,
        named_volumes=True,
        files=True,
        output_paths=True,
        read_only_volumes=True,
        live_mounts=True,
        graceful_stop=True,
        reattach=True,
        workspace=True,
        process_limit=True,
        user_names=True,
        live_parts=True,
    )

    def __init__(self, *, root: Path, installation: str, images: ImageStore, start_limit: int = 8) -> None:
        self._root = root
        self._images = images
        self._attempts = Attempts(root)
        self._cgroups = Cgroups(installation)
        self._router = Router(root / "router") if inside() else None
        if self._router is not None:
            self.capabilities = replace(
                self.capabilities,
                cpu_limit="cpu" in self._cgroups.usable,
                memory_limit="memory" in self._cgroups.usable,
            )
        self._chamber = Chamber(hidden=self._cgroups.hidden)
        self._relief = Relief(root)
        self._state = root / "state"
        self._network = Network(installation, router=self._router)
        self._launcher: Launcher | None = None
        self._opening = asyncio.Lock()
        self._starting = asyncio.Semaphore(start_limit)
        self._running: dict[StepKey, Running] = {}
        self._refused: dict[StepKey, Outcome] = {}
        self._runs: dict[StepKey, ContainerRun] = {}
        self._waiters: set[int] = set()
        self._version = ""

    async def check(self) -> EngineInfo:
        """Look whether this machine can run containers; raises ``EngineRefused`` with all that it lacks."""
        faults = await asyncio.to_thread(shortcomings)
        if os.geteuid() != 0 and not faults:
            faults.append("the service was not started for it: name no other engine in AIOP_ENGINE")
        missing = self._cgroups.missing()
        if missing and self._router is None:
            faults.append(f"limits need the cgroup controllers {', '.join(missing)}, which cannot be used here")
        if faults:
            raise EngineRefused(f"the embedded engine cannot run here: {'; '.join(faults)}")
        await self._opened()
        detail = {"runtime": f"crun {self._version}", "cgroups": self._cgroups.hierarchy.value}
        if self._router is not None:
            detail["user"] = "an ordinary one"
            detail["unlimited"] = ", ".join(missing)
            detail["network"] = self._router.obstacle() or ""
        return EngineInfo(type="oci", version=self._version, detail=detail)

    async def resolve(self, image: str, *, pull: PullPolicy, credentials: Credentials | None) -> str:
        """Ask the image store, and let it pull what it lacks."""
        return (await self._images.resolve(image, pull=pull, credentials=credentials)).digest

    async def start(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Make and start the container, or take up the one that is there."""
        self._let_go(key)
        launcher = await self._opened()
        if self._attempts.of(key).exists():
            # Also if its own start was cancelled, and is not done yet.
            await self._chamber.run(lambda: None)
            if (taken := await self._take_up(key, run, sink)) is not None:
                return taken.began_at
        return await self._launch(launcher, key, run, sink)

    async def adopt(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Take up the container that is there; one that was made and never started is started."""
        self._let_go(key)
        launcher = await self._opened()
        if not self._attempts.of(key).exists():
            raise StepLost(f"{key.name} is not here any more")
        if (taken := await self._take_up(key, run, sink)) is not None:
            return taken.began_at
        return await self._launch(launcher, key, run, sink)

    async def wait(self, key: StepKey) -> Outcome:
        """Await the end and collect how it ended."""
        if (refusal := self._refused.get(key)) is not None:
            return refusal
        running = self._running.get(key)
        if running is None:
            raise RuntimeError(f"{key.name} was neither started nor adopted")
        how = await asyncio.shield(running.ended)
        note = running.directory.note()
        if how is None or note is None:
            self._let_go(key)
            await self._bury(running.directory)
            raise StepLost(f"{key.name} was removed, or what watched it was killed")
        return await self._outcome(running, note, how, self._runs[key])

    async def stop(self, key: StepKey, *, grace: timedelta) -> None:
        """Send TERM, after ``grace`` KILL, and await the end."""
        directory = self._attempts.of(key)
        directory.note_stop()
        running, own = self._running.get(key), False
        if running is None:
            if directory.note() is None:
                return
            await self._opened()
            running, own = self._following(directory, _ignore), True
            with disk_faults():
                await running.open()
        try:
            await asyncio.shield(running.settled)
            for number, patience in ((signal.SIGTERM, grace.total_seconds()), (signal.SIGKILL, None)):
                if running.ended.done():
                    return
                running.signal(number)
                await asyncio.wait([running.ended], timeout=patience)
        finally:
            if own:
                running.close()

    async def remove(self, key: StepKey) -> None:
        """End the container if it runs, and delete all that belongs to it."""
        directory = self._attempts.of(key)
        self._let_go(key)
        self._runs.pop(key, None)
        if directory.exists():
            if directory.exit() is None:
                await self._end(directory)
            await asyncio.to_thread(self._delete, directory)
        await self._images.release(key.name)
        self._reap()

    async def attempts(self) -> Sequence[StepKey]:
        """List the directories."""
        return list(self._attempts.listed())

    async def aclose(self) -> None:
        """Stop reading; containers run on, and somebody reads what they write."""
        for key in list(self._running):
            self._let_go(key)
        containers = any(True for _ in self._attempts.listed())
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(self._relief.leave, containers=containers)
        self._reap()
        await self._network.aclose(containers=containers)
        await asyncio.to_thread(self._chamber.close)

    # --- start and adopt ------------------------------------------------------------------------------------

    async def _opened(self) -> Launcher:
        async with self._opening:
            if self._launcher is None:
                with disk_faults():
                    self._launcher = await self._chamber.run(self._open)
            return self._launcher

    def _open(self) -> Launcher:
        """In the chamber, once: make what is shared by all containers, and take over from whoever read last."""
        host = look_at_host()
        if host is None:
            raise EngineRefused(f"the embedded engine cannot run here: {'; '.join(shortcomings())}")
        self._version = host.version
        self._attempts.open()
        self._relief.take_over()
        kept = [self._attempts.of(key) for key in self._attempts.listed()]
        self._cgroups.open()
        self._cgroups.sweep({directory.name for directory in kept})
        self._network.keep(note.address for directory in kept if (note := directory.note()) and note.address)
        options = () if self._cgroups.usable else ("--cgroup-manager", "disabled")
        seccomp = compiled(host.runtime, host.version, self._root / "seccomp", capabilities=CAPABILITIES)
        return Launcher(
            self._chamber,
            self._cgroups,
            Volumes(self._root),
            runtime=(host.runtime, "--root", str(self._state), *options),
            program=sealed(host.runtime),
            init_layer=make_init_layer(self._root, host.init),
            seccomp=seccomp,
            boot=self._attempts.boot,
        )

    async def _take_up(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> Note | None:
        """Follow what is there; ``None`` if it was never started, and is gone now. Raises ``StepLost``."""
        directory = self._attempts.of(key)
        note = directory.note()
        if note is None:
            self._attempts.delete(directory)  # its making was broken off
            return None
        running = self._following(directory, sink)
        with disk_faults():
            await running.open()
        self._running[key], self._runs[key] = running, run
        if note.boot != self._attempts.boot:
            self._let_go(key)
            raise StepLost(f"the machine went down while {key.name} was there")
        if running.ended.done() and running.ended.result() is None:
            self._let_go(key)
            if directory.begun():
                await self._bury(directory)
                raise StepLost(f"what watched {key.name} was killed")
            self._attempts.delete(directory)
            return None
        return note

    async def _launch(self, launcher: Launcher, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        if run.resources.gpus is not None:
            self._refused[key] = Outcome(None, Reason.START_FAILED, "the embedded engine gives no GPUs to containers")
            return None
        try:
            image = await self._images.resolve(run.image, pull=run.pull, credentials=run.credentials)
        except ImageRefused as error:
            self._refused[key] = Outcome(exit_code=None, reason=Reason.IMAGE_PULL, error=str(error))
            return None
        await self._images.hold(image.digest, key.name)
        directory = self._attempts.of(key)

        def launch() -> Note:
            try:
                self._relief.stand_by()
                note, waiter = launcher.launch(directory, run, image, link)
            except BaseException:
                self._attempts.delete(directory)
                if link.address is not None:
                    self._network.give_back(link.address)
                raise
            finally:
                if link.descriptor is not None:
                    os.close(link.descriptor)
            self._waiters.add(waiter)
            return note

        async with self._starting:
            await still_ours()
            try:
                link = await self._link(run)
                with start_faults():
                    note = await self._chamber.run(launch)
            except (StartRefused, UnknownUser, BadName, TooManyLayers) as error:
                self._refused[key] = Outcome(exit_code=None, reason=Reason.START_FAILED, error=str(error))
                return None
            running = self._following(directory, sink)
            with disk_faults():
                await running.open()
            self._running[key], self._runs[key] = running, run
            await asyncio.shield(running.settled)
        if running.ended.done():
            how = running.ended.result()
            if how is not None and not how.started:
                return None
        return note.began_at

    async def _link(self, run: ContainerRun) -> Link:
        if run.network is NetworkMode.NONE:
            return Link()
        if self._router is not None and (obstacle := self._router.obstacle()) is not None:
            raise StartRefused(f"there is no network but `network: none` for containers of this user: {obstacle}")
        socket = await self._network.take()
        return Link(socket.descriptor, socket.address, self._network.resolvers)

    # --- the end --------------------------------------------------------------------------------------------

    async def _outcome(self, running: Running, note: Note, how: Exit, run: ContainerRun) -> Outcome:
        directory = running.directory
        if not how.started:
            words = directory.log() or f"crun ended with {how.code}"
            return Outcome(exit_code=None, reason=Reason.START_FAILED, error=words, image_digest=note.digest)
        outputs = {}
        if run.output_paths and self._launcher is not None:
            launcher = self._launcher
            with disk_faults():
                outputs = await self._chamber.run(lambda: launcher.read_outputs(directory, note, run))
        reason, error = cause_of(directory, how, self._cgroups)
        return Outcome(
            exit_code=how.code,
            reason=reason,
            error=error,
            started_at=note.began_at,
            finished_at=max(how.ended_at, note.began_at),
            image_digest=note.digest,
            output_file=directory.output_file(),
            outputs=outputs,
            log_gap="the output is larger than what is kept of it" if running.cut else None,
        )

    async def _end(self, directory: AttemptDirectory) -> None:
        """Kill what runs, and what is left of it if nobody watches it any more."""
        directory.note_removal()
        running = self._following(directory, _ignore)
        try:
            await running.open()
            await asyncio.shield(running.settled)
            if not running.ended.done():
                running.signal(signal.SIGKILL)
                await asyncio.shield(running.ended)
        except FileNotFoundError:
            pass  # it was being made
        finally:
            running.close()
        if directory.exit() is None:
            await self._bury(directory)

    async def _bury(self, directory: AttemptDirectory) -> None:
        """Kill what nobody watches any more, and have the runtime forget it."""
        launcher = await self._opened()
        self._cgroups.kill(directory.name)
        await self._chamber.run(lambda: launcher.forget(directory.name))

    def _delete(self, directory: AttemptDirectory) -> None:
        directory.release_waiter()
        self._cgroups.remove(directory.name)
        note = directory.note()
        if note is not None and note.address is not None:
            self._network.give_back(note.address)
        self._attempts.delete(directory)

    # --- small things ---------------------------------------------------------------------------------------

    def _following(self, directory: AttemptDirectory, sink: OutputSink) -> Running:
        return Running(directory, sink, runtime_state=self._state)

    def _let_go(self, key: StepKey) -> None:
        self._refused.pop(key, None)
        running = self._running.pop(key, None)
        if running is not None:
            running.close()

    def _reap(self) -> None:
        """Take note of the waiters that have ended; those of former services have other parents."""
        for waiter in list(self._waiters):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(waiter, os.WNOHANG) == (0, 0):
                    continue
            self._waiters.discard(waiter)


def _ignore(*_: object) -> None:
    """A sink for output that somebody else has, or nobody wants."""

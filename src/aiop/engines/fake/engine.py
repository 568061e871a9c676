"""``FakeEngine``: the contract of ``Engine`` without anything that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from aiop.engines.fake.container import FakeContainer
from aiop.engines.fake.world import FakeWorld, Method
from aiop.errors import EngineUnavailable, StepLost
from aiop.interfaces import Capabilities, EngineInfo, OutputSink, still_ours
from aiop.model.definition import PullPolicy
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun, Credentials, Outcome

__all__ = ["ALL_CAPABILITIES", "FakeEngine"]

ALL_CAPABILITIES = Capabilities(
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


class FakeEngine:
    """Works on a ``FakeWorld``; a second one on the same world is the service after a restart.

    Each misuse raises ``EngineMisuse`` and is noted in ``world.ledger.misuses``: two calls for one key at once (but for
    ``stop``), ``wait`` before ``start`` or ``adopt``, ``remove`` of what was started here and never waited for,
    ``start`` of what was removed, any call after ``aclose``.
    """

    def __init__(self, world: FakeWorld | None = None, *, capabilities: Capabilities = ALL_CAPABILITIES) -> None:
        self.world = world if world is not None else FakeWorld()
        self.capabilities = capabilities
        self._busy: dict[StepKey, Method] = {}
        self._attached: dict[StepKey, bool] = {}
        """Keys that ``start`` or ``adopt`` took up here; true once ``wait`` was called."""
        self._closed = False

    async def check(self) -> EngineInfo:
        """Answer, unless the world is down."""
        await self._meet("check", None)
        return EngineInfo(type="fake", version="1")

    async def resolve(self, image: str, *, pull: PullPolicy, credentials: Credentials | None) -> str:
        """Return the world's digest for the image, else one made of its name."""
        del pull, credentials
        await self._meet("resolve", None)
        return self.world.image_digest(image)

    async def start(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Start or adopt; the script plays up to its first pause before this returns."""
        with self._alone(key, "start"):
            if self.world.ledger.removed[key]:
                raise self.world.misuse(f"start of {key.name}, which was removed")
            await self._meet("start", key)
            container = self.world.containers.get(key)
            if container is None:
                await still_ours()
                container = self._create(key, run, sink)
            else:
                container.attach(sink)
            await self._meet("start", key, after=True)
            self._attached[key] = False
            return container.started_at

    async def adopt(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> datetime | None:
        """Take up what is in the world."""
        with self._alone(key, "adopt"):
            await self._meet("adopt", key)
            container = self._find(key)
            if _known_again(container.run) != _known_again(run):
                raise self.world.misuse(f"adopt of {key.name} with another run")
            container.attach(sink)
            await self._meet("adopt", key, after=True)
            self._attached[key] = False
            return container.started_at

    async def wait(self, key: StepKey) -> Outcome:
        """Return once the script has ended."""
        with self._alone(key, "wait"):
            if key not in self._attached:
                raise self.world.misuse(f"wait for {key.name}, which was neither started nor adopted")
            self._attached[key] = True
            try:
                return await self._collect(key)
            except (EngineUnavailable, StepLost):
                self._attached.pop(key, None)
                raise

    async def stop(self, key: StepKey, *, grace: timedelta) -> None:
        """End with 143, or after ``grace`` of the world's clock with 137 if the script ignores TERM."""
        await self._meet("stop", key)
        container = self.world.containers.get(key)
        if container is not None and container.running and container.script.ignores_term:
            await self._wait_for_end(container, grace)
            self._require_reachable()
            container.end(137)
        elif container is not None and container.running:
            container.end(143)
        await self._meet("stop", key, after=True)

    async def remove(self, key: StepKey) -> None:
        """Take it out of the world."""
        with self._alone(key, "remove"):
            if self._attached.get(key) is False:
                raise self.world.misuse(f"remove of {key.name}, which was never waited for")
            await self._meet("remove", key)
            container = self.world.containers.pop(key, None)
            if container is not None:
                container.vanish()
                self.world.ledger.removed[key] += 1
            self._attached.pop(key, None)
            self.world.note()
            await self._meet("remove", key, after=True)

    async def attempts(self) -> Sequence[StepKey]:
        """List the world."""
        await self._meet("attempts", None)
        return list(self.world.containers)

    async def aclose(self) -> None:
        """Forget the sinks; the world goes on."""
        self._closed = True
        for key in self._attached:
            container = self.world.containers.get(key)
            if container is not None:
                container.sink = None

    def _create(self, key: StepKey, run: ContainerRun, sink: OutputSink) -> FakeContainer:
        world = self.world
        container = FakeContainer(
            key,
            run,
            world.script_for(key, run),
            clock=world.clock,
            observer=world.observe,
            image_digest=world.image_digest(run.image),
        )
        container.sink = sink
        world.containers[key] = container
        world.ledger.runs[key] = run
        if container.script.startable:
            world.ledger.started[key] += 1
            container.start()
        world.note()
        return container

    async def _collect(self, key: StepKey) -> Outcome:
        await self._meet("wait", key)
        container = self._find(key)
        while container.running:
            await container.changed()
            self._require_reachable()
        if container.lost or container.killed:
            raise StepLost(f"{key.name} was ended from outside")
        await self._meet("wait", key, after=True)
        self.world.ledger.collected[key] += 1
        self.world.note()
        return container.outcome()

    async def _wait_for_end(self, container: FakeContainer, grace: timedelta) -> None:
        """Return when the container has ended or ``grace`` has passed."""
        ended = asyncio.ensure_future(self.world.until(lambda _: not container.running or not self.world.reachable))
        passed = asyncio.ensure_future(self.world.clock.sleep(grace))
        try:
            await asyncio.wait({ended, passed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            passed.cancel()

    def _find(self, key: StepKey) -> FakeContainer:
        container = self.world.containers.get(key)
        if container is None:
            raise StepLost(f"{key.name} is not there")
        return container

    async def _meet(self, method: Method, key: StepKey | None, *, after: bool = False) -> None:
        """Do what the world has in store for this call, and let others run, as an engine that is far away does."""
        if self._closed:
            raise self.world.misuse(f"{method} after aclose")
        await asyncio.sleep(0)
        await self.world.meet_faults(method, key, after=after)

    def _require_reachable(self) -> None:
        if not self.world.reachable:
            raise EngineUnavailable("the engine is down")

    @contextmanager
    def _alone(self, key: StepKey, method: Method) -> Iterator[None]:
        """Refuse a second call for the key while one is under way."""
        other = self._busy.get(key)
        if other is not None:
            raise self.world.misuse(f"{method} of {key.name} during {other}")
        self._busy[key] = method
        try:
            yield
        finally:
            del self._busy[key]


def _known_again(run: ContainerRun) -> ContainerRun:
    """Return what of a run is the same whenever it is rendered: its secrets may have been replaced."""
    return replace(
        run, environment=dict.fromkeys(run.environment, ""), files=dict.fromkeys(run.files, b""), credentials=None
    )

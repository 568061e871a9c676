"""What the suite is run on: an engine, and what a test needs to know of the place where it runs."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from aiop.engines.dagger import DaggerEngine
from aiop.engines.docker import DockerEngine
from aiop.engines.fake import FakeEngine, FakeWorld, Pause, Print, Script
from aiop.engines.kubernetes import ClusterAccess, KubernetesEngine
from aiop.engines.oci.engine import OciEngine
from aiop.errors import StartDelayed
from aiop.interfaces import Engine
from aiop.model.agent import PodSettings
from aiop.model.definition import Network
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.records import Stream
from aiop.model.run import ContainerRun, HostMount, Outcome, VolumeMount
from dagger_lab import DaggerLab
from docker_lab import docker_client
from kubernetes_lab import KubernetesLab
from oci_lab import OciLab

GRACE = timedelta(seconds=1)


class Output:
    """A sink that remembers, and can be waited on."""

    def __init__(self) -> None:
        self.pieces: list[tuple[Stream, bytes, datetime]] = []
        self._arrived = asyncio.Event()

    def __call__(self, stream: Stream, data: bytes, at: datetime) -> None:
        self.pieces.append((stream, data, at))
        self._arrived.set()

    @property
    def stdout(self) -> bytes:
        return b"".join(data for stream, data, _ in self.pieces if stream is Stream.STDOUT)

    @property
    def stderr(self) -> bytes:
        return b"".join(data for stream, data, _ in self.pieces if stream is Stream.STDERR)

    async def shows(self, text: bytes) -> None:
        """Return once stdout holds ``text``."""
        while text not in self.stdout:
            self._arrived.clear()
            await self._arrived.wait()


class Subject:
    """One implementation. ``make`` gives another engine on the same containers, as a restarted service has."""

    def __init__(self, make: Callable[[], Engine], *, image: str, directory: Path) -> None:
        self.make = make
        self.engine = make()
        self.image = image
        self.directory = directory
        self.engines = [self.engine]
        self.keys: list[StepKey] = []

    def key(self, step: str = "step") -> StepKey:
        """A key that nobody used before; what bears it is removed after the test."""
        key = StepKey(ExecutionId(str(uuid4())), StepId(step))
        self.keys.append(key)
        return key

    def restarted(self) -> Engine:
        """The engine of the service after a restart."""
        engine = self.make()
        self.engines.append(engine)
        return engine

    def run(self, text: str, *, script: Script | None = None, **more: object) -> ContainerRun:
        """A container that runs ``text`` by ``sh -c``; ``script`` says the same to a fake that cannot."""
        more.setdefault("network", Network.NONE)
        return ContainerRun(self.image, command=("sh", "-c", text), **more)  # type: ignore[arg-type]

    def gated(self, *, before: str = "", after: str = "", code: int = 0) -> tuple[ContainerRun, Callable[[], None]]:
        """A container that writes ``before``, runs until the returned function is called, writes ``after``, ends."""
        gate = self.directory / str(uuid4())
        gate.mkdir()
        wait = "while [ ! -e /gate/open ]; do sleep 0.02; done"
        run = self.run(
            f"printf '%s' '{before}'\n{wait}\nprintf '%s' '{after}'\nexit {code}",
            mounts=(HostMount(str(gate), "/gate", read_only=True),),
        )
        return run, (gate / "open").touch

    async def outcome(self, run: ContainerRun, output: Output | None = None) -> Outcome:
        """Run to the end and remove."""
        key = self.key()
        while True:
            with contextlib.suppress(StartDelayed):
                await self.engine.start(key, run, output or Output())
                break
        outcome = await self.engine.wait(key)
        await self.engine.remove(key)
        return outcome

    async def remove_volume(self, name: str) -> None:
        """Remove a named volume; nothing in the contract does."""

    async def aclose(self) -> None:
        """Remove what is left."""
        cleaner = self.make()
        try:
            for key in self.keys:
                await cleaner.remove(key)
        finally:
            for engine in [*self.engines, cleaner]:
                await engine.aclose()


def needs(subject: Subject, capability: str) -> None:
    """Skip where the engine says that it cannot do what is tried."""
    if not getattr(subject.engine.capabilities, capability):
        pytest.skip(f"this engine declares no {capability} in its Capabilities, and the service reckons with that")


def needs_real_containers(
    subject: Subject, why: str = "it has no images, users, limits or networks to be looked at"
) -> None:
    """Skip on the fake, which is for tests of what is above the engines and is told by scripts what it cannot do."""
    if isinstance(subject, FakeSubject):
        pytest.skip(f"the engine in memory starts no process: {why}; the real engines have this test")


class FakeSubject(Subject):
    """The fake, told by scripts what it cannot interpret."""

    def __init__(self, make: Callable[[FakeWorld], FakeEngine], *, directory: Path) -> None:
        self.scripts: dict[str, Script] = {}
        self.world = FakeWorld(lambda key, run: self.scripts.get(run.command[2]) if run.command else None)
        super().__init__(lambda: make(self.world), image="busybox", directory=directory)

    def run(self, text: str, *, script: Script | None = None, **more: object) -> ContainerRun:
        if script is not None:
            self.scripts[text] = script
        return super().run(text, **more)

    def gated(self, *, before: str = "", after: str = "", code: int = 0) -> tuple[ContainerRun, Callable[[], None]]:
        acts = (Print(Stream.STDOUT, before.encode()), Pause(), Print(Stream.STDOUT, after.encode()))
        step = f"gated {uuid4()}"
        run = self.run(step, script=Script(acts=acts, exit_code=code))

        def release() -> None:
            for key, container in self.world.containers.items():
                if container.run == run:
                    self.world.release(key)

        return run, release


class DockerSubject(Subject):
    """A real Docker Engine."""

    def __init__(self, endpoint: str, *, image: str, directory: Path, **options: object) -> None:
        self.endpoint = endpoint
        self.options = {
            "endpoint": endpoint,
            "installation": "contract-tests",
            "handover": directory / "handover",
            **options,
        }
        super().__init__(lambda: DockerEngine(**self.options, start_limit=4), image=image, directory=directory)

    def restarted(self, **options: object) -> Engine:
        engine = DockerEngine(**{**self.options, **options}, start_limit=4)
        self.engines.append(engine)
        return engine

    async def remove_volume(self, name: str) -> None:
        async with docker_client(self.endpoint) as docker:
            await (await docker.volumes.get(name)).delete()


class DaggerSubject(Subject):
    """A real Dagger Engine."""

    def __init__(self, lab: DaggerLab, *, directory: Path, **options: Any) -> None:
        scratch = directory / "scratch"
        super().__init__(
            lambda: DaggerEngine(endpoint=lab.endpoint, scratch=scratch, **options),
            image=lab.image,
            directory=directory,
        )
        self._releases: set[asyncio.Task[Outcome]] = set()

    def run(self, text: str, *, script: Script | None = None, **more: object) -> ContainerRun:
        # The engine cannot do without a network.
        more.setdefault("network", Network.DEFAULT)
        return super().run(text, script=script, **more)

    def gated(self, *, before: str = "", after: str = "", code: int = 0) -> tuple[ContainerRun, Callable[[], None]]:
        """Host directories are copied, so the gate is in a volume, and another container opens it."""
        gate = (VolumeMount(f"aiop-gate-{uuid4()}", "/gate", read_only=False),)
        wait = "while [ ! -e /gate/open ]; do sleep 0.02; done"
        run = self.run(f"printf '%s' '{before}'\n{wait}\nprintf '%s' '{after}'\nexit {code}", mounts=gate)

        def release() -> None:
            opening = asyncio.create_task(self.outcome(self.run("touch /gate/open", mounts=gate)))
            self._releases.add(opening)

        return run, release

    async def aclose(self) -> None:
        await asyncio.gather(*self._releases)
        await super().aclose()


class KubernetesSubject(Subject):
    """A real cluster, of which this machine is the node."""

    def __init__(self, lab: KubernetesLab, *, directory: Path, **settings: Any) -> None:
        self.lab = lab
        self._claims: set[str] = set()
        access = ClusterAccess(kubeconfig=lab.text, namespace=lab.namespace)
        pods = PodSettings(**{"host_paths": True, **settings})
        super().__init__(
            lambda: KubernetesEngine(access=access, installation="contract-tests", settings=pods),
            image=lab.image,
            directory=directory,
        )

    def run(self, text: str, *, script: Script | None = None, **more: object) -> ContainerRun:
        # What a pod may reach is decided by the cluster's policies.
        more.setdefault("network", Network.DEFAULT)
        made = super().run(text, script=script, **more)
        for mount in made.mounts:
            if isinstance(mount, VolumeMount) and mount.name not in self._claims:
                self._claims.add(mount.name)
                place = self.directory / mount.name
                place.mkdir()
                self.lab.make_claim(mount.name, str(place))
        return made

    async def remove_volume(self, name: str) -> None:
        self.lab.remove_claim(name)


class OciSubject(Subject):
    """Containers of this machine, with no daemon."""

    def __init__(self, lab: OciLab, *, directory: Path) -> None:
        self.root = directory / "oci"
        super().__init__(
            lambda: OciEngine(root=self.root, installation=lab.installation, images=lab.images),
            image=lab.image,
            directory=directory,
        )

    async def remove_volume(self, name: str) -> None:
        shutil.rmtree(self.root / "volumes" / name)

"""Who can run a graph of containers: bare `crun run`, the raw Docker API, and the service."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import time
from pathlib import Path
from typing import Protocol
from unittest.mock import patch
from uuid import uuid4

from docker_overhead import RawDocker
from processor_time import Group
from task_graphs import Graph, Task

from aiop.client import AsyncClient
from aiop.engines.oci.cgroups import Cgroups
from aiop.engines.oci.chamber import Chamber
from aiop.engines.oci.directory import AttemptDirectory
from aiop.engines.oci.host import look_at_host
from aiop.engines.oci.images import ImageStore
from aiop.engines.oci.init_layer import make_init_layer
from aiop.engines.oci.launching import Launcher, Link
from aiop.engines.oci.seccomp import compiled
from aiop.engines.oci.spec import CAPABILITIES
from aiop.engines.oci.volumes import Volumes
from aiop.model.definition import Network, PullPolicy
from aiop.model.run import ContainerRun
from service_process import ServiceProcess

__all__ = ["Bare", "Contender", "Docker", "Service"]

CORES = os.cpu_count() or 1


class Contender(Protocol):
    """Runs graphs."""

    name: str

    async def run(self, graph: Graph) -> float:
        """Run it to its end; returns the seconds until then. What is left of it is gone when this returns."""

    def used(self) -> float:
        """Return the processor seconds used so far, by all that it is made of."""


class Bare:
    """Bundles as the engine makes them, with their overlay mounts, run by `crun run` alone and deleted."""

    name = "bare crun"

    def __init__(self, root: Path, images: ImageStore, image: str) -> None:
        self._root, self._images, self._name = root, images, image
        self._cgroups = Cgroups("bench")
        self._chamber = Chamber(hidden=self._cgroups.hidden)

    async def open(self) -> None:
        host = look_at_host()
        assert host is not None
        self._root.mkdir()

        def make() -> Launcher:
            program = compiled(host.runtime, host.version, self._root / "seccomp", capabilities=CAPABILITIES)
            return Launcher(
                self._chamber, self._cgroups, Volumes(self._root), boot="", program=None,
                runtime=(host.runtime, "--root", str(self._root / "state")),
                init_layer=make_init_layer(self._root, host.init), seccomp=program,
            )  # fmt: skip

        self._launcher = await self._chamber.run(make)
        self._image = await self._images.resolve(self._name, pull=PullPolicy.MISSING, credentials=None)

    async def run(self, graph: Graph) -> float:
        begin = time.perf_counter()
        with patch("aiop.engines.oci.launching.spawn_waiter", spawn_bare):
            await graph.run(self._run_one, graph.width * CORES)
        return time.perf_counter() - begin

    def used(self) -> float:
        return sum(
            spent.ru_utime + spent.ru_stime
            for spent in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        )

    async def _run_one(self, task: Task) -> None:
        directory = AttemptDirectory(self._root / uuid4().hex)
        run = ContainerRun(self._name, command=tuple(task.command), network=Network.NONE)
        _, pid = await self._chamber.run(lambda: self._launcher.launch(directory, run, self._image, Link()))
        ended = asyncio.Event()
        process = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(process, ended.set)
        await ended.wait()
        asyncio.get_running_loop().remove_reader(process)
        os.close(process)
        _, status = os.waitpid(pid, 0)  # noqa: ASYNC222 - it has ended
        assert status == 0, directory
        self._cgroups.remove(directory.name)
        shutil.rmtree(directory.path)


def spawn_bare(directory: Path, name: str, runtime: tuple[str, ...], _: None) -> int:
    """In the place of the waiter: nothing but `crun run`."""
    command = [*runtime, "run", "--bundle", str(directory), name]
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
    return os.posix_spawn(command[0], command, {"PATH": os.defpath}, file_actions=null, setsigdef=[signal.SIGPIPE])


class Docker:
    """The cheapest client of the Docker API: create, start, wait, delete."""

    def __init__(self, endpoint: str, image: str, *, network: str, daemon: Group, containers: Group) -> None:
        self.name = "Docker, bridge" if network == "default" else "Docker, no network"
        self._raw = RawDocker(endpoint, image, network, parent=f"/{containers.name}")
        self._groups = (daemon, containers)

    async def run(self, graph: Graph) -> float:
        begin = time.perf_counter()
        await graph.run(lambda task: self._raw.run_one(task.command), graph.width * CORES)
        return time.perf_counter() - begin

    def used(self) -> float:
        # The client is this process.
        return sum(group.seconds() for group in self._groups) + time.process_time()

    async def aclose(self) -> None:
        await self._raw.aclose()


class Service:
    """The whole service on the embedded engine; ``group`` is that of its process and all that it starts."""

    def __init__(self, service: ServiceProcess, client: AsyncClient, image: str, *, network: str, group: Group) -> None:
        self.name = "aiop" if network == "none" else "aiop, with network"
        self._client, self._image, self._network = client, image, network
        installation = (service.data_dir / "installation").read_text().strip()
        self._attempts = service.data_dir / "containers/attempts"
        self._groups = (group, Group(f"aiop/{installation}"))
        self._workflows: dict[str, str] = {}

    async def run(self, graph: Graph) -> float:
        if graph.name not in self._workflows:
            made = await self._client.workflows.create(graph.document(self._image, self._network))
            self._workflows[graph.name] = made.id
        workflow = self._workflows[graph.name]
        begin = time.perf_counter()
        ended = await asyncio.gather(*(self._client.run_and_wait(workflow) for _ in range(graph.copies)))
        taken = time.perf_counter() - begin
        for execution in ended:
            if execution.status != "completed":
                raise RuntimeError(f"{execution.status}: {execution.error}")
        # In another process: there is no event to await.
        while any(self._attempts.iterdir()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        return taken

    def used(self) -> float:
        return sum(group.seconds() for group in self._groups)

"""What a step costs on the embedded engine, against bare `crun run` of the same bundles, in turns, medians.

    python bench/oci_overhead.py [--rounds 5]

No-ops without a network, in a chain of 20 and 1-40-1. Processor time is that of the service with all that it started,
and that of the bare runs with all of theirs; the bare side makes the bundle and its mounts, and deletes them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from docker_overhead import CHAIN, chain_document, fan_document, timed_execution

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
from aiop.runtime.clock import SystemClock
from oci_lab import put_image
from service_process import ServiceProcess

IMAGE = "busybox:1"
TICKS = os.sysconf("SC_CLK_TCK")


def spawn_bare(directory: Path, name: str, runtime: tuple[str, ...], _: None) -> int:
    """In the place of the waiter: nothing but `crun run`."""
    command = [*runtime, "run", "--bundle", str(directory), name]
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
    return os.posix_spawn(command[0], command, {"PATH": os.defpath}, file_actions=null, setsigdef=[signal.SIGPIPE])


class Bare:
    """Bundles as the engine makes them, run by `crun run` alone."""

    def __init__(self, root: Path, images: ImageStore) -> None:
        self._root, self._images = root, images
        self._cgroups = Cgroups("bench")
        self._chamber = Chamber(hidden=self._cgroups.hidden)
        self._launcher: Launcher | None = None

    async def open(self) -> None:
        host = look_at_host()
        assert host is not None
        self._root.mkdir()

        def make() -> Launcher:
            program = compiled(host.runtime, host.version, self._root / "seccomp", capabilities=CAPABILITIES)
            return Launcher(
                self._chamber, self._cgroups, Volumes(self._root), boot="",
                runtime=(host.runtime, "--root", str(self._root / "state")), program=None,
                init_layer=make_init_layer(self._root, host.init), seccomp=program,
            )  # fmt: skip

        self._launcher = await self._chamber.run(make)
        self._image = await self._images.resolve(IMAGE, pull=PullPolicy.MISSING, credentials=None)

    async def run_one(self) -> None:
        directory = AttemptDirectory(self._root / uuid4().hex)
        run = ContainerRun(IMAGE, command=("true",), network=Network.NONE)
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

    async def many(self, count: int, concurrency: int) -> float:
        bound = asyncio.Semaphore(concurrency)

        async def bounded() -> None:
            async with bound:
                await self.run_one()

        begin = time.perf_counter()
        await asyncio.gather(*(bounded() for _ in range(count)))
        return time.perf_counter() - begin


def processor_time(pid: int | str) -> float:
    """Seconds that a process and its ended children have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        data.mkdir(mode=0o700)
        images = ImageStore(data / "images", SystemClock())
        await images.open()
        await put_image(images, IMAGE)
        service = ServiceProcess(data, engine="oci")
        bare = Bare(Path(directory) / "bare", images)
        await service.start()
        try:
            with patch("aiop.engines.oci.launching.spawn_waiter", spawn_bare):
                await bare.open()
                async with service.client() as client:
                    graphs = {
                        "chain": (chain_document(CHAIN, "none", IMAGE), CHAIN, 1),
                        "fan-out": (fan_document(40, "none", IMAGE), 42, 2 * (os.cpu_count() or 1)),
                    }
                    ids = {name: (await client.workflows.create(graphs[name][0])).id for name in graphs}
                    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in graphs}
                    for number in range(options.rounds + 1):
                        for name, (_, count, concurrency) in graphs.items():
                            before = processor_time("self")
                            wall = await bare.many(count, concurrency)
                            used = processor_time("self") - before
                            before = processor_time(service.pid)
                            ours = await timed_execution(client, ids[name])
                            row = (wall, ours, used, processor_time(service.pid) - before)
                            if number:
                                rows[name].append(tuple(value / count * 1000 for value in row))
                    for name, found in rows.items():
                        wall, ours, used, spent = (statistics.median(column) for column in zip(*found, strict=True))
                        print(
                            f"{name}: a step takes bare {wall:.1f} ms, aiop {ours:.1f} ms, x{ours / wall:.2f}; "
                            f"processor time bare {used:.1f} ms, aiop {spent:.1f} ms, x{spent / used:.2f}"
                        )
        finally:
            await service.stop()
            await images.aclose()


if __name__ == "__main__":
    asyncio.run(main())

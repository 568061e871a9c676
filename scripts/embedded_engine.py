"""Sees whether the service can run containers by itself, and puts the images of the examples into its store."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from aiop.engines.oci.cgroups import Cgroups
from aiop.engines.oci.host import look_at_host, shortcomings
from aiop.engines.oci.images import ImageStore
from aiop.engines.oci.network import Network
from aiop.engines.oci.router import Router
from aiop.engines.oci.user_namespace import enter
from aiop.errors import EngineError
from aiop.model.images import ImageConfig
from aiop.runtime.clock import SystemClock
from example_images import SALES, SHELL, data_set, root_of_busybox

__all__ = ["embedded_engine", "provide_images_to", "remove_network", "without_limits"]

PACKAGES = Path(__file__).with_name("packages.sh")
PULL_SECONDS = 30
PIECE = 1024 * 1024


def embedded_engine() -> str | None:
    """Name it, with its packages installed where that may be; ``None`` where another engine is wanted or needed."""
    if os.environ.get("DOCKER_HOST"):
        return None
    subprocess.run(["sh", str(PACKAGES), "embedded"], check=False)
    host = look_at_host()
    return None if host is None or shortcomings() else f"the embedded engine, by crun {host.version}"


def without_limits() -> bool:
    """Whether it cannot give containers all the limits that they ask for: an ordinary user's service often cannot."""
    return bool(Cgroups("demo").missing())


def provide_images_to(data_dir: Path) -> str:
    """Make sure that a service that does not run has both images; returns a sentence on where they came from."""
    if os.geteuid() == 0:
        return asyncio.run(_provide(data_dir / "images"))
    # Whoever enters the namespace of the user's containers stays there.
    program = [sys.executable, __file__, str(data_dir)]
    return subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def remove_network(data_dir: Path) -> None:
    """Remove the interfaces and cgroups that the containers of a service had; it must not run."""
    installation = data_dir / "installation"
    if installation.exists():
        router = Router(data_dir / "containers" / "router") if os.geteuid() != 0 else None
        Network(installation.read_text().strip(), router=router).dismantle()
        Cgroups(installation.read_text().strip()).dismantle()


async def _provide(directory: Path) -> str:
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = ImageStore(directory, SystemClock())
    await store.open()
    try:
        there = {name for image in store.list() for name in image.names}
        if f"docker.io/library/{SHELL}" in there:
            origin = f"{SHELL} is there"
        else:
            origin = f"{SHELL} was pulled"
            try:
                async with asyncio.timeout(PULL_SECONDS):
                    await store.pull(SHELL, None)
            except (EngineError, TimeoutError):
                await store.import_root(_pieces(root_of_busybox()), SHELL, ImageConfig(cmd=("sh",)))
                origin = f"{SHELL} was made from this machine's busybox, since no registry gave it"
        if f"docker.io/{SALES}" not in there:
            files = {f"data/{name}": text.encode() for name, text in data_set().items()}
            await store.import_root(_pieces(root_of_busybox(files)), SALES, ImageConfig(cmd=("sh",)))
            origin += f", {SALES} was made"
        return origin
    finally:
        await store.aclose()


async def _pieces(archive: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(archive), PIECE):
        yield archive[start : start + PIECE]


if __name__ == "__main__":
    where = Path(sys.argv[1])
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    enter(where / "containers" / "namespace")
    print(asyncio.run(_provide(where / "images")))

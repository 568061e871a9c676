"""The embedded engine for tests: what it needs of this machine, and a small image."""

import asyncio
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from aiop.engines.oci.cgroups import Cgroups
from aiop.engines.oci.host import shortcomings
from aiop.engines.oci.images import ImageStore
from aiop.engines.oci.network import Network
from aiop.model.images import ImageConfig
from aiop.runtime.clock import SystemClock
from docker_lab import busybox_root
from tars import pieces


class OciMissing(Exception):
    """The embedded engine cannot run here; the message says why."""


class OciLab:
    """A store with a small image, for tests to share; each has its own containers."""

    image = "aiop-test-busybox:1"

    def __init__(self, root: Path) -> None:
        if faults := shortcomings():
            raise OciMissing("; ".join(faults))
        self.installation = f"tests-{uuid4().hex[:8]}"
        self._images = root / "images"
        self.images = ImageStore(self._images, SystemClock())
        # Where a test asks for the lab, a loop is running already.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, self._fill()).result()

    async def _fill(self) -> None:
        await self.images.open()
        await put_image(self.images, self.image)

    def equip(self, data_dir: Path) -> None:
        """Give a service that is not started yet the image."""
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", self._images, data_dir / "images"], check=True)

    def close(self) -> None:
        """Remove what the engine has made on this machine."""
        dismantle(self.installation)


def forget(data_dir: Path) -> None:
    """Remove what the engine of a service has made on this machine."""
    installation = data_dir / "installation"
    if installation.exists():
        dismantle(installation.read_text().strip())


def dismantle(installation: str) -> None:
    Network(installation).dismantle()
    Cgroups(installation).dismantle()


def left_by(root: Path) -> list[str]:
    """Say what is left of containers that an engine has run in this directory, on the whole machine."""
    parts = [root / part for part in ("attempts", "trash", "state")]
    found = [f"directory {place}" for part in parts if part.exists() for place in part.iterdir()]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [f"mount {line.split()[4]}" for line in mounts if str(root) in line]
    own = Path("/proc").glob("[0-9]*/cmdline")
    found += [f"process {path.parent.name}" for path in own if f"{root}/state" in _arguments(path)]
    return found


def _arguments(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def put_image(store: ImageStore, name: str) -> None:
    """Import Debian's busybox."""
    await store.import_root(pieces(busybox_root(), 1024 * 1024), name, ImageConfig())

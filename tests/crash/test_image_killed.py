"""The service is killed while an image comes: nothing half made counts, the next start clears it away."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aiop.engines.oci.images import ImageStore
from aiop.model.definition import PullPolicy
from aiop.model.run import Credentials
from aiop.runtime.clock import SystemClock
from contract.engine.registry import PASSWORD, USER
from image_lab import ImageLab, layer, member

pytestmark = pytest.mark.oci

PULL = """\
import asyncio, sys
from pathlib import Path
from aiop.engines.oci.images import ImageStore
from aiop.model.definition import PullPolicy
from aiop.model.run import Credentials
from aiop.runtime.clock import SystemClock

async def main(root, image, host, user, password):
    store = ImageStore(Path(root), SystemClock())
    await store.open()
    await store.resolve(image, pull=PullPolicy.MISSING, credentials=Credentials(host, user, password))

asyncio.run(main(*sys.argv[1:]))
"""

MOMENTS: dict[str, Callable[[Path], bool]] = {
    "it has asked the registry": lambda root: any(root.glob("t/auth-*")),
    "a layer is being unpacked": lambda root: any(root.glob("s/overlay/" + "[0-9a-f]" * 64 + "/diff/*")),
    "all layers are there": lambda root: len(list(root.glob("s/overlay/l/*"))) == len(LAYERS),
    "the image is there": lambda root: any(root.glob("s/overlay-images/" + "[0-9a-f]" * 64 + "/manifest")),
}
LAYERS = [layer(*(member(f"d{number}/f{each}", os.urandom(2000)) for each in range(300))) for number in range(3)]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_killed_pull_leaves_nothing_half_made(image_lab: ImageLab, tmp_path: Path, moment: str) -> None:
    image, root = image_lab.image("killed:1", *LAYERS), tmp_path / "images"
    command = [sys.executable, "-c", PULL, str(root), image, image_lab.host, USER, PASSWORD]
    service = await asyncio.create_subprocess_exec(*command)
    async with asyncio.timeout(60):
        while service.returncode is None and not MOMENTS[moment](root):  # noqa: ASYNC110
            await asyncio.sleep(0.001)  # another process: there is no event to await
    service.kill()
    await service.wait()
    store = ImageStore(root, SystemClock())
    await store.open()
    kept = store.list()
    assert len(layers_in(root)) == len(LAYERS) * len(kept)
    assert not list((root / "t").iterdir())
    found = await store.resolve(image, pull=PullPolicy.MISSING, credentials=Credentials(image_lab.host, USER, PASSWORD))
    assert found.digest == image_lab.digest(image)
    assert [len(list(path.rglob("f*"))) for path in map(Path, map(os.path.realpath, found.layers))] == [300] * 3
    await store.prune(0)
    assert layers_in(root) == []
    await store.aclose()


def layers_in(root: Path) -> list[Path]:
    return list(root.glob("s/overlay/" + "[0-9a-f]" * 64))

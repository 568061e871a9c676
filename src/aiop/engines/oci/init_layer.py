"""What lies on top of each image: the init program, and the places that a runtime mounts on."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from aiop.engines.oci.spec import INIT

__all__ = ["make_init_layer"]

_DIRECTORIES = ("dev", "etc", "proc", "sys")


def make_init_layer(directory: Path, init: str) -> Path:
    """Make the layer, once for each version of the init program; returns where it is."""
    content = Path(init).read_bytes()
    place = directory / hashlib.sha256(content).hexdigest()[:12]
    if place.exists():
        return place
    draft = directory / f"draft-{os.urandom(4).hex()}"
    program = draft / INIT.lstrip("/")
    for name in (*_DIRECTORIES, str(program.parent.relative_to(draft))):
        (draft / name).mkdir(parents=True)
        (draft / name).chmod(0o755)
    program.write_bytes(content)
    program.chmod(0o755)
    (draft / "etc/mtab").symlink_to("/proc/mounts")
    draft.chmod(0o755)
    try:
        draft.rename(place)
    except OSError:
        # Another engine was faster.
        shutil.rmtree(draft)
    return place

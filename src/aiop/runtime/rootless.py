"""The service of an ordinary user: taken into a user namespace of its own if it is to run containers by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from aiop.config import Settings
from aiop.engines.oci.user_namespace import CannotEnter, enter, inside

__all__ = ["CannotEnter", "is_root_of_machine", "rootless", "run_inside"]


def is_root_of_machine() -> bool:
    """Whether the service may do with files whatever it likes; not so root of a user namespace."""
    return os.geteuid() == 0 and not inside()


@contextmanager
def rootless(settings: Settings) -> Iterator[None]:
    """Hold until the end of the service. If it cannot be, its log says why, and the service stays what it is.

    To be entered while the process has a single thread. The namespace stays for containers that run on.
    """
    wanted = settings.engine == "oci" or (settings.engine == "auto" and not settings.docker_endpoint)
    if os.geteuid() == 0 or not wanted:
        yield
        return
    from aiop.engines.oci.host import shortcomings

    containers = settings.data_dir / "containers"
    if shortcomings():
        # Whoever chooses the engine says so.
        yield
        return
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        pin = enter(containers / "namespace")
    except (CannotEnter, OSError) as error:
        structlog.get_logger().warning("user_namespace_refused", error=str(error))
        yield
        return
    try:
        yield
    finally:
        attempts = containers / "attempts"
        if not attempts.exists() or not any(attempts.iterdir()):
            pin.end()


def run_inside(command: Sequence[str]) -> int:
    """Run a command as the root that containers of this user have, and return its exit code. Raises ``CannotEnter``."""
    with TemporaryDirectory() as directory:
        pin = enter(Path(directory) / "namespace")
        try:
            return subprocess.run(command, check=False).returncode  # noqa: S603 - it is what the user wants
        finally:
            pin.end()

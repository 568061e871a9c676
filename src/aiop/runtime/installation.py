"""The data directory: who this replica is, its keys, and the lock that keeps it to one process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aiop.config import Settings
from aiop.errors import AiopError
from aiop.model.ids import new_id

__all__ = ["Installation", "InstallationInUseError", "open_installation"]


class InstallationInUseError(AiopError):
    """Another process of the service works in the data directory."""


@dataclass(frozen=True, slots=True)
class Installation:
    """``replica`` stays for the life of the data directory, and owns leases across restarts; ``id`` marks containers,
    and is that of the database: all replicas have the same.
    """

    replica: str
    id: str
    directory: Path
    secret: str

    @property
    def handover(self) -> Path:
        """Where steps on this machine leave their outputs."""
        return self.directory / "handover"

    @property
    def artifacts(self) -> Path:
        """Where sources, workspaces and outputs are; a short name, for it is in the options of mounts many times."""
        return self.directory / "artifacts"

    @property
    def images(self) -> Path:
        """Where the embedded engine's images are; a short name, as for artifacts."""
        return self.directory / "images"

    @property
    def dagger(self) -> Path:
        """What is on its way from and to Dagger Engines; of no use after the end of the process."""
        return self.directory / "dagger"

    @property
    def containers(self) -> Path:
        """What the embedded engine keeps of the containers that it runs."""
        return self.directory / "containers"

    @property
    def admin_password_file(self) -> Path:
        """Where the first start leaves the password of ``admin``."""
        return self.directory / "admin-password"


@contextlib.contextmanager
def open_installation(settings: Settings) -> Iterator[Installation]:
    """Make the data directory at the first start, and lock it; raises ``InstallationInUseError``."""
    directory = settings.data_dir.expanduser().resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InstallationInUseError(f"another aiop is running in {directory}") from None
        secret = settings.secret_key.get_secret_value() if settings.secret_key else None
        own = _kept(directory / "installation", new_id)
        yield Installation(
            replica=own,
            id=own,
            directory=directory,
            secret=secret or _kept(directory / "secret-key", lambda: secrets.token_urlsafe(48)),
        )
    finally:
        os.close(lock)


def _kept(path: Path, make: Callable[[], str]) -> str:
    """Return the line in the file, which is made whole or not at all, and readable by its owner only."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        value = make()
        file.write(value + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return value

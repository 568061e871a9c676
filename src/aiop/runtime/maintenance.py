"""What is done to a database from outside of the service: ``aiop db``."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from aiop.config import Settings
from aiop.errors import InvalidState
from aiop.runtime.installation import InstallationInUseError
from aiop.store import HEAD, Schema, upgrade
from aiop.store.copying import CopiedTable, copy
from aiop.store.integrity import Condition, examine

__all__ = ["CopiedTable", "check_database", "copy_database", "upgrade_database"]


def upgrade_database(settings: Settings, *, force: bool) -> tuple[Schema, str]:
    """Make the tables, or bring them up to date; returns what was there, and the revision that is there now.

    Raises ``SchemaUnfit`` (never with ``force``, if it is for others at work), ``StorageUnavailable``, ``ValueError``,
    and ``InstallationInUseError`` for a SQLite database that is in use.
    """
    with _alone(settings):
        found = asyncio.run(upgrade(settings.store_url, force=force))
        # What a newer release made of it stays.
        return found, max(found.revision or HEAD, HEAD)


def check_database(settings: Settings) -> Condition:
    """Look the database through, also while it is in use; raises ``StorageUnavailable``, ``ValueError``."""
    return asyncio.run(examine(settings.store_url))


def copy_database(settings: Settings, source: Path | None, *, copied: Callable[[CopiedTable], None]) -> Path:
    """Copy a SQLite database, by default that of the data directory, into the one of the settings; returns its path.

    Raises ``InvalidState`` if either is not fit for that, ``InstallationInUseError``, ``StorageUnavailable``,
    ``ValueError``.
    """
    path = (source or settings.data_dir / "aiop.db").expanduser().resolve()
    if not path.is_file():
        raise InvalidState(f"there is no database at {path}")
    if not settings.shares_database:
        raise InvalidState("AIOP_DATABASE_URL must name the PostgreSQL database to copy to")
    with _locked(path.parent):
        asyncio.run(copy(f"sqlite+aiosqlite:///{path}", settings.store_url, copied=copied))
    return path


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    if settings.shares_database:
        yield
    else:
        with _locked(settings.data_dir.expanduser().resolve()):
            yield


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep a service from starting on what is in the directory; a copy that lies elsewhere has no lock."""
    path = directory / "lock"
    if not path.exists():
        yield
        return
    lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InstallationInUseError(f"aiop is running in {directory}") from None
        yield
    finally:
        os.close(lock)

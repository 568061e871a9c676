"""How what a step writes to ``AIOP_OUTPUT`` comes to us.

A directory of ours, mounted into the container, costs nothing; a copy out of the container costs the engine about
60 ms. Whether the engine sees our directories is proved by its taking the first one as a mount: each is named after an
attempt, so no other machine has it by chance.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from aiop.errors import EngineUnavailable
from aiop.model.run import OUTPUT_LIMIT, OutputFile

__all__ = ["AIOP_OUTPUT", "MOUNT_POINT", "OUTPUT_FILE_LIMIT", "Handover"]

MOUNT_POINT = "/aiop"
AIOP_OUTPUT = f"{MOUNT_POINT}/output"

OUTPUT_FILE_LIMIT = 16 * OUTPUT_LIMIT
"""Of the whole file: room for 16 values of the largest size."""


class Handover:
    """A private directory with one directory for each attempt: what is mounted, and notes that no step can reach."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def prepare(self, name: str) -> str:
        """Make the directory of an attempt and return the path to mount; idempotent.

        Raises ``EngineUnavailable`` if it cannot be made now: the disk may be full.
        """
        own = self._root / name
        shared = own / "aiop"
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            own.mkdir(mode=0o700, exist_ok=True)
            shared.mkdir(exist_ok=True)
            shared.chmod(0o777)
        except OSError as error:
            raise EngineUnavailable(f"no directory can be made for what steps output: {error.strerror}") from error
        return str(shared)

    def exists(self, name: str) -> bool:
        """Whether the attempt has a directory here, and so in its container."""
        return (self._root / name).is_dir()

    def read(self, name: str) -> OutputFile | None:
        """Read what the step left; raises ``PermissionError`` if only the engine may.

        The step has had the directory to itself, so the file may be anything: a link is not followed, a pipe not
        waited for.
        """
        path = self._root / name / "aiop" / Path(AIOP_OUTPUT).name
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except PermissionError:
            raise
        except OSError:
            return OutputFile(None, "AIOP_OUTPUT is no regular file")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return OutputFile(None, "AIOP_OUTPUT is no regular file")
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(OUTPUT_FILE_LIMIT + 1)
        if len(content) > OUTPUT_FILE_LIMIT:
            return OutputFile(None, f"the file at AIOP_OUTPUT is larger than {OUTPUT_FILE_LIMIT} bytes")
        return OutputFile(content)

    def note_stop(self, name: str) -> None:
        """Write down that this attempt is ended by us, so that it is known after a restart of the service too.

        On a full disk it is not: what is to end must end all the same.
        """
        own = self._root / name
        if own.is_dir():
            with suppress(OSError):
                (own / "stopped").touch()

    def was_stopped(self, name: str) -> bool:
        """Whether ``note_stop`` was called."""
        return (self._root / name / "stopped").exists()

    def remove(self, name: str) -> None:
        """Delete the directory of an attempt; what another user left in it may stay behind."""
        shutil.rmtree(self._root / name, ignore_errors=True)

"""All that is kept of an attempt: a directory of its name. Nothing else knows that it exists.

| file | |
|---|---|
| ``note`` | how it was made; written before it is started |
| ``config.json``, ``log`` | for and from the runtime |
| ``u``, ``w``, ``r`` | the layer that the container writes to, scratch of overlayfs, where its root is mounted |
| ``x``, ``b0``, ``b1``, ... | where its workspace and what it is given of this machine is mounted |
| ``out``, ``err`` | pipes to which it writes |
| ``1``, ``2`` | what was read from them |
| ``status`` | pipe: the process id, once it is started, then a space and the exit code |
| ``begun`` | the waiter runs, or has run |
| ``exit`` | how it ended; whatever was written is in ``1`` and ``2`` then |
| ``ack`` | pipe on which the waiter waits until that is so |
| ``stopped``, ``removed`` | somebody asked for its end, or for its removal |
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.run import OUTPUT_LIMIT, OutputFile

__all__ = ["OUTPUT_FILE_LIMIT", "AttemptDirectory", "Attempts", "Exit", "Note"]

OUTPUT_FILE_LIMIT = 16 * OUTPUT_LIMIT
"""Of the whole file at ``AIOP_OUTPUT``: room for 16 values of the largest size."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PIPES = ("out", "err", "status", "ack")


@dataclass(frozen=True, slots=True)
class Note:
    """What must be known of an attempt by a service that did not make it. Times are microseconds."""

    boot: str
    started_at: int
    digest: str
    lowers: tuple[str, ...]
    """The directories that its root lies on, the topmost first."""
    binds: tuple[tuple[str, str], ...]
    """What else it sees, source and target."""
    workspace: tuple[str, ...]
    """Those of the workspace, its own layer first, and last where it is mounted; empty if it has none."""
    address: str | None

    @property
    def began_at(self) -> datetime:
        """When it was started."""
        return datetime.fromtimestamp(self.started_at / 1e6, UTC)


@dataclass(frozen=True, slots=True)
class Exit:
    """How an attempt ended; ``started``: the command ran, or the init program did."""

    code: int
    started: bool
    at: int

    @property
    def ended_at(self) -> datetime:
        """When it ended."""
        return datetime.fromtimestamp(self.at / 1e6, UTC)


class AttemptDirectory:
    """One attempt, that is there or not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def make(self, note: Note) -> None:
        """Make it with its pipes; raises ``FileExistsError``."""
        self.path.mkdir(mode=0o700)
        for part in ("u", "w", "r"):
            (self.path / part).mkdir()
        (self.path / "u").chmod(0o755)
        for pipe in _PIPES:
            os.mkfifo(self.path / pipe, 0o600)
        (self.path / "note").write_bytes(orjson.dumps(asdict(note)))

    def exists(self) -> bool:
        """Whether it is there."""
        return self.path.exists()

    def note(self) -> Note | None:
        """Read back; ``None`` if it was not made to the end."""
        try:
            found = orjson.loads((self.path / "note").read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        return Note(
            **{
                **found,
                "lowers": tuple(found["lowers"]),
                "binds": tuple((source, target) for source, target in found["binds"]),
                "workspace": tuple(found["workspace"]),
            }
        )

    def begun(self) -> bool:
        """Whether its waiter runs or has run."""
        return (self.path / "begun").exists()

    def exit(self) -> Exit | None:
        """Read how it ended; ``None`` if that is not known yet."""
        try:
            return Exit(**orjson.loads((self.path / "exit").read_bytes()))
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None

    def write_exit(self, how: Exit) -> None:
        """Write down how it ended, at once or not at all."""
        draft = self.path / "exit.new"
        draft.write_bytes(orjson.dumps(asdict(how)))
        draft.rename(self.path / "exit")

    def release_waiter(self) -> None:
        """Let the waiter end, if it is there."""
        with contextlib.suppress(OSError):
            pipe = os.open(self.path / "ack", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                os.write(pipe, b"\n")
            finally:
                os.close(pipe)

    def log(self) -> str:
        """Return what the runtime said."""
        with contextlib.suppress(FileNotFoundError):
            return (self.path / "log").read_text(errors="replace").strip()
        return ""

    def head_of_stderr(self, size: int) -> bytes:
        """Return the first bytes that were written there."""
        with contextlib.suppress(FileNotFoundError), (self.path / "2").open("rb") as file:
            return file.read(size)
        return b""

    def note_stop(self) -> None:
        """Write down that somebody asked for its end; on a full disk it must end all the same."""
        if self.exists():
            with contextlib.suppress(OSError):
                (self.path / "stopped").touch()

    def was_stopped(self) -> bool:
        """Whether ``note_stop`` was called."""
        return (self.path / "stopped").exists()

    def note_removal(self) -> None:
        """Write down that it goes, before it is killed for that."""
        with contextlib.suppress(OSError):
            (self.path / "removed").touch()

    def is_whole(self) -> bool:
        """Whether it is there and stays, as far as is known."""
        return self.exists() and not (self.path / "removed").exists()

    def output_file(self) -> OutputFile | None:
        """Read what is at ``AIOP_OUTPUT``. The step could do there what it likes, so no link is followed."""
        try:
            upper = os.open(self.path / "u/aiop", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            descriptor = os.open("output", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=upper)
        except FileNotFoundError:
            return None
        except OSError:
            return OutputFile(None, "AIOP_OUTPUT is no regular file")
        finally:
            os.close(upper)
        status = os.fstat(descriptor)
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
            os.close(descriptor)
            return None  # removed
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            return OutputFile(None, "AIOP_OUTPUT is no regular file")
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(OUTPUT_FILE_LIMIT + 1)
        if len(content) > OUTPUT_FILE_LIMIT:
            return OutputFile(None, f"the file at AIOP_OUTPUT is larger than {OUTPUT_FILE_LIMIT} bytes")
        return OutputFile(content)


class Attempts:
    """The directories of all attempts of the installation."""

    def __init__(self, root: Path) -> None:
        self._root = root / "attempts"
        self._trash = root / "trash"
        self.boot = _BOOT.read_text().strip()

    def open(self) -> None:
        """Make what is to be there, and delete what was being deleted."""
        for directory in (self._root, self._trash):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for place in self._trash.iterdir():
            shutil.rmtree(place, ignore_errors=True)

    def of(self, key: StepKey) -> AttemptDirectory:
        """Return that of a key, which may not be there."""
        return AttemptDirectory(self._root / key.name)

    def listed(self) -> Iterator[StepKey]:
        """Go through the keys of all that are there."""
        if not self._root.exists():
            return
        for place in self._root.iterdir():
            # aiop-<36 characters of the execution>-<step>-<index>-<attempt>
            step, index, attempt = place.name[42:].rsplit("-", 2)
            yield StepKey(ExecutionId(place.name[5:41]), StepId(step), int(index), int(attempt))

    def delete(self, directory: AttemptDirectory) -> None:
        """Give the name free at once, then delete the rest."""
        place = self._trash / f"{directory.name}.{os.urandom(4).hex()}"
        with contextlib.suppress(FileNotFoundError):
            directory.path.rename(place)
            shutil.rmtree(place, ignore_errors=True)

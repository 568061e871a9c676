"""Who reads what containers write while no service is there.

A shell sleeps beside the service. When the service ends, however it does, the shell is told by the end of its standard
input and becomes this program, which fills the spools until a service comes back. So a container that writes much
goes on. Should the shell be killed too, such a container waits; nothing is lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import sys
import time
from pathlib import Path

from aiop.engines.oci.spool import Flow, Spool

__all__ = ["Relief", "main"]

_SLEEPER = 'read -r _ && exit; exec "$@"'
_PAUSE_MS = 1000


class Relief:
    """The service's hold on the spools: as long as it has them, nobody else reads the pipes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = -1
        self._end = -1
        self._sleeper = 0

    def take_over(self) -> None:
        """Have whoever reads in place of a service stop, and wait until that is so; it takes milliseconds."""
        lock = os.open(self._root / "reader", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                reader = int(os.pread(lock, 32, 0) or b"0")
                if reader == os.getpid():
                    break  # another engine of this process
                with contextlib.suppress(ProcessLookupError):
                    if reader:
                        os.kill(reader, signal.SIGTERM)
                time.sleep(0.005)
        os.pwrite(lock, f"{os.getpid():<32}".encode(), 0)
        self._lock = lock

    def stand_by(self) -> None:
        """See to it that somebody will take over; cheap if that is so already."""
        if self._sleeper and os.waitpid(self._sleeper, os.WNOHANG) == (0, 0):
            return
        if self._end >= 0:
            os.close(self._end)
        read, self._end = os.pipe()
        program = [sys.executable, "-P", "-m", "aiop.engines.oci.drain", str(self._root)]
        try:
            self._sleeper = os.posix_spawn(
                "/bin/sh",
                ["/bin/sh", "-c", _SLEEPER, "aiop-drain", *program],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, read, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
                setsid=True,
                setsigmask=[],
                setsigdef=(signal.SIGPIPE, signal.SIGTERM, signal.SIGINT),
            )
        finally:
            os.close(read)

    def leave(self, *, containers: bool) -> None:
        """Let go; with ``containers`` somebody must read on."""
        if self._end >= 0:
            if not containers:
                with contextlib.suppress(BrokenPipeError):
                    os.write(self._end, b"\n")
            os.close(self._end)
            self._end = -1
        if self._sleeper and not containers:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._sleeper, 0)
        self._sleeper = 0
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def main(root: Path) -> None:
    """Fill the spools until a service wants them, or nothing is left that could write."""
    lock = os.open(root / "reader", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # a service is there again
    os.pwrite(lock, f"{os.getpid():<32}".encode(), 0)
    spools = _spools(root / "attempts")
    poll = select.poll()
    for descriptor in spools:
        poll.register(descriptor, select.POLLIN)
    while spools:
        for descriptor, _ in poll.poll():
            try:
                flow = spools[descriptor].fill()
            except OSError:
                time.sleep(_PAUSE_MS / 1000)  # the disk is full
                continue
            if flow is Flow.OVER:
                poll.unregister(descriptor)
                spools.pop(descriptor).close()


def _spools(attempts: Path) -> dict[int, Spool]:
    found = {}
    for place in attempts.iterdir():
        for pipe, file in (("out", "1"), ("err", "2")):
            with contextlib.suppress(FileNotFoundError):
                spool = Spool(place / pipe, place / file)
                found[spool.pipe] = spool
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))

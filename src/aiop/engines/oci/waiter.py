"""What outlives the service: for each container a shell that runs it and keeps its pipes and its exit code.

It is the parent of the runtime, so it is told the exit code; it holds the pipes open, so nothing that was written is
lost while nobody reads. It ends when it is told that all was taken. Nothing depends on any other process. As nobody but
it holds the status pipe, the end of that tells of its own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

__all__ = ["spawn_waiter"]

_SCRIPT = """\
{ echo -900 >/proc/self/oom_score_adj; } 2>/dev/null
: >begun
"$@" --log log run --bundle . --pid-file status "$0" 3>&- 4>&-
echo " $?" >&3
read -r _ <&4
"""

_RESET = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD)


_PROGRAM = 5
"""Where the waiter has the runtime, if that is in memory."""


def spawn_waiter(directory: Path, name: str, runtime: Sequence[str], program: int | None) -> int:
    """Start it in the calling thread's namespaces, with ``directory`` as its working directory; returns its id.

    ``program`` is a descriptor of what is run in the place of ``runtime[0]``.
    """
    os.chdir(directory)
    held = []
    if program is not None:
        runtime = (f"/proc/self/fd/{_PROGRAM}", *runtime[1:])
        held = [(os.POSIX_SPAWN_DUP2, program, _PROGRAM)]
    # For reading too: so the pipes have a reader whatever happens to us, and a container is never ended by SIGPIPE.
    pipes = [os.open(directory / pipe, os.O_RDWR | os.O_CLOEXEC) for pipe in ("out", "err", "status", "ack")]
    try:
        return os.posix_spawn(
            "/bin/sh",
            ["/bin/sh", "-c", _SCRIPT, name, *runtime],
            {"PATH": os.defpath},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                *((os.POSIX_SPAWN_DUP2, pipe, number) for number, pipe in enumerate(pipes, start=1)),
                *held,
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=_RESET,
        )
    finally:
        for pipe in pipes:
            os.close(pipe)

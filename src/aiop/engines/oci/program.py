"""A program in memory, that nobody can change.

A runtime that runs from a file makes sure first that no container can write to it (CVE-2019-5736): it makes itself a
read-only mount, or a copy, and starts anew from that, at each start of a container. From a sealed file in memory it
runs as it is.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["sealed"]

_EXECUTABLE = 0x10
"""From linux/memfd.h; Python 3.11 has no word for it."""
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def sealed(program: str) -> int | None:
    """Return a descriptor of a copy, for the life of this process; ``None`` where the kernel runs no such copies."""
    try:
        try:
            copy = os.memfd_create(Path(program).name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING | _EXECUTABLE)
        except OSError:
            # Before Linux 6.3 nothing need be said, and nothing may.
            copy = os.memfd_create(Path(program).name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError:
        return None
    try:
        with open(copy, "wb", closefd=False) as file:
            file.write(Path(program).read_bytes())
        fcntl.fcntl(copy, fcntl.F_ADD_SEALS, _SEALS)
    except OSError:
        os.close(copy)
        return None
    return copy

"""Why a container has ended as it did: by itself, by the memory limit, or for want of its command."""

from __future__ import annotations

import re

from aiop.engines.oci.cgroups import Cgroups
from aiop.engines.oci.directory import AttemptDirectory, Exit
from aiop.model.state import Reason

__all__ = ["cause_of"]

_INIT_FAILED = re.compile(rb"\[FATAL tini \(\d+\)\] exec (.*) failed: (.*)\n?")
_HEAD = 512


def cause_of(directory: AttemptDirectory, how: Exit, cgroups: Cgroups) -> tuple[Reason | None, str | None]:
    """Return the reason of a failure, and words for people if there is more to say than the exit code."""
    if not how.code:
        return None, None
    if cgroups.oom_killed(directory.name):
        return Reason.OOM_KILLED, "the memory limit was reached"
    match = _INIT_FAILED.fullmatch(directory.head_of_stderr(_HEAD)) if how.code in (126, 127) else None
    if match is not None:
        command, words = (group.decode(errors="replace") for group in match.groups())
        return Reason.START_FAILED, f"exec {command}: {words}"
    return Reason.EXIT_CODE, None

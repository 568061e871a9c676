"""How the program ends. The codes are a promise to scripts; docs/how-to/command-line.md lists them."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from aiop.model.state import ExecutionStatus

__all__ = ["Exit", "Failure", "exit_for"]


class Exit(enum.IntEnum):
    """Exit codes."""

    OK = 0
    EXECUTION_FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOT_ALLOWED = 4
    UNREACHABLE = 5
    EXECUTION_CANCELLED = 6
    INTERNAL = 70
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class Failure(Exception):
    """Ends the program with one sentence on what is wrong, details, and one on what to do next."""

    def __init__(self, code: Exit, message: str, *, hint: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.hint = hint


def exit_for(status: ExecutionStatus) -> Exit:
    """Return the code with which watching an execution ends."""
    if status is ExecutionStatus.FAILED:
        return Exit.EXECUTION_FAILED
    return Exit.EXECUTION_CANCELLED if status is ExecutionStatus.CANCELLED else Exit.OK

"""What a fault of this machine means for a container: that it cannot be made, or that it cannot be made now."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from aiop.errors import EngineUnavailable

__all__ = ["StartRefused", "disk_faults", "start_faults"]

_PASSING = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EIO, errno.EROFS)
)
"""Faults that tell of the state that the machine is in, not of the container."""


class StartRefused(Exception):
    """This container cannot be made, however often it is tried; the message is for people."""


@contextmanager
def disk_faults() -> Iterator[None]:
    """A fault of the machine's state is no reason to give an attempt up: try again later."""
    try:
        yield
    except OSError as error:
        raise EngineUnavailable(_words_of(error)) from error


@contextmanager
def start_faults() -> Iterator[None]:
    """The same for a start, which other faults than those of the machine's state are against for good."""
    try:
        yield
    except OSError as error:
        if error.errno in _PASSING:
            raise EngineUnavailable(_words_of(error)) from error
        raise StartRefused(_words_of(error)) from error


def _words_of(error: OSError) -> str:
    return f"{error.filename or 'the embedded engine'}: {error.strerror}"

"""What words of skopeo mean: whose fault it is, and what people are told."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from aiop.errors import EngineError, EngineUnavailable, ImageRefused, ImageStoreFull, RegistryUnavailable

__all__ = ["disk_faults", "fault_of", "words_of"]

_FATAL = re.compile(r'level=fatal msg=("(?:[^"\\]|\\.)*"|\S+)')
_WRAPPED = re.compile(r'^Error parsing image name "[^"]*": ')
_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_NETWORK = re.compile(
    r"dial tcp|no such host|i/o timeout|timeout|deadline exceeded|connection (refused|reset)|broken pipe"
    r"|\bEOF\b|network is unreachable|no route to host|server misbehaving|toomanyrequests"
    r"|(unexpected|received) HTTP status:? 5|unexpected HTTP status: 5|\b50[0234] |proxyconnect"
)
"""What is said if the registry could not be asked, or could not answer now; as for a Docker Engine."""

_HERE = re.compile(
    r"cannot allocate memory|resource temporarily unavailable|too many open files|input/output error"
    r"|read-only file system|signal: killed|cannot connect to the docker daemon",
    re.IGNORECASE,
)
"""What is said if this machine is at fault."""

_LONGEST = 2000


def words_of(stderr: str) -> str:
    """Return the sentence that skopeo ended with."""
    if found := _FATAL.findall(stderr):
        last = found[-1]
        try:
            words = json.loads(last) if last.startswith('"') else last
        except ValueError:
            words = last
        return _WRAPPED.sub("", words)[:_LONGEST]
    lines = stderr.strip().splitlines()
    return lines[-1][:_LONGEST] if lines else "skopeo said nothing"


def fault_of(
    words: str, *, registry: bool = True, names: Iterable[str] = (), secrets: Iterable[str] = ()
) -> EngineError:
    """Turn the words into the error that they tell of. ``names`` are words of the user, which tell nothing; without a
    ``registry`` in the play none can be at fault.
    """
    for secret in secrets:
        words = words.replace(secret, "***") if secret else words
    signs = words
    for name in sorted(names, key=len, reverse=True):
        signs = signs.replace(name, "")
    if _NO_SPACE.search(signs):
        return ImageStoreFull(f"the disk of the image store is full: {words}")
    if _HERE.search(signs):
        return EngineUnavailable(words)
    if registry and _NETWORK.search(signs):
        return RegistryUnavailable(words)
    return ImageRefused(words)


@contextmanager
def disk_faults() -> Iterator[None]:
    """Turn a disk that cannot be written into ``ImageStoreFull`` or ``EngineUnavailable``."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ImageStoreFull(f"the disk of the image store is full: {error.strerror}") from error
        raise EngineUnavailable(f"the image store cannot be written: {error.strerror}") from error

"""The thread in which containers are made: it has a view of the file systems that nobody else has.

Namespaces belong to threads. What this one mounts is seen by the processes that it starts meanwhile, and by nothing
else on the machine; a mount ends with the last of them, however that ends. So there is nothing to unmount.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from aiop.engines.oci.linux import (
    MOUNT_NAMESPACE,
    MS_REC,
    MS_SLAVE,
    NETWORK_NAMESPACE,
    mount,
    set_namespace,
    unshare,
)

__all__ = ["Chamber"]

T = TypeVar("T")

_MOUNTS = "/proc/thread-self/ns/mnt"
_NETWORK = "/proc/thread-self/ns/net"


class Chamber:
    """One thread with mounts of its own. ``hidden`` is a directory that what it starts must not see into."""

    def __init__(self, *, hidden: str | None) -> None:
        self._hidden = hidden
        self._inside = False
        self._thread = ThreadPoolExecutor(1, "oci-chamber")

    async def run(self, work: Callable[[], T]) -> T:
        """Do ``work`` there, one after the other. It goes on if the caller is cancelled."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._entered, work)

    @contextmanager
    def fresh_mounts(self) -> Iterator[None]:
        """For ``work`` only: what is mounted inside of this is for the processes started inside of it.

        One in another begins with what is mounted in that, and adds nothing to it.
        """
        outer = os.open(_MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
        unshare(MOUNT_NAMESPACE)
        try:
            # Again, since a runtime writes into what is in the place of it; that goes with the container.
            self._hide()
            yield
        finally:
            # This takes the working directory back to the root as well, so no mount is held up by it.
            set_namespace(outer, MOUNT_NAMESPACE)
            os.close(outer)

    @contextmanager
    def network(self, descriptor: int | None) -> Iterator[None]:
        """For ``work`` only: what is started inside of this has that network; ``None`` changes nothing."""
        if descriptor is None:
            yield
            return
        outer = os.open(_NETWORK, os.O_RDONLY | os.O_CLOEXEC)
        set_namespace(descriptor, NETWORK_NAMESPACE)
        try:
            yield
        finally:
            set_namespace(outer, NETWORK_NAMESPACE)
            os.close(outer)

    def close(self) -> None:
        """End the thread once its work is done."""
        self._thread.shutdown()

    def _entered(self, work: Callable[[], T]) -> T:
        if not self._inside:
            self._enter()
        return work()

    def _enter(self) -> None:
        # A network of its own, which has nothing: an ordinary user's service could not go back to that of the machine.
        unshare(MOUNT_NAMESPACE | NETWORK_NAMESPACE)
        # What is mounted on the machine later is seen here, and not the other way round.
        mount("none", "/", flags=MS_REC | MS_SLAVE)
        self._hide()
        self._inside = True

    def _hide(self) -> None:
        if self._hidden is not None:
            mount("none", self._hidden, "tmpfs", options="mode=755")

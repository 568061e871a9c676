"""The way out for containers of an ordinary user: a network namespace in which ``slirp4netns`` is the way on.

To containers it is what the machine is to those of root. ``slirp4netns`` opens their connections anew, as a program of
the user, so what listens on this machine would be within their reach: it is kept from them in that namespace, by the
machine's addresses. The process outlives the service and holds the namespace, so one is the end of the other.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from aiop.engines.oci.linux import NETWORK_NAMESPACE, set_namespace, unshare
from aiop.engines.oci.pin import Pin

__all__ = ["AddressWatch", "Router", "local_addresses", "nameserver"]

_PATH = f"{os.defpath}:/usr/sbin:/sbin"
_PROGRAM = "slirp4netns"
_TUN = "/dev/net/tun"
_NAMESPACE, _READY = 3, 4
"""As which descriptors the program gets the namespace, and the pipe on which it says that it is ready."""

_CANDIDATES = tuple(ipaddress.IPv4Network(f"10.212.{number}.0/24") for number in range(256))
_ADDRESSES = 0x10
"""The group of rtnetlink that is told of addresses of version 4."""

_LOCAL = Path("/proc/self/net/fib_trie")
"""As the first thread sees it, which never leaves the machine's network."""


class Router:
    """That of one installation, as ``keeper`` names it."""

    def __init__(self, keeper: Path) -> None:
        self._pin = Pin(keeper)

    @staticmethod
    def obstacle() -> str | None:
        """Say what keeps this user from having one."""
        if shutil.which(_PROGRAM, path=_PATH) is None:
            return f"{_PROGRAM} is not installed"
        return None if os.access(_TUN, os.R_OK | os.W_OK) else f"{_TUN} cannot be opened by this user"

    @property
    def alive(self) -> bool:
        """Whether it is there."""
        return self._pin.process is not None

    def enter(self, routes: Iterable[str]) -> None:
        """Take the calling thread into the namespace, for good; ``routes`` are those of the machine.

        The thread must not be in another one: only root of the machine could go back. Raises ``OSError``.
        """
        with self._pin.locked():
            process = self._pin.process
            if process is None:
                process = _start(routes)
                self._pin.note(process)
        namespace = os.open(f"/proc/{process}/fd/{_NAMESPACE}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            set_namespace(namespace, NETWORK_NAMESPACE)
        finally:
            os.close(namespace)

    def end(self) -> None:
        """Let it go; containers that are there lose their network."""
        self._pin.end()


class AddressWatch:
    """Calls ``changed`` in the running loop when this machine has got or lost an address, until it is closed."""

    def __init__(self, changed: Callable[[], object]) -> None:
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        self._socket.bind((0, _ADDRESSES))
        self._loop.add_reader(self._socket, self._on_change)

    def _on_change(self) -> None:
        # What has changed is not read: the kernel is asked for all of them. It may also say that it has lost count.
        with suppress(OSError):
            while True:
                self._socket.recv(65536)
        self._changed()

    def close(self) -> None:
        """Stop it."""
        self._loop.remove_reader(self._socket)
        self._socket.close()


def nameserver(routes: Iterable[str]) -> str:
    """Return whom to ask for names in the namespace, by its routes: the program, which asks whom the machine asks."""
    networks = [ipaddress.IPv4Network(route, strict=False) for route in routes]
    own = next(network for network in networks if network in _CANDIDATES)
    return str(own[3])


def local_addresses() -> list[str]:
    """Read which addresses this machine has."""
    return _local_in(_LOCAL.read_text())


def _local_in(text: str) -> list[str]:
    """Find them in a file like ``/proc/net/fib_trie``: each on a line of its own, before what it is."""
    found, last = set(), ""
    for line in text.splitlines():
        words = line.split()
        if words[0] == "|--":
            last = words[1]
        elif words[0] == "/32" and words[-1] == "LOCAL":
            found.add(last)
    return sorted(found)


def _start(routes: Iterable[str]) -> int:
    taken = [ipaddress.ip_network(route, strict=False) for route in routes]
    subnet = next((subnet for subnet in _CANDIDATES if not any(subnet.overlaps(other) for other in taken)), None)
    if subnet is None:
        raise OSError("no subnet is free for slirp4netns: 10.212.0.0/16 is taken")
    program = shutil.which(_PROGRAM, path=_PATH)
    if program is None:
        raise OSError(f"{_PROGRAM} is not installed")
    # A thread that has left the machine's network cannot come back; this one ends.
    with ThreadPoolExecutor(1) as thread:
        namespace = thread.submit(_fresh).result()
    ready, tell = os.pipe()
    try:
        process = os.posix_spawn(
            program,
            [
                *(_PROGRAM, "--configure", "--mtu=65520", f"--cidr={subnet}"),
                *("--disable-host-loopback", "--enable-sandbox", f"--ready-fd={_READY}"),
                *("--netns-type=path", f"/proc/self/fd/{_NAMESPACE}", "tap0"),
            ],
            {"PATH": _PATH},
            file_actions=[
                *((os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)),
                *_moves({namespace: _NAMESPACE, tell: _READY}),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=(signal.SIGPIPE, signal.SIGTERM, signal.SIGINT),
        )
        os.close(tell)
        tell = -1
        if not os.read(ready, 1):
            os.waitpid(process, 0)
            raise OSError(f"{_PROGRAM} does not start: can this user open {_TUN}?")
    finally:
        for descriptor in (namespace, ready, tell):
            if descriptor >= 0:
                os.close(descriptor)
    return process


def _fresh() -> int:
    unshare(NETWORK_NAMESPACE)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _moves(places: dict[int, int]) -> list[tuple[int, int, int]]:
    """Move descriptors to their places by way of others, which may be each other's places."""
    aside = max(*places, *places.values()) + 1
    first = [(os.POSIX_SPAWN_DUP2, source, aside + number) for number, source in enumerate(places)]
    second = [(os.POSIX_SPAWN_DUP2, aside + number, place) for number, place in enumerate(places.values())]
    return [*first, *second]

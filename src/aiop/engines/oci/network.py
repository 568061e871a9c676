"""The default network: a way out by NAT, and nothing else. Not to this machine, not to other containers.

| | |
|---|---|
| ``aiop<id>`` | this machine's end of a pair of interfaces; has the first address of the subnet |
| ``aiop<id>b`` | the other end, with a ``macvlan`` on it for each container; the mode ``private`` keeps them apart |
| table ``aiop<id>`` of nftables | masquerades what goes out, drops what is for this machine, lets in only answers |

All of it is made once and stays, so a service that was killed leaves nothing to mend. What belongs to a container, its
namespace with one ``macvlan`` in it, ends with its processes. Namespaces are made ahead: one takes milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import subprocess
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson

from aiop.engines.oci.linux import NETWORK_NAMESPACE, set_namespace, unshare
from aiop.engines.oci.router import AddressWatch, Router, local_addresses, nameserver
from aiop.engines.oci.user_namespace import last_group
from aiop.errors import EngineRefused, EngineUnavailable

__all__ = ["Network", "Socket", "resolvers", "resolvers_here", "subnet_beside"]

_AHEAD = 8
"""Namespaces that are kept ready."""

_CANDIDATES = tuple(ipaddress.IPv4Network(f"10.{number}.0.0/16") for number in range(213, 250))
_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
_PUBLIC = "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"
_SYSCTLS = {
    # Docker sets the first two: a container has its ports to itself.
    "net/ipv4/ip_unprivileged_port_start": "0",
    "net/ipv4/ping_group_range": "0 2147483647",
    "net/ipv6/conf/default/disable_ipv6": "1",
    "net/ipv6/conf/all/disable_ipv6": "1",
}
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Socket:
    """A network namespace that nobody uses yet, and the address of its interface."""

    descriptor: int
    address: str


class Network:
    """The networks of one installation's containers."""

    def __init__(self, installation: str, *, router: Router | None = None) -> None:
        """With a ``router``, whatever is made of this machine's network is made in that namespace instead."""
        self._router = router
        # The kernel allows 15 characters.
        self._name = f"aiop{installation.replace('-', '')[-8:]}"
        self._used: set[str] = set()
        self._ready: deque[Socket] = deque()
        self._subnet: ipaddress.IPv4Network | None = None
        self._last = 1
        self._thread = ThreadPoolExecutor(1, "oci-network")
        self._making: asyncio.Task[None] | None = None
        self._watch: AddressWatch | None = None
        self._resolvers = ""

    @property
    def resolvers(self) -> str:
        """Whom containers ask for names, as in ``/etc/resolv.conf``; known once one was taken."""
        return self._resolvers or resolvers_here()

    def keep(self, addresses: Iterable[str]) -> None:
        """Say which addresses are those of containers that are there."""
        self._used.update(addresses)

    async def take(self) -> Socket:
        """Return a namespace; whoever gets it closes its descriptor. Raises ``EngineUnavailable``."""
        while not self._ready:
            await self._make(1)
        socket = self._ready.popleft()
        if self._making is None and len(self._ready) <= _AHEAD // 2:
            self._making = asyncio.create_task(self._make_ahead(), name="networks ahead")
        return socket

    def give_back(self, address: str) -> None:
        """Let another container have the address; this one is gone."""
        self._used.discard(address)

    async def aclose(self, *, containers: bool) -> None:
        """Drop what was made ahead; the networks of ``containers`` stay, if there are some."""
        if self._watch is not None:
            self._watch.close()
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown)
        while self._ready:
            os.close(self._ready.popleft().descriptor)
        if self._router is not None and not containers:
            self._router.end()

    def dismantle(self) -> None:
        """Take away all that was made on this machine; containers that are there lose their network."""
        if self._router is not None:
            self._router.end()
            return
        for command in (
            ("ip", "link", "delete", self._name),
            ("nft", "delete", "table", "inet", self._name),
            *(("iptables", "-D", "FORWARD", way, self._name, "-j", "ACCEPT") for way in ("-i", "-o")),
        ):
            with contextlib.suppress(OSError):
                _run(command)

    async def _make_ahead(self) -> None:
        try:
            # Whoever takes one while there is none makes it, and is told of the fault then.
            with contextlib.suppress(EngineUnavailable):
                await self._make(_AHEAD - len(self._ready))
        finally:
            self._making = None

    async def _make(self, count: int) -> None:
        if self._router is not None and self._subnet is not None and not self._router.alive:
            # Somebody has ended it. Its namespace cannot be left, so another thread begins anew.
            await asyncio.to_thread(self._thread.shutdown)
            self._thread, self._subnet = ThreadPoolExecutor(1, "oci-network"), None
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._make_now, count)
        except OSError as error:
            raise EngineUnavailable(f"no network can be made: {error}") from error
        if self._router is not None and self._watch is None:
            self._watch = AddressWatch(lambda: self._thread.submit(self._forbid))

    def _forbid(self) -> None:
        """Keep containers from all addresses that this machine has now."""
        with contextlib.suppress(OSError):
            _run(("nft", "-f", "-"), _elements(self._name, local_addresses()))

    # --- in the thread --------------------------------------------------------------------------------------

    def _make_now(self, count: int) -> None:
        if self._subnet is None:
            self._subnet = self._open()
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        made: list[Socket] = []
        try:
            for _ in range(count):
                unshare(NETWORK_NAMESPACE)
                made.append(Socket(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC), self._address()))
                for name, value in self._sysctls().items():
                    Path("/proc/sys", name).write_text(value)
            set_namespace(here, NETWORK_NAMESPACE)
            place = f"/proc/{os.getpid()}/fd"
            _ip(
                f"link add link {self._name}b name eth0 netns {place}/{socket.descriptor} type macvlan mode private"
                for socket in made
            )
            for socket in made:
                set_namespace(socket.descriptor, NETWORK_NAMESPACE)
                _ip(
                    (
                        "link set lo up",
                        f"address add {socket.address}/{self._subnet.prefixlen} dev eth0",
                        "link set eth0 up",
                        f"route add default via {self._subnet[1]}",
                    )
                )
        except BaseException:
            for socket in made:
                os.close(socket.descriptor)
                self._used.discard(socket.address)
            raise
        finally:
            set_namespace(here, NETWORK_NAMESPACE)
            os.close(here)
        # Here, so that they are kept if whoever waits is cancelled.
        self._ready.extend(made)

    def _sysctls(self) -> Mapping[str, str]:
        if self._router is None:
            return _SYSCTLS
        return {**_SYSCTLS, "net/ipv4/ping_group_range": f"0 {last_group()}"}

    def _address(self) -> str:
        """Choose one that nobody has, as long unused as can be."""
        assert self._subnet is not None  # noqa: S101 - chosen before
        size = self._subnet.num_addresses
        for _ in range(size):
            self._last = self._last + 1 if self._last + 2 < size else 2
            address = str(self._subnet[self._last])
            if address not in self._used:
                self._used.add(address)
                return address
        raise EngineUnavailable(f"all addresses of {self._subnet} are taken")

    def _open(self) -> ipaddress.IPv4Network:
        """Make what all containers share, or find it as it was left."""
        taken = _routes()
        if self._router is not None:
            self._router.enter(taken)
            self._resolvers = f"nameserver {nameserver(_routes())}\n"
        found = self._existing()
        subnet = found or subnet_beside([*taken, *_routes()])
        if subnet is None:
            raise EngineRefused(
                "no subnet is free for the networks of containers: 10.213.0.0/16 to 10.249.0.0/16 are taken"
            )
        name = self._name
        if found is None:
            _ip(
                (
                    f"link add {name} type veth peer name {name}b",
                    f"address add {subnet[1]}/{subnet.prefixlen} dev {name}",
                )
            )
        for end in (name, f"{name}b"):
            Path(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6").write_text("1")
        _ip((f"link set {name} up", f"link set {name}b up"))
        forwarding = Path("/proc/sys/net/ipv4/ip_forward")
        if forwarding.read_text().strip() != "1":
            forwarding.write_text("1")
        rules = _rules(name, subnet)
        if self._router is not None:
            rules += _elements(name, local_addresses())
        _run(("nft", "-f", "-"), rules)
        _open_other_firewalls(name)
        return subnet

    def _existing(self) -> ipaddress.IPv4Network | None:
        with contextlib.suppress(OSError):
            for link in orjson.loads(_run(("ip", "-json", "-4", "address", "show", "dev", self._name))):
                for entry in link.get("addr_info") or ():
                    return ipaddress.IPv4Network(f"{entry['local']}/{entry['prefixlen']}", strict=False)
        return None


def subnet_beside(routes: Iterable[str]) -> ipaddress.IPv4Network | None:
    """Choose the first subnet that overlaps with none of these; ``None`` if each does."""
    taken = [ipaddress.ip_network(route, strict=False) for route in routes]
    return next((subnet for subnet in _CANDIDATES if not any(subnet.overlaps(other) for other in taken)), None)


def resolvers(texts: Sequence[str]) -> str:
    """Choose whom containers ask for names, from files like ``/etc/resolv.conf``, the better one first.

    One that listens on the loopback of this machine is none for them. Where no other is known, a public one is taken.
    """
    for text in texts:
        lines = [line for line in text.splitlines() if not line.startswith(("#", ";"))]
        kept = [line for line in lines if not (line.startswith("nameserver") and _is_loopback(line))]
        if any(line.startswith("nameserver") for line in kept):
            return "".join(f"{line}\n" for line in kept)
    return _PUBLIC


def resolvers_here() -> str:
    """Choose them for this machine."""
    texts = []
    for path in _RESOLVERS:
        with contextlib.suppress(OSError):
            texts.append(path.read_text(errors="replace"))
    return resolvers(texts)


def _is_loopback(line: str) -> bool:
    try:
        return ipaddress.ip_address(line.split()[1].partition("%")[0]).is_loopback
    except (IndexError, ValueError):
        return False


def _rules(name: str, subnet: ipaddress.IPv4Network) -> str:
    """Write the table anew, in one transaction; nothing goes to the addresses in ``forbidden``."""
    return f"""\
table inet {name}
delete table inet {name}
table inet {name} {{
    set forbidden {{
        type ipv4_addr
    }}
    chain out {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {subnet} oifname != "{name}" masquerade
    }}
    chain here {{
        type filter hook input priority filter; policy accept;
        iifname {{ "{name}", "{name}b" }} drop
    }}
    chain through {{
        type filter hook forward priority filter; policy accept;
        iifname "{name}" oifname "{name}" drop
        iifname "{name}" ip daddr @forbidden drop
        oifname "{name}" ct state established,related accept
        oifname "{name}" drop
    }}
}}
"""


def _elements(name: str, forbidden: Iterable[str]) -> str:
    return f"""\
flush set inet {name} forbidden
add element inet {name} forbidden {{ {", ".join(forbidden)} }}
"""


def _open_other_firewalls(name: str) -> None:
    """Where Docker has forbidden all forwarding but its own, allow ours; what our table drops stays dropped."""
    with contextlib.suppress(OSError):
        if "-P FORWARD DROP" not in _run(("iptables", "-S", "FORWARD")):
            return
        for way in ("-i", "-o"):
            try:
                _run(("iptables", "-C", "FORWARD", way, name, "-j", "ACCEPT"))
            except OSError:
                _run(("iptables", "-I", "FORWARD", way, name, "-j", "ACCEPT"))


def _routes() -> list[str]:
    found = orjson.loads(_run(("ip", "-json", "-4", "route", "show", "table", "all")))
    return [
        route["dst"] for route in found if route.get("dst", "default") != "default" and route.get("type") != "local"
    ]


def _ip(lines: Iterable[str]) -> None:
    _run(("ip", "-batch", "-"), "".join(f"{line}\n" for line in lines))


def _run(command: Sequence[str], text: str = "") -> str:
    """Run a program of the system; raises ``OSError`` with its words."""
    path = f"{os.defpath}:/usr/sbin:/sbin"
    try:
        done = subprocess.run(  # noqa: S603 - programs of the system
            command,
            input=text,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env={"PATH": path, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{command[0]} does not end") from error
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout

"""References to images, in the one spelling that the store knows them by, and what registry is meant."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass

from aiop.errors import ImageRefused
from aiop.model.run import Credentials

__all__ = ["Reference", "for_registry", "is_loopback"]

_HUB = "docker.io"
_HUB_NAMES = frozenset({_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A name at a registry, with a tag or a digest and not both: beside a digest a tag says nothing."""

    host: str
    path: str
    tag: str | None
    digest: str | None

    @classmethod
    def of(cls, text: str) -> Reference:
        """Read a reference by the rules of the Docker command line; raises ``ImageRefused``."""
        host, rest = _split(text)
        name, at, digest = rest.partition("@")
        path, colon, tag = name.partition(":")
        whole = _HOST.fullmatch(host) and _PATH.fullmatch(path)
        if not whole or (colon and not _TAG.fullmatch(tag)) or (at and not _DIGEST.fullmatch(digest)):
            raise ImageRefused(f"invalid reference format: {text}")
        if host == _HUB and "/" not in path:
            path = f"library/{path}"
        return cls(host, path, None if at else tag or "latest", digest if at else None)

    @property
    def repository(self) -> str:
        """The name without tag and digest."""
        return f"{self.host}/{self.path}"

    def at(self, digest: str) -> Reference:
        """Return the reference to what has this digest in the same repository."""
        return Reference(self.host, self.path, None, digest)

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"

    @property
    def short(self) -> str:
        """The spelling for people: that of Docker, without its own registry."""
        return str(self).removeprefix(f"{_HUB}/").removeprefix("library/")


def for_registry(credentials: Credentials | None, reference: Reference) -> Credentials | None:
    """Return the credentials if they are for the registry that the image comes from."""
    if credentials is None:
        return None
    host = re.sub(r"^[a-z]+://", "", credentials.registry.strip().lower()).split("/", 1)[0]
    host = _HUB if not host or host in _HUB_NAMES else host
    return credentials if host == reference.host.lower() else None


async def is_loopback(host: str) -> bool:
    """Whether a registry is on this machine: Docker does without TLS there, if it must."""
    name = re.sub(r":[0-9]+$", "", host).strip("[]")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    addresses = {str(address[4][0]).partition("%")[0] for address in found}
    return bool(addresses) and all(ipaddress.ip_address(address).is_loopback for address in addresses)


def _split(text: str) -> tuple[str, str]:
    """Part the host from the rest: the first component is one if it could not be a name on Docker Hub."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        return (_HUB if first in _HUB_NAMES else first), rest
    return _HUB, text

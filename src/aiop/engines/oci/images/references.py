"""References to images, in the one spelling that the store knows them by, and what registry is meant."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass

from aiop.errors import ImageRefused
from aiop.model.registry import HUB, registry_of, split_host

__all__ = ["Reference", "is_loopback"]

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
        named, rest = split_host(text)
        # A host keeps its spelling, but for those of Docker Hub.
        host = HUB if registry_of(text) == HUB else named
        name, at, digest = rest.partition("@")
        path, colon, tag = name.partition(":")
        whole = _HOST.fullmatch(host) and _PATH.fullmatch(path)
        if not whole or (colon and not _TAG.fullmatch(tag)) or (at and not _DIGEST.fullmatch(digest)):
            raise ImageRefused(f"invalid reference format: {text}")
        if host == HUB and "/" not in path:
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
        return str(self).removeprefix(f"{HUB}/").removeprefix("library/")


async def is_loopback(host: str) -> bool:
    """Whether a registry is on this machine: Docker does without TLS there, if it must."""
    name = re.sub(r":[0-9]+$", "", host).strip("[]")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    addresses = {str(address[4][0]).partition("%")[0] for address in found}
    return bool(addresses) and all(ipaddress.ip_address(address).is_loopback for address in addresses)

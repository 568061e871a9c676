"""Which registry is meant, by the rules of the Docker command line."""

from __future__ import annotations

import re

__all__ = ["HUB", "plain_registry", "registry_of", "split_host"]

HUB = "docker.io"
_HUB_NAMES = frozenset({"", HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


def plain_registry(registry: str) -> str:
    """Reduce the spellings of a registry, which may be an address, to its host and port; none is Docker Hub."""
    host = re.sub(r"^[a-z]+://", "", registry.strip().lower()).split("/", 1)[0]
    return HUB if host in _HUB_NAMES else host


def registry_of(image: str) -> str:
    """Name the registry that an image is pulled from, plainly."""
    return plain_registry(split_host(image)[0])


def split_host(image: str) -> tuple[str, str]:
    """Part the host from the rest: the first component is one if it could not be a name on Docker Hub."""
    first, slash, rest = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        return first, rest
    return "", image

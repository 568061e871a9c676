"""Image references: ``[registry/]path[:tag][@digest]``, as distribution/reference defines them."""

from __future__ import annotations

import re

from aiop.model.registry import HUB, plain_registry, split_host

__all__ = ["DEFAULT_REGISTRY", "ImageError", "apply_registry", "check_image", "check_registry"]

DEFAULT_REGISTRY = HUB
_LONGEST_NAME = 255

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])"
_DOMAIN = re.compile(rf"{_HOST}(?::[0-9]{{1,5}})?")
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}")


class ImageError(ValueError):
    """The text is no reference to an image, or no name of a registry."""


def check_image(image: str) -> None:
    """Raise ``ImageError``, with a sentence, unless ``image`` is a well-formed reference."""
    domain, remainder = split_host(image)
    name, _, digest = remainder.partition("@")
    path, colon, tag = name.partition(":")
    if domain and not _DOMAIN.fullmatch(domain):
        raise ImageError("Not a valid image: what stands before the first slash is no host of a registry")
    if not path or not all(_COMPONENT.fullmatch(component) for component in path.split("/")):
        raise ImageError("Not a valid image: names are of lower-case letters, digits and separators within")
    if colon and not _TAG.fullmatch(tag):
        raise ImageError("Not a valid image: the tag is malformed")
    if "@" in remainder and not _DIGEST.fullmatch(digest):
        raise ImageError("Not a valid image: the digest is malformed")
    if len(domain) + len(path) > _LONGEST_NAME:
        raise ImageError(f"Not a valid image: the name is longer than {_LONGEST_NAME} characters")


def check_registry(registry: str) -> str:
    """Return a registry, optionally with a path below it, in its plain form; raises ``ImageError``."""
    plain = registry.removesuffix("/")
    domain, slash, path = plain.partition("/")
    if "://" in registry:
        raise ImageError("A registry is given without a scheme, like `registry.example:5000`")
    is_host = _DOMAIN.fullmatch(domain) and split_host(f"{domain}/image")[0] == domain
    if not is_host or (slash and not all(map(_COMPONENT.fullmatch, path.split("/")))):
        raise ImageError("Not a valid registry, which would be like `registry.example:5000`")
    return plain


def apply_registry(image: str, registry: str | None) -> str:
    """Put ``registry`` before an image that names none, and give every image one spelling.

    Images of ``docker.io`` are written in their short form: ``docker.io/library/python`` is ``python``.
    """
    domain, remainder = split_host(image)
    if not domain and registry:
        domain, _, path = registry.removesuffix("/").partition("/")
        remainder = f"{path}/{remainder}" if path else remainder
    if plain_registry(domain) == HUB:
        short = remainder.removeprefix("library/")
        return remainder if "/" in short else short
    return f"{domain}/{remainder}"

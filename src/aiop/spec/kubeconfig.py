"""Kubeconfigs that come over the network. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

__all__ = ["check_kubeconfig"]

_CLUSTER_FILES = ("certificate-authority",)
_USER_FILES = ("client-certificate", "client-key", "tokenFile")
_PROGRAMS = ("exec", "auth-provider")


def check_kubeconfig(text: str) -> None:
    """Raise ``ValueError`` for what is no kubeconfig, and for one that would have this machine read files or run
    programs.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError("Must be a kubeconfig: this is no YAML") from None
    if not isinstance(document, dict) or not all(document.get(part) for part in ("clusters", "contexts", "users")):
        raise ValueError("Must be a kubeconfig, with clusters, contexts and users")
    for name in _entries(document, "clusters", "cluster", _CLUSTER_FILES):
        raise ValueError(f"Must hold its data itself: `{name}` names a file (`kubectl config view --raw --flatten`)")
    for name in _entries(document, "users", "user", _USER_FILES):
        raise ValueError(f"Must hold its data itself: `{name}` names a file (`kubectl config view --raw --flatten`)")
    for name in _entries(document, "users", "user", _PROGRAMS):
        raise ValueError(f"Must sign in by a certificate or a token: `{name}` would run a program")


def _entries(document: dict[str, Any], group: str, part: str, names: tuple[str, ...]) -> Iterator[str]:
    for entry in document[group]:
        values = entry.get(part) if isinstance(entry, dict) else None
        if isinstance(values, dict):
            yield from (name for name in names if values.get(name))
        else:
            raise ValueError(f"Must be a kubeconfig: an entry of `{group}` has no `{part}`")  # noqa: TRY004

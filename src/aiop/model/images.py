"""Images that the service keeps itself, for its embedded engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["ImageConfig", "KeptImage", "Pruned"]


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What a container of the image has unless it is told otherwise; ``env`` is of ``NAME=value``."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    volumes: tuple[str, ...] = ()
    stop_signal: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ImageConfig:
        """Read the ``config`` of an image's configuration (OCI image specification; Docker writes the same names)."""
        return cls(
            entrypoint=tuple(document.get("Entrypoint") or ()),
            cmd=tuple(document.get("Cmd") or ()),
            env=tuple(document.get("Env") or ()),
            user=document.get("User") or "",
            working_dir=document.get("WorkingDir") or "",
            volumes=tuple(sorted(document.get("Volumes") or ())),
            stop_signal=document.get("StopSignal") or None,
            labels=dict(document.get("Labels") or {}),
        )

    def document(self) -> dict[str, Any]:
        """Write what ``of`` reads."""
        written: dict[str, Any] = {
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.cmd),
            "Env": list(self.env),
            "User": self.user,
            "WorkingDir": self.working_dir,
            "Volumes": {path: {} for path in self.volumes},
            "StopSignal": self.stop_signal,
            "Labels": dict(self.labels),
        }
        return {name: value for name, value in written.items() if value}


@dataclass(frozen=True, slots=True)
class KeptImage:
    """One image. ``id`` is the digest of its configuration, ``digest`` that of its registry if it came from one.

    ``size`` is that of its layers, of which it may share some; ``holders`` counts the attempts that use it.
    """

    id: str
    digest: str
    names: tuple[str, ...]
    size: int
    layers: int
    used_at: datetime
    imported: bool
    holders: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a clean-up took away: how many images, and bytes."""

    images: int
    size: int

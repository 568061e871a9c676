"""An image as the engine needs it: what it says of itself, and the directories that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Image", "ImageConfig"]


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
class Image:
    """``digest`` is the one under which the registry knows it, else the image's id; Docker gives the same one.

    ``layers`` can be the lower directories of an overlay mount, the topmost first. They stay as they are for as long as
    somebody holds the image.
    """

    digest: str
    config: ImageConfig
    layers: tuple[Path, ...]

"""An image as the engine needs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aiop.model.images import ImageConfig

__all__ = ["Image"]


@dataclass(frozen=True, slots=True)
class Image:
    """``digest`` is the one under which the registry knows it, else the image's id; Docker gives the same one.

    ``layers`` can be the lower directories of an overlay mount, the topmost first. They stay as they are for as long as
    somebody holds the image.
    """

    digest: str
    config: ImageConfig
    layers: tuple[Path, ...]

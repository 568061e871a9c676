"""Named volumes: directories that the engine keeps until somebody deletes them."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["BadName", "Volumes"]

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


class BadName(Exception):
    """No volume can have this name; the message is for people."""


class Volumes:
    """The volumes of one installation."""

    def __init__(self, root: Path) -> None:
        self._root = root / "volumes"

    def provide(self, name: str) -> tuple[Path, bool]:
        """Return the directory of a volume, which is made at first use, and whether it has just been made."""
        if not _NAME.fullmatch(name):
            raise BadName(f"a volume cannot be named {name!r}: letters, digits, and after the first one _ . -")
        self._root.mkdir(mode=0o711, parents=True, exist_ok=True)
        place = self._root / name
        if place.is_dir():
            return place, False
        place.mkdir(exist_ok=True)
        place.chmod(0o755)
        return place, True

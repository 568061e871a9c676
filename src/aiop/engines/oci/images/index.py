"""What the store remembers besides the images themselves: names, digests, when each was used, and who holds it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiop.interfaces import Clock

__all__ = ["Index"]

_RECENT = 60.0
"""Seconds within which a further use is not written down."""


class Index:
    """Images are told apart by their id. Each change is on the disk, whole, when the call returns."""

    def __init__(self, root: Path, scratch: Path, clock: Clock) -> None:
        self._clock = clock
        self._scratch = scratch
        self._file = root / "index.json"
        self._held = root / "h"
        self._uses = root / "u"
        self.ids: dict[str, str] = {}
        """Digest to id."""
        self.names: dict[str, str] = {}
        """Reference to digest."""
        self.used: dict[str, float] = {}
        """Id to seconds since the epoch."""
        self.holders: dict[str, str] = {}
        """Holder to id."""

    def open(self) -> None:
        """Read what is there."""
        self._held.mkdir(mode=0o700, exist_ok=True)
        self._uses.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError):
            document: Mapping[str, Any] = json.loads(self._file.read_bytes())
            self.ids = dict(document["ids"])
            self.names = dict(document["names"])
        self.used = {path.name: path.stat().st_mtime for path in self._uses.iterdir()}
        self.holders = {path.name: str(path.readlink()) for path in self._held.iterdir()}

    def keep(self, ids: Iterable[str]) -> None:
        """Forget all images but these."""
        kept = set(ids)
        digests = {digest: image for digest, image in self.ids.items() if image in kept}
        names = {name: digest for name, digest in self.names.items() if digest in digests}
        for gone in self.used.keys() - kept:
            (self._uses / gone).unlink(missing_ok=True)
        self.used = {image: at for image, at in self.used.items() if image in kept}
        if (digests, names) != (self.ids, self.names):
            self._write(digests, names)

    def add(self, image: str, digest: str, names: Iterable[str]) -> None:
        """Note an image; names that stood for others stand for it from now on."""
        self._write(self.ids | {digest: image}, self.names | dict.fromkeys(names, digest))
        self.use(image)

    def use(self, image: str) -> None:
        """Note that an image is wanted now."""
        now = self._clock.now().timestamp()
        if now - self.used.get(image, 0.0) >= _RECENT:
            self.used[image] = now
            # On a full disk the order of clean-up suffers, and nothing else.
            with suppress(OSError):
                (self._uses / image).touch()
                os.utime(self._uses / image, (now, now))

    def hold(self, image: str, holder: str) -> None:
        """Note that somebody needs an image; each holds one at most."""
        if self.holders.get(holder) == image:
            return
        draft = self._scratch / uuid4().hex
        draft.symlink_to(image)
        draft.rename(self._held / holder)
        self.holders[holder] = image

    def release(self, holder: str) -> None:
        """Undo ``hold``; nothing happens if nothing is held."""
        if self.holders.pop(holder, None) is not None:
            (self._held / holder).unlink(missing_ok=True)

    def _write(self, ids: dict[str, str], names: dict[str, str]) -> None:
        draft = self._scratch / uuid4().hex
        try:
            with draft.open("xb") as file:
                file.write(json.dumps({"ids": ids, "names": names}, indent=1).encode())
                file.flush()
                os.fsync(file.fileno())
            draft.rename(self._file)
        finally:
            draft.unlink(missing_ok=True)
        self.ids, self.names = ids, names

"""Several layers as one, where a stack would have more than a mount can take."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from aiop.artifacts.disk import Disk, flush_tree
from aiop.model.ids import LayerId
from aiop.overlay import squash

__all__ = ["Squashes"]

_GROUP = 16


@dataclass(frozen=True, slots=True)
class _Part:
    """A layer, or a squash of several, the lowest of which is the first."""

    layers: tuple[LayerId, ...]
    path: str


class Squashes:
    """Squashes groups of neighbours from the bottom up, then groups of those, until what is left fits.

    The groups are counted from the bottom, so that the steps of a long chain share them, and a step costs at most the
    squashing of its last group.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def fit(self, layers: Sequence[tuple[LayerId, str]], *, room: int) -> list[str]:
        """Return directories that show the same and whose paths fit into ``room`` bytes; like ``layers``, the topmost
        first.

        Only root can mount, and only root can squash: for others all is as it was.
        """
        lowest = [_Part((layer,), path) for layer, path in reversed(layers)]
        rest: list[_Part] = []
        while os.geteuid() == 0 and _size([*lowest, *rest]) > room and len(lowest) >= _GROUP:
            whole = len(lowest) // _GROUP * _GROUP
            rest = lowest[whole:] + rest
            lowest = [self._squashed(lowest[at : at + _GROUP]) for at in range(0, whole, _GROUP)]
        return [part.path for part in reversed([*lowest, *rest])]

    def delete_with(self, layer: LayerId) -> int:
        """Delete the squashes that a layer is in; returns the bytes freed."""
        freed = 0
        for place in self._disk.squashed.iterdir():
            if layer.encode() in (place / "m").read_bytes().split(b"\n"):
                freed += self._disk.delete(place)
        return freed

    def _squashed(self, parts: Sequence[_Part]) -> _Part:
        """Make one part of several, the lowest of which is the first."""
        members = tuple(layer for part in parts for layer in part.layers)
        content = "\n".join(members).encode()
        name = base64.b32encode(hashlib.blake2b(content, digest_size=10).digest()).decode().lower()
        place = self._disk.squashed / name
        if not place.exists():
            with self._disk.drafted() as draft:
                (draft / "u").mkdir()
                squash([part.path for part in reversed(parts)], str(draft / "u"))
                (draft / "m").write_bytes(content)
                flush_tree(draft)
                self._disk.publish(draft, place)
        return _Part(members, str(place / "u"))


def _size(parts: Sequence[_Part]) -> int:
    return sum(len(os.fsencode(part.path)) + 1 for part in parts)

"""Several layers as one, where a mount cannot take them as they are."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from aiop.artifacts.disk import Disk, flush_tree
from aiop.model.ids import LayerId
from aiop.overlay import phantoms, squash

__all__ = ["Part", "Squashes"]

_GROUP = 16


@dataclass(frozen=True, slots=True)
class Part:
    """A layer, or a squash of several, the lowest of which is the first. ``holes`` are those of a layer."""

    layers: tuple[LayerId, ...]
    path: str
    holes: tuple[str, ...] = ()


class Squashes:
    """Squashes groups of neighbours from the bottom up, then groups of those, until what is left fits.

    The groups are counted from the bottom, so that the steps of a long chain share them, and a step costs at most the
    squashing of its last group. Where the kernel would show what is not there, all layers are squashed into one.
    Only root can mount, and only root can squash: for others all stays as it was.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def fit(self, layers: Sequence[Part], bottom: str, *, room: int) -> list[str]:
        """Return directories that show the same, the topmost first, with paths that fit into ``room`` bytes.

        ``layers`` are from the lowest to the topmost; ``bottom`` is what they lie on, and is not among the answer.
        """
        lowest, rest = list(layers), list[Part]()
        if os.geteuid() == 0:
            if _has_phantoms(layers, bottom):
                return [self._squashed(layers, (), bottom).path]
            while _size([*lowest, *rest]) > room and len(lowest) >= _GROUP:
                whole = len(lowest) // _GROUP * _GROUP
                rest = lowest[whole:] + rest
                squashed: list[Part] = []
                for at in range(0, whole, _GROUP):
                    squashed.append(self._squashed(lowest[at : at + _GROUP], squashed, bottom))
                lowest = squashed
        return [part.path for part in reversed([*lowest, *rest])]

    def delete_with(self, layer: LayerId) -> int:
        """Delete the squashes that a layer is in; returns the bytes freed."""
        freed = 0
        for place in self._disk.squashed.iterdir():
            if layer.encode() in (place / "m").read_bytes().split(b"\n"):
                freed += self._disk.delete(place)
        return freed

    def _squashed(self, parts: Sequence[Part], below: Sequence[Part], bottom: str) -> Part:
        """Make one part of several; all from the lowest to the topmost."""
        members = tuple(layer for part in parts for layer in part.layers)
        under = [bottom, *(layer for part in below for layer in part.layers)]
        name = hashlib.blake2b("\n".join([*under, "", *members]).encode(), digest_size=10).digest()
        place = self._disk.squashed / base64.b32encode(name).decode().lower()
        if not place.exists():
            with self._disk.drafted() as draft:
                (draft / "u").mkdir()
                squash(_downwards(parts), [*_downwards(below), bottom], str(draft / "u"))
                (draft / "m").write_bytes("\n".join(members).encode())
                flush_tree(draft)
                self._disk.publish(draft, place)
        return Part(members, str(place / "u"))


def _has_phantoms(layers: Sequence[Part], bottom: str) -> bool:
    return any(
        phantoms(part.holes, [*_downwards(layers[:number]), bottom]) for number, part in enumerate(layers) if part.holes
    )


def _downwards(parts: Sequence[Part]) -> list[str]:
    return [part.path for part in reversed(parts)]


def _size(parts: Sequence[Part]) -> int:
    return sum(len(os.fsencode(part.path)) + 1 for part in parts)

"""Which images go when there are too many of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from aiop.engines.oci.images.storage import Contents

__all__ = ["superfluous"]


def superfluous(
    contents: Contents, used: Mapping[str, float], *, kept: Collection[str], limit: int
) -> tuple[Sequence[str], int]:
    """Return the images to delete, those used least recently first, so that the rest has ``limit`` bytes, and what
    that frees. Layers that another image has too free nothing until that goes as well; ``kept`` ones never go.
    """
    sharers = Counter(layer for image in contents.images.values() for layer in image.layers)
    chosen, freed, size = [], 0, contents.size
    for image in sorted(contents.images.keys() - set(kept), key=lambda image: (used.get(image, 0.0), image)):
        if size - freed <= limit:
            break
        own = contents.images[image].layers
        sharers.subtract(own)
        freed += sum(contents.layers[layer].size for layer in own if not sharers[layer])
        chosen.append(image)
    return chosen, freed

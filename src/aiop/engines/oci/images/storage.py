"""What skopeo keeps in containers/storage, read from its files.

The format is the one that Podman, Buildah and CRI-O share on one machine across their versions: lists of images and
layers, a directory ``overlay/ID/diff`` for each layer in the form of overlayfs, a short name for it in ``overlay/l``,
and the configuration of an image under the base64 of its digest. Only skopeo writes there.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiop.engines.oci.images.busy import Busy
from aiop.engines.oci.images.image import Image
from aiop.engines.oci.user_namespace import inside
from aiop.model.images import ImageConfig

__all__ = ["Contents", "Storage", "StoredImage", "StoredLayer"]

_ID_LENGTH = 64
_LAYERS = "overlay-layers/layers.json"
_SPLIT = ".tar-split.gz"


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """One layer of one or several images; ``size`` is that of its unpacked archive."""

    id: str
    parent: str | None
    size: int


@dataclass(frozen=True, slots=True)
class StoredImage:
    """``id`` is the digest of its configuration, without ``sha256:``; ``layers`` are its own, the topmost first."""

    id: str
    names: tuple[str, ...]
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What is there at one moment."""

    images: Mapping[str, StoredImage] = field(default_factory=dict)
    layers: Mapping[str, StoredLayer] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """All layers, each counted once."""
        return sum(layer.size for layer in self.layers.values())

    def size_of(self, image: str) -> int:
        """The layers of one image."""
        return sum(self.layers[layer].size for layer in self.images[image].layers)

    def named(self, name: str) -> StoredImage | None:
        """Return the image that skopeo was told to store under this name."""
        return next((image for image in self.images.values() if name in image.names), None)


class Storage:
    """Works in ``root``, which is ours alone. A service that is not root may not be let into all of a layer."""

    def __init__(self, root: Path) -> None:
        self._graph = root / "s"
        self._run = root / "r"
        self._empty = root / "e"
        self.configuration = root / "storage.conf"
        self.busy = Busy(root / "busy")
        """Shared by whoever writes here."""

    def open(self) -> None:
        """Make the directories and the configuration, and delete layers that a kill has left half made."""
        for directory in (self._graph, self._run):
            directory.mkdir(mode=0o700, exist_ok=True)
        self._empty.mkdir(exist_ok=True)
        options = 'skip_mount_home = "true"\n'
        if os.geteuid() != 0 or inside():
            # Files then belong to whom the kernel lets us give them, at worst to us.
            options += 'ignore_chown_errors = "true"\n'
        text = (
            f'[storage]\ndriver = "overlay"\ngraphroot = {json.dumps(str(self._graph))}\n'
            f"runroot = {json.dumps(str(self._run))}\n[storage.options.overlay]\n{options}"
        )
        # A full disk is no reason not to start.
        if not self.configuration.exists() or self.configuration.read_text() != text:
            self.configuration.write_text(text)
        self.sweep()

    def read(self) -> Contents:
        """Return what is there whole."""
        layers = {
            entry["id"]: StoredLayer(entry["id"], entry.get("parent") or None, int(entry.get("diff-size") or 0))
            for entry in self._list(_LAYERS)
            if not (entry.get("flags") or {}).get("incomplete")
        }
        images = {}
        for entry in self._list("overlay-images/images.json"):
            chain = tuple(_chain(entry.get("layer") or None, layers))
            if None not in chain:
                own = tuple(layer for layer in chain if layer is not None)
                images[entry["id"]] = StoredImage(entry["id"], tuple(entry.get("names") or ()), own)
        return Contents(images, layers)

    def image(self, stored: StoredImage, digest: str) -> Image:
        """Read what the engine needs of an image; raises ``OSError`` and ``ValueError`` if its files are not whole."""
        key = base64.b64encode(f"sha256:{stored.id}".encode()).decode()
        document = json.loads((self._graph / "overlay-images" / stored.id / f"={key}").read_bytes())
        links = [(self._graph / "overlay" / layer / "link").read_text() for layer in stored.layers]
        layers = tuple(self._graph / "overlay/l" / link for link in links)
        return Image(digest, ImageConfig.of(document.get("config") or {}), layers or (self._empty,))

    def _list(self, name: str) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = json.loads((self._graph / name).read_bytes()) or []
        except FileNotFoundError:
            return []
        return found

    def sweep(self) -> None:
        """Delete layers that are not whole, and those that no image has, once nobody is at work here.

        skopeo would begin with the same, but versions that are about leave out every other one of several.
        """
        with self.busy.nobody():
            self._sweep()

    def _sweep(self) -> None:
        contents, listed = self.read(), self._list(_LAYERS)
        wanted = {layer for image in contents.images.values() for layer in image.layers}
        if len(left := [entry for entry in listed if entry["id"] in wanted]) != len(listed):
            draft = self._graph / "overlay-layers/.tmp-swept"
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(left))
            draft.rename(self._graph / _LAYERS)
        for split in (self._graph / "overlay-layers").glob(f"*{_SPLIT}"):
            if split.name.removesuffix(_SPLIT) not in wanted:
                split.unlink()
        for directory in (self._graph / "overlay").glob("[0-9a-f]" * _ID_LENGTH):
            if directory.name not in wanted:
                shutil.rmtree(directory, ignore_errors=True)
        for link in (self._graph / "overlay/l").glob("*"):
            if not link.exists():
                link.unlink()
        for draft in self._graph.glob("overlay-*/.tmp-*"):
            draft.unlink()


def _chain(top: str | None, layers: Mapping[str, StoredLayer]) -> Iterator[str | None]:
    """Yield the layers from the top down, and ``None`` for one that is not there."""
    while top is not None:
        yield top if top in layers else None
        top = layers[top].parent if top in layers else None

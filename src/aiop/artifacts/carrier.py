"""Carries things between the directory of a service and the bucket; every call blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

import orjson

from aiop.artifacts.bucket import Bucket
from aiop.artifacts.disk import Disk
from aiop.artifacts.holdings import (
    FRESH,
    layer_head,
    layer_parcel,
    output_key,
    tree_copy,
    tree_of_upload,
    trees,
    upload_key,
)
from aiop.artifacts.layers import Layers
from aiop.artifacts.outputs import Outputs
from aiop.artifacts.parcels import pack, unpack
from aiop.artifacts.snapshots import Snapshots
from aiop.artifacts.uploads import Uploads
from aiop.errors import ArtifactLost, NotFound
from aiop.interfaces import Clock
from aiop.model.artifacts import Layer, StoredOutput
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, UploadId

__all__ = ["Carrier", "is_here", "is_marked"]

_SMALL = 1024 * 1024
"""A layer of this packed size is written together with its head."""

_PIECE = 1024 * 1024
T = TypeVar("T")


class Carrier:
    """What is taken in is checked by its digest first: snapshots are named by theirs, the head of a layer has its.

    What the bucket has is marked here, so that it may go.
    """

    def __init__(
        self,
        bucket: Bucket,
        disk: Disk,
        snapshots: Snapshots,
        layers: Layers,
        uploads: Uploads,
        outputs: Outputs,
        used: Callable[[Path], None],
        clock: Clock,
    ) -> None:
        self._bucket = bucket
        self._disk = disk
        self._snapshots = snapshots
        self._layers = layers
        self._uploads = uploads
        self._outputs = outputs
        self._used = used
        self._clock = clock

    def mark(self, place: Path) -> None:
        """Note that the bucket has what is at ``place``."""
        (place / "r").touch()
        self._used(place)

    # --- in threads: to the bucket -------------------------------------------------------------------------------

    def put_tree(self, snapshot: SnapshotId) -> datetime:
        """Write a tree unless a copy is there that may be given out; returns when that was written."""
        place, now = self._snapshots.path(snapshot), self._clock.now()
        copies = self._bucket.listed(trees(snapshot))
        # Those of uploads go with their uploads.
        written = max((each.written_at for each in copies if "/u-" not in each.key), default=None)
        if written is None or now - written > FRESH:
            self._bucket.put(tree_copy(snapshot), pack(place / "t"))
            written = now
        self.mark(place)
        return written

    def put_upload(self, upload: UploadId, snapshot: SnapshotId) -> None:
        """Write the tree of an upload, then its name."""
        place = self._snapshots.path(snapshot)
        self._bucket.put(tree_of_upload(snapshot, upload), pack(place / "t"))
        self._bucket.put(upload_key(upload), [snapshot.encode()])
        self.mark(place)

    def put_layer(self, layer: Layer) -> Layer:
        """Write a sealed layer; returns the one that counts, which is here then. Repeating it is harmless."""
        place = self._layers.path(layer.id)
        if is_marked(place):
            return layer
        content, rest = _first(pack(place / "u"), _SMALL)
        parcel = None
        if rest is not None:
            parcel = layer_parcel(layer.id)
            self._bucket.put(parcel, chain((content,), rest))
            content = b""
        head = orjson.dumps({"digest": layer.digest, "size": layer.size, "parcel": parcel})
        if not self._bucket.create(layer_head(layer.id), head + b"\n" + content):
            theirs = self.head(layer.id)[0]
            if theirs != layer:
                # Ours is not what others may have built on; nobody has built on ours.
                self._disk.delete(place)
                self.get_layer(layer.id)
                return theirs
        self.mark(place)
        return layer

    def put_output(self, execution: ExecutionId, name: str, stored: StoredOutput | None) -> None:
        """Write an output and delete it here, or delete the one of before if there is none now."""
        key = output_key(execution, name)
        if stored is None:
            self._bucket.delete([key])
            return
        with self._outputs.open(execution, name) as file:
            self._bucket.put(key, iter(partial(file.read, _PIECE), b""), notes={"sha256": stored.sha256})
        self._outputs.delete_one(execution, name)

    # --- in threads: from the bucket -----------------------------------------------------------------------------

    def find_upload(self, upload: UploadId) -> SnapshotId:
        """Find out which tree an upload is; raises ``NotFound``."""
        found = self._bucket.get(upload_key(upload)) if self._uploads.is_id(upload) else None
        if found is None:
            raise NotFound(f"no source was uploaded as {upload}")
        snapshot = SnapshotId(b"".join(found.pieces).decode())
        self._uploads.note(upload, snapshot)
        return snapshot

    def get_tree(self, snapshot: SnapshotId) -> None:
        """Fetch a snapshot unless it is here; raises ``ArtifactLost``."""
        if is_here(self._snapshots.get, snapshot):
            return
        fault: ArtifactLost | None = None
        copies = self._bucket.listed(trees(snapshot))
        for copy in sorted(copies, key=lambda each: each.written_at, reverse=True):
            found = self._bucket.get(copy.key)
            if found is None:
                continue
            try:
                self._snapshots.restore(snapshot, partial(unpack, found.pieces))
            except ArtifactLost as error:
                fault = error
            else:
                self.mark(self._snapshots.path(snapshot))
                return
        raise fault or ArtifactLost(f"the snapshot {snapshot} is not here any more")

    def get_layer(self, layer: LayerId) -> None:
        """Fetch a sealed layer unless it is here; raises ``ArtifactLost``."""
        if is_here(self._layers.get, layer):
            return
        known, parcel, content = self.head(layer)
        if parcel is not None:
            found = self._bucket.get(parcel)
            if found is None:
                raise ArtifactLost(f"the layer {layer} is not whole where it is kept")
            content = found.pieces
        self._layers.restore(known, partial(unpack, content))
        self.mark(self._layers.path(layer))

    def head(self, layer: LayerId) -> tuple[Layer, str | None, Iterator[bytes]]:
        """Read what a layer is, where its content is, and the content if that is here; raises ``ArtifactLost``."""
        found = self._bucket.get(layer_head(layer))
        if found is None:
            raise ArtifactLost(f"the layer {layer} is not here any more, or was never sealed")
        gathered = b""
        for piece in found.pieces:
            gathered += piece
            if b"\n" in gathered:
                break
        line, _, rest = gathered.partition(b"\n")
        try:
            head = orjson.loads(line)
            known = Layer(layer, head["digest"], head["size"])
            parcel = head["parcel"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise ArtifactLost(f"the layer {layer} is damaged where it is kept") from None
        return known, parcel, chain((rest,), found.pieces)


def is_here(get: Callable[[T], object], name: T) -> bool:
    """Whether ``get`` has the thing of this name."""
    try:
        get(name)
    except ArtifactLost:
        return False
    return True


def is_marked(place: Path) -> bool:
    """Whether the bucket has what is at ``place``."""
    return (place / "r").exists()


def _first(pieces: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes] | None]:
    """Return what comes first, and the rest if it is more than ``size`` bytes."""
    gathered: list[bytes] = []
    total = 0
    for piece in pieces:
        gathered.append(piece)
        total += len(piece)
        if total > size:
            return b"".join(gathered), pieces
    return b"".join(gathered), None

"""``SharedArtifacts``: the contract of ``Artifacts`` in a bucket, for any number of services."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from aiop.artifacts.archives import ArchiveLimits
from aiop.artifacts.bucket import Bucket
from aiop.artifacts.carrier import Carrier, is_here, is_marked
from aiop.artifacts.disk import storage_faults
from aiop.artifacts.holdings import FRESH, Holdings, output_key
from aiop.artifacts.local import LocalArtifacts
from aiop.errors import ArtifactLost, NotFound
from aiop.interfaces import Clock
from aiop.model.artifacts import Garbage, Layer, Snapshot, StoredOutput
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, StepKey, UploadId
from aiop.model.run import Workspace

__all__ = ["SharedArtifacts"]

_LINES = 8
"""Transfers at once; each may have a few parts of a large object in memory."""

_REMEMBERED = 10_000
_LIMITS = ArchiveLimits()
T = TypeVar("T")
N = TypeVar("N", bound=str)


class SharedArtifacts(LocalArtifacts):
    """Does all work in a directory of this machine, as its parent does, and is done when the bucket has it too.

    So the directory is a cache, but for the layers that are open: what is wanted and not there is fetched, and of what
    the bucket has the least recently used goes beyond ``cache_limit`` bytes. What is fetched is taken for what it was
    only if its digest says so. Services that share a bucket need nothing else of each other.
    """

    def __init__(
        self,
        root: Path,
        clock: Clock,
        bucket: Bucket,
        *,
        cache_limit: int,
        limits: ArchiveLimits = _LIMITS,
    ) -> None:
        super().__init__(root, clock, limits=limits)
        self._bucket = bucket
        self._cache_limit = cache_limit
        parts = (self._disk, self._snapshots, self._layers, self._uploads, self._outputs)
        self._carrier = Carrier(bucket, *parts, self._touch, clock)
        self._holdings = Holdings(bucket, clock)
        self._lines = ThreadPoolExecutor(_LINES, thread_name_prefix="bucket")
        self._written: OrderedDict[SnapshotId, datetime] = OrderedDict()
        """When the newest copies of trees were written."""
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        """With the number of those who hold or want each."""

    async def open(self) -> None:
        """Make the directory, and try whether the bucket can be used."""
        await super().open()
        await self._carry(self._bucket.check)

    async def aclose(self) -> None:
        """Wait for the work under way."""
        await asyncio.to_thread(self._lines.shutdown)
        await super().aclose()

    async def snapshot(self, directory: str) -> Snapshot:
        """Take a snapshot, and write it if it is new."""
        taken = await super().snapshot(directory)
        await self._keep_tree(taken.id)
        return taken

    async def upload(self, archive: AsyncIterable[bytes]) -> UploadId:
        """Unpack the archive, and write what was in it."""
        upload = await super().upload(archive)
        taken = await super().uploaded(upload)
        await self._carry(self._carrier.put_upload, upload, taken.id)
        return upload

    async def uploaded(self, upload: UploadId) -> Snapshot:
        """Return the snapshot of an upload, whoever took it."""
        try:
            snapshot = await self._do(self._uploads.snapshot, upload)
        except NotFound:
            snapshot = await self._carry(self._carrier.find_upload, upload)
        await self._fetch(snapshot, ())
        return await self._do(self._snapshots.get, snapshot)

    async def view(self, snapshot: SnapshotId, patterns: Sequence[str]) -> Snapshot:
        """Return a part of a snapshot."""
        await self._fetch(snapshot, ())
        part = await super().view(snapshot, patterns)
        if part.id != snapshot:
            await self._keep_tree(part.id)
        return part

    async def read(self, snapshot: SnapshotId, path: str, *, limit: int) -> bytes:
        """Read a file of a snapshot."""
        await self._fetch(snapshot, ())
        return await super().read(snapshot, path, limit=limit)

    async def prepare(
        self, key: StepKey, *, source: SnapshotId | None, layers: Sequence[LayerId], target: str
    ) -> Workspace:
        """Fetch what is missing, and make the workspace."""
        await self._fetch(source, layers)
        return await super().prepare(key, source=source, layers=layers, target=target)

    async def seal(self, key: StepKey) -> Layer:
        """Close the layer and write it. Of services that seal the same one, the first to write has sealed it."""
        layer = await super().seal(key)
        async with self._alone(layer.id):
            return await self._carry(self._carrier.put_layer, layer)

    async def layer(self, layer: LayerId) -> Layer:
        """Return a sealed layer; one that is elsewhere is not fetched for that."""
        try:
            return await super().layer(layer)
        except ArtifactLost:
            return (await self._carry(self._carrier.head, layer))[0]

    async def keep_output(
        self,
        execution: ExecutionId,
        name: str,
        path: str,
        *,
        source: SnapshotId | None,
        layers: Sequence[LayerId],
        target: str,
    ) -> StoredOutput | None:
        """Take the output out of the workspace, and write it; nothing of it stays here."""
        await self._fetch(source, layers)
        stored = await super().keep_output(execution, name, path, source=source, layers=layers, target=target)
        await self._carry(self._carrier.put_output, execution, name, stored)
        return stored

    async def read_output(self, execution: ExecutionId, name: str, *, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the bytes of a download as they come. The whole of it is checked against its digest."""
        found = await self._carry(partial(self._bucket.get, output_key(execution, name), start=start))
        if found is None:
            # From the time before there was a bucket, if from any.
            async for piece in super().read_output(execution, name, start=start):
                yield piece
            return
        digest = hashlib.sha256()
        while piece := await self._carry(next, found.pieces, b""):
            digest.update(piece)
            yield piece
        if start == 0 and found.notes.get("sha256") != digest.hexdigest():
            raise ArtifactLost(f"the output {name} of {execution} is damaged where it is kept")

    async def held(self) -> Garbage:
        """List what is here, and a part of what the bucket has."""
        here, there = await super().held(), await self._carry(self._holdings.look)
        return Garbage(
            here.snapshots | there.snapshots,
            here.layers | there.layers,
            here.uploads | there.uploads,
            here.outputs | there.outputs,
        )

    async def discard(self, garbage: Garbage) -> int:
        """Delete here, there, and what the cache has no room for."""
        freed = await super().discard(garbage) + await self._do(self._make_room)
        return freed + await self._carry(self._holdings.discard, garbage)

    # --- who does what -------------------------------------------------------------------------------------------

    async def _carry(self, work: Callable[..., T], *arguments: object) -> T:
        """Do what waits for the network, in threads of its own."""
        loop = asyncio.get_running_loop()
        with storage_faults():
            return await loop.run_in_executor(self._lines, partial(work, *arguments))

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncIterator[None]:
        """Let others wait who want to carry the same thing."""
        lock, users = self._locks.get(name, (asyncio.Lock(), 0))
        self._locks[name] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(name)
            if users > 1:
                self._locks[name] = lock, users - 1

    async def _fetch(self, source: SnapshotId | None, layers: Sequence[LayerId]) -> None:
        """Get what is not here; raises ``ArtifactLost`` for what is nowhere."""
        sources, layers = await self._do(self._missing, source, layers)
        await asyncio.gather(
            *(self._fetch_one(each, self._carrier.get_tree) for each in sources),
            *(self._fetch_one(each, self._carrier.get_layer) for each in layers),
        )

    async def _fetch_one(self, name: N, get: Callable[[N], None]) -> None:
        async with self._alone(name):
            await self._carry(get, name)

    async def _keep_tree(self, snapshot: SnapshotId) -> None:
        """Write a tree unless a copy is there that stays long enough for the store to hear of it."""
        async with self._alone(snapshot):
            written = self._written.get(snapshot)
            if written is None or self._clock.now() - written > FRESH:
                written = self._written[snapshot] = await self._carry(self._carrier.put_tree, snapshot)
                if len(self._written) > _REMEMBERED:
                    self._written.popitem(last=False)
            else:
                await self._do(self._carrier.mark, self._snapshots.path(snapshot))

    # --- in threads -----------------------------------------------------------------------------------------------

    def _missing(self, source: SnapshotId | None, layers: Sequence[LayerId]) -> tuple[list[SnapshotId], list[LayerId]]:
        snapshots = [] if source is None else [source]
        return (
            [each for each in snapshots if not is_here(self._snapshots.get, each)],
            [each for each in layers if not is_here(self._layers.get, each)],
        )

    def _make_room(self) -> int:
        """Delete the least recently used of what the bucket has, and of what no container may have mounted."""
        snapshots, layers = self._layers.pinned()
        total, cached = 0, list[tuple[float, int, Callable[[], int]]]()

        def weigh(place: Path, size: int, pinned: bool, delete: Callable[[], int]) -> None:
            nonlocal total
            total += size
            if not pinned and is_marked(place) and self._idle(place):
                cached.append((place.lstat().st_mtime, size, delete))

        for snapshot, place in self._snapshots.held():
            gone = partial(self._delete, [snapshot], self._snapshots.path, self._snapshots.delete)
            weigh(place, self._snapshots.size(snapshot), snapshot in snapshots, gone)
        for layer, place in self._layers.held():
            gone = partial(self._delete, [layer], self._layers.path, self._layers.delete)
            weigh(place, self._layers.size(layer), layer in layers, gone)
        freed = 0
        for _, size, delete in sorted(cached, key=lambda each: each[0]):
            if total <= self._cache_limit:
                break
            freed += delete()
            total -= size
        return freed + (self._blobs.sweep() if freed else 0)

"""``LocalArtifacts``: the contract of ``Artifacts`` in one directory."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from aiop.artifacts.archives import ArchiveLimits
from aiop.artifacts.blobs import Blobs
from aiop.artifacts.disk import Disk, storage_faults
from aiop.artifacts.layers import Layers
from aiop.artifacts.outputs import Outputs
from aiop.artifacts.snapshots import Snapshots
from aiop.artifacts.squashes import Squashes
from aiop.artifacts.uploads import Uploads
from aiop.errors import StorageUnavailable, TooLarge
from aiop.interfaces import Clock
from aiop.model.artifacts import Garbage, Layer, Snapshot, StoredOutput
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, StepKey, UploadId
from aiop.model.run import Workspace

__all__ = ["NOT_SHARED", "LocalArtifacts"]

NOT_SHARED = (
    "several replicas are at work, and this one keeps files of pipelines where the others cannot read them: "
    "give all of them the same bucket, by AIOP_ARTIFACTS_URL"
)

_PIECE = 256 * 1024
_LIMITS = ArchiveLimits()
T = TypeVar("T")
K = TypeVar("K")


class LocalArtifacts:
    """Works in ``root``, which is ours alone; all file work is done by at most ``threads`` threads.

    What was given out in the last ``grace`` is not garbage, whatever the store knows of it: it may not know yet.
    ``alone`` tells whether nobody else may be given an execution to run who has not got the files here: then no source
    is taken, with ``StorageUnavailable``.
    """

    def __init__(
        self,
        root: Path,
        clock: Clock,
        *,
        limits: ArchiveLimits = _LIMITS,
        threads: int = 4,
        grace: timedelta = timedelta(hours=1),
        alone: Callable[[], bool] = lambda: True,
    ) -> None:
        self._clock = clock
        self._grace = grace
        self._is_alone = alone
        self._disk = Disk(root.resolve())
        self._blobs = Blobs(self._disk)
        self._snapshots = Snapshots(self._disk, self._blobs, self._touch)
        self._layers = Layers(self._disk, self._snapshots, Squashes(self._disk), self._touch)
        self._uploads = Uploads(self._disk, self._snapshots, limits, self._touch)
        self._outputs = Outputs(self._disk, self._layers, self._touch)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="artifacts")
        self._giving = threading.Lock()
        """Between giving something out and deleting it."""

    async def open(self) -> None:
        """Make the directory, and delete what a crash left in it; before anything else."""
        await self._do(self._disk.open)

    async def aclose(self) -> None:
        """Wait for the file work under way."""
        await asyncio.to_thread(self._threads.shutdown)

    async def snapshot(self, directory: str) -> Snapshot:
        """Take a snapshot of a directory."""
        self._expect_to_be_alone()
        return await self._do(self._snapshots.take, Path(directory))

    async def upload(self, archive: AsyncIterable[bytes]) -> UploadId:
        """Spool the archive, then unpack it."""
        self._expect_to_be_alone()
        draft = self._disk.draft()
        try:
            await self._spool(archive, draft)
            return await self._do(self._uploads.take, draft)
        finally:
            await self._do(partial(draft.unlink, missing_ok=True))

    async def uploaded(self, upload: UploadId) -> Snapshot:
        """Return the snapshot of an upload."""
        return await self._do(self._uploads.get, upload)

    def _expect_to_be_alone(self) -> None:
        if not self._is_alone():
            raise StorageUnavailable(NOT_SHARED)

    async def view(self, snapshot: SnapshotId, patterns: Sequence[str]) -> Snapshot:
        """Return a part of a snapshot."""
        return await self._do(self._snapshots.view, snapshot, patterns)

    async def read(self, snapshot: SnapshotId, path: str, *, limit: int) -> bytes:
        """Read a file of a snapshot."""
        return await self._do(partial(self._snapshots.read, snapshot, path, limit=limit))

    async def prepare(
        self, key: StepKey, *, source: SnapshotId | None, layers: Sequence[LayerId], target: str
    ) -> Workspace:
        """Make the workspace of an attempt, or find it."""
        return await self._do(partial(self._layers.prepare, key, source=source, layers=layers, target=target))

    async def seal(self, key: StepKey) -> Layer:
        """Close the layer of an attempt."""
        return await self._do(self._layers.seal, key)

    async def layer(self, layer: LayerId) -> Layer:
        """Return a sealed layer."""
        return await self._do(self._layers.get, layer)

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
        """Keep a file or directory of a workspace."""
        keep = partial(self._outputs.keep, execution, name, path, source=source, layers=layers, target=target)
        return await self._do(keep)

    async def read_output(self, execution: ExecutionId, name: str, *, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the bytes of a download."""
        file = await self._do(self._outputs.open, execution, name)
        try:
            await self._do(file.seek, start)
            while piece := await self._do(file.read, _PIECE):
                yield piece
        finally:
            file.close()

    async def held(self) -> Garbage:
        """List what was not given out lately."""
        return await self._do(self._held)

    async def discard(self, garbage: Garbage) -> int:
        """Delete what was not given out since it was listed."""
        return await self._do(self._discard, garbage)

    # --- in threads -----------------------------------------------------------------------------------------

    async def _do(self, work: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        with storage_faults():
            return await loop.run_in_executor(self._threads, partial(work, *arguments))

    async def _spool(self, archive: AsyncIterable[bytes], draft: Path) -> None:
        limit, size = self._uploads.limits.packed, 0
        with storage_faults():
            file = await self._do(partial(draft.open, "xb"))
            try:
                async for piece in archive:
                    size += len(piece)
                    if size > limit:
                        raise TooLarge(f"the archive is larger than {limit} bytes")
                    await self._do(file.write, piece)
            finally:
                await self._do(file.close)

    def _touch(self, path: Path) -> None:
        """Note that a thing is given out now; raises ``FileNotFoundError`` if it is being deleted."""
        now = self._clock.now().timestamp()
        with self._giving:
            os.utime(path, (now, now))

    def _idle(self, path: Path) -> bool:
        try:
            return path.lstat().st_mtime <= (self._clock.now() - self._grace).timestamp()
        except FileNotFoundError:
            return False

    def _held(self) -> Garbage:
        uploads = self._uploads.held()
        # The snapshot of an upload stays as long as that does.
        uploaded = {snapshot for _, snapshot, _ in uploads}
        return Garbage(
            snapshots=frozenset(
                snapshot for snapshot, path in self._snapshots.held() if snapshot not in uploaded and self._idle(path)
            ),
            layers=frozenset(layer for layer, path in self._layers.held() if self._idle(path)),
            uploads=frozenset(upload for upload, _, path in uploads if self._idle(path)),
            outputs=frozenset(execution for execution, path in self._outputs.held() if self._idle(path)),
        )

    def _discard(self, garbage: Garbage) -> int:
        return (
            self._delete(garbage.uploads, self._uploads.path, self._uploads.delete)
            + self._delete(garbage.snapshots, self._snapshots.path, self._snapshots.delete)
            + self._delete(garbage.layers, self._layers.path, self._layers.delete)
            + self._delete(garbage.outputs, self._outputs.path, self._outputs.delete)
            + self._blobs.sweep()
        )

    def _delete(self, things: Iterable[K], path: Callable[[K], Path], delete: Callable[[K], int]) -> int:
        freed = 0
        for thing in things:
            with self._giving:
                if not self._idle(path(thing)):
                    continue
                freed += delete(thing)
        return freed

"""Files that outlive a container."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Protocol

from aiop.model.artifacts import Garbage, Layer, Snapshot, StoredOutput
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, StepKey, UploadId
from aiop.model.run import Workspace

__all__ = ["Artifacts"]


class Artifacts(Protocol):
    """Keeps sources, what steps change in them, and named outputs.

    Order of calls for a pipeline: ``snapshot`` or ``uploaded`` once, ``view`` and ``read`` as wanted; for each attempt
    ``prepare``, then the container runs, then ``seal``; ``keep_output`` at the end. All is on disk, flushed, when a
    call returns; a crash at any point leaves nothing that a repeated call does not repair or the next ``discard``
    remove. Calls run in threads, a bounded number at once; cancelling one gives up waiting for it and breaks nothing.

    Every method may raise ``StorageUnavailable`` (the disk is full or broken): the same call may succeed later. One
    that is given an id of a thing that is not held, or not whole, raises ``ArtifactLost``.
    """

    async def snapshot(self, directory: str) -> Snapshot:
        """Take a snapshot of a directory of this machine; raises ``SourceRefused``.

        ``directory`` is absolute and resolved, and the caller has checked that it may be read. What ``.gitignore`` (in
        any directory) and ``.dockerignore`` (at the root) name is left out, ``.git`` too. Links are kept as links and
        never followed. Costs a look at each file, and reading those that changed since the last snapshot.
        Of permissions only "executable" is kept, as git does: any user of a container may change the files.
        """

    async def upload(self, archive: AsyncIterable[bytes]) -> UploadId:
        """Take an archive (tar, plain or compressed by gzip or zstd) as a source; raises
        ``SourceRefused``, for one that would leave its root too, and ``TooLarge``.

        The ignore files in it count. Costs no memory; an archive that ends early is not taken.
        """

    async def uploaded(self, upload: UploadId) -> Snapshot:
        """Return the snapshot of an upload; raises ``NotFound``."""

    async def view(self, snapshot: SnapshotId, patterns: Sequence[str]) -> Snapshot:
        """Return the part of a snapshot that the patterns name (written as in ``.gitignore``: ``src/``, ``**/*.py``,
        ``!src/big``; the last one that matches counts); raises ``SourceRefused`` for one that cannot be read.

        Equal parts of different snapshots are the same snapshot.
        """

    async def read(self, snapshot: SnapshotId, path: str, *, limit: int) -> bytes:
        """Return a file of a snapshot, links followed inside it only; raises ``SourceRefused`` if there is none, if it
        is no regular file, or if it is larger than ``limit`` bytes.
        """

    async def prepare(
        self, key: StepKey, *, source: SnapshotId | None, layers: Sequence[LayerId], target: str
    ) -> Workspace:
        """Return the workspace of an attempt: the source at the bottom, then the layers, the last one on top.

        Idempotent: the same arguments give an equal workspace, with what the attempt has changed so far.
        All layers are sealed.
        """

    async def seal(self, key: StepKey) -> Layer:
        """Close the layer of an attempt whose container has ended (``Engine.wait`` returned); idempotent.

        What equals what lies below it is taken out: a time alone is no change. Costs what the attempt changed.
        Raises ``ArtifactLost`` if the machine went down since ``prepare``: what was written then may be gone.
        """

    async def layer(self, layer: LayerId) -> Layer:
        """Return a sealed layer; raises ``ArtifactLost`` if it is not there or not sealed."""

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
        """Keep a file or directory of a workspace, for the execution's output ``name``; ``None`` if it is not there.

        ``path`` is relative to the workspace, or absolute under ``target``. Links are followed inside the workspace
        only; raises ``SourceRefused`` for one that leaves it, and for what is neither file nor directory. Idempotent;
        of two attempts that leave the same output, the later call counts.
        """

    def read_output(self, execution: ExecutionId, name: str, *, start: int = 0) -> AsyncIterator[bytes]:
        """Yield what ``keep_output`` kept, in pieces, from byte ``start`` on: a file as it is, a directory as
        ``.tar.gz``. Raises ``ArtifactLost`` at the first piece if it is gone.
        """

    async def held(self) -> Garbage:
        """List all that is held and that nobody was given for an hour: what ``discard`` may be told of."""

    async def discard(self, garbage: Garbage) -> int:
        """Remove these, and what nothing needs any more then; returns how many bytes were freed.

        The caller asked the store after ``held`` and before this: what is needed is what an execution that has not
        ended, a cache entry, a pipeline (an upload) or a kept execution (outputs) refers to. What was given out since
        ``held`` stays.
        """

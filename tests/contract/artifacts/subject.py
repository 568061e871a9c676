"""What is tested: several services that share what they keep, as one, and one of each thing that they keep."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from aiop.artifacts import LocalArtifacts, SharedArtifacts
from aiop.interfaces import Artifacts
from aiop.model.artifacts import Garbage, Layer, Snapshot, StoredOutput
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, StepId, StepKey, UploadId
from aiop.model.run import Workspace
from tars import pieces, tar
from trees import plant

EXECUTION = ExecutionId("0190163d-8694-739b-aea5-966c26f8ad91")
KEY = StepKey(EXECUTION, StepId("step"))


class Turns:
    """Implements ``Artifacts``: each call is the next one's, but a layer is sealed by the one that prepared it."""

    def __init__(self, *all_of_them: SharedArtifacts) -> None:
        self._next = cycle(all_of_them)
        self._open: dict[StepKey, SharedArtifacts] = {}
        self.all = all_of_them

    async def snapshot(self, directory: str) -> Snapshot:
        return await next(self._next).snapshot(directory)

    async def upload(self, archive: AsyncIterable[bytes]) -> UploadId:
        return await next(self._next).upload(archive)

    async def uploaded(self, upload: UploadId) -> Snapshot:
        return await next(self._next).uploaded(upload)

    async def view(self, snapshot: SnapshotId, patterns: Sequence[str]) -> Snapshot:
        return await next(self._next).view(snapshot, patterns)

    async def read(self, snapshot: SnapshotId, path: str, *, limit: int) -> bytes:
        return await next(self._next).read(snapshot, path, limit=limit)

    async def prepare(self, key: StepKey, **what: Any) -> Workspace:
        return await self._open.setdefault(key, next(self._next)).prepare(key, **what)

    async def seal(self, key: StepKey) -> Layer:
        return await self._open.get(key, next(self._next)).seal(key)

    async def layer(self, layer: LayerId) -> Layer:
        return await next(self._next).layer(layer)

    async def keep_output(self, execution: ExecutionId, name: str, path: str, **what: Any) -> StoredOutput | None:
        return await next(self._next).keep_output(execution, name, path, **what)

    def read_output(self, execution: ExecutionId, name: str, *, start: int = 0) -> AsyncIterator[bytes]:
        return next(self._next).read_output(execution, name, start=start)

    async def held(self) -> Garbage:
        return await self.all[0].held()

    async def discard(self, garbage: Garbage) -> int:
        return await self.all[0].discard(garbage)


def services(artifacts: Artifacts) -> Sequence[LocalArtifacts]:
    """Return all whose directories there are."""
    if isinstance(artifacts, Turns):
        return artifacts.all
    assert isinstance(artifacts, LocalArtifacts)
    return [artifacts]


async def everything(artifacts: Artifacts, tmp_path: Path) -> Garbage:
    """Make one of each."""
    taken = await artifacts.snapshot(str(plant(tmp_path / "source", {"f": "1", "g": "22"})))
    upload = await artifacts.upload(pieces(tar([("u", b"333")])))
    workspace = await artifacts.prepare(KEY, source=taken.id, layers=[], target="/w")
    plant(Path(workspace.upper), {"made": "4444"})
    layer = await artifacts.seal(KEY)
    await artifacts.keep_output(EXECUTION, "o", "made", source=taken.id, layers=[layer.id], target="/w")
    return Garbage(frozenset({taken.id}), frozenset({layer.id}), frozenset({upload}), frozenset({EXECUTION}))

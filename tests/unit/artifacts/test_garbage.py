"""What a directory does beyond the contract: nothing is left of what goes, also after a crash at any point."""

import asyncio
import contextlib
import os
from datetime import timedelta
from pathlib import Path

import pytest

from aiop.artifacts import LocalArtifacts
from aiop.errors import ArtifactLost, StorageUnavailable
from aiop.model.artifacts import Garbage
from contract.artifacts.subject import EXECUTION, KEY, everything
from trees import plant, shape
from unit.artifacts.conftest import StillClock

LONG = timedelta(hours=2)


def files(artifacts: LocalArtifacts) -> set[str]:
    """All that takes space, but for what scans remember."""
    disk = artifacts._disk
    return {
        str(path.relative_to(disk.root))
        for path in disk.root.rglob("*")
        if not path.is_dir() and disk.scans not in path.parents
    }


async def test_what_was_given_out_lately_is_not_listed(
    artifacts: LocalArtifacts, tmp_path: Path, clock: StillClock
) -> None:
    made = await everything(artifacts, tmp_path)
    assert await artifacts.held() == Garbage()
    clock.pass_by(LONG)
    assert await artifacts.held() == made


async def test_what_is_not_discarded_stays_whole(artifacts: LocalArtifacts, tmp_path: Path, clock: StillClock) -> None:
    kept = await everything(artifacts, tmp_path)
    source = plant(tmp_path / "source", {"h": "more"})
    other = await artifacts.snapshot(str(source))
    clock.pass_by(LONG)
    before = shape(artifacts._snapshots.tree(next(iter(kept.snapshots))))
    clock.pass_by(LONG)
    freed = await artifacts.discard(Garbage(snapshots=frozenset({other.id})))
    assert freed >= len("more")
    assert shape(artifacts._snapshots.tree(next(iter(kept.snapshots)))) == before
    clock.pass_by(LONG)
    assert await artifacts.held() == kept


@pytest.mark.parametrize("kind", ["snapshots", "layers", "uploads", "outputs"])
async def test_what_is_given_out_between_listing_and_discarding_stays(
    artifacts: LocalArtifacts, tmp_path: Path, clock: StillClock, kind: str
) -> None:
    await everything(artifacts, tmp_path)
    clock.pass_by(LONG)
    held = await artifacts.held()
    match kind:
        case "snapshots":
            await artifacts.snapshot(str(tmp_path / "source"))
        case "layers":
            await artifacts.layer(KEY.layer)
        case "uploads":
            await artifacts.uploaded(next(iter(held.uploads)))
        case "outputs":
            await artifacts.keep_output(EXECUTION, "p", "made", source=None, layers=[KEY.layer], target="/w")
    await artifacts.discard(held)
    clock.pass_by(LONG)
    assert getattr(await artifacts.held(), kind) >= getattr(held, kind)


async def test_discarding_what_is_not_there_does_nothing(
    artifacts: LocalArtifacts, tmp_path: Path, clock: StillClock
) -> None:
    await everything(artifacts, tmp_path)
    clock.pass_by(LONG)
    held = await artifacts.held()
    assert await artifacts.discard(held) > 0
    assert await artifacts.discard(held) == 0


async def test_a_layer_that_was_never_sealed_is_garbage_too(artifacts: LocalArtifacts, clock: StillClock) -> None:
    await artifacts.prepare(KEY, source=None, layers=[], target="/w")
    clock.pass_by(LONG)
    assert (await artifacts.held()).layers == {KEY.layer}
    await artifacts.discard(await artifacts.held())
    assert files(artifacts) == set()


async def test_directories_that_a_step_closed_to_everybody_go_too(artifacts: LocalArtifacts, clock: StillClock) -> None:
    workspace = await artifacts.prepare(KEY, source=None, layers=[], target="/w")
    plant(Path(workspace.upper), {"d/e/f": "1"})
    for directory in ("d/e", "d"):
        Path(workspace.upper, directory).chmod(0)
    clock.pass_by(LONG)
    await artifacts.discard(await artifacts.held())
    assert files(artifacts) == set()


# --- a crash at any point -----------------------------------------------------------------------------------


class PowerCutError(BaseException):
    """The process is gone."""


class Cutting:
    """Ends the process, as far as files go, after a number of changes to directories."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counted = 0
        self.limit = 0
        for name in ("rename", "mkdir", "link", "unlink", "symlink", "rmdir", "mknod"):
            monkeypatch.setattr(os, name, self._wrapped(getattr(os, name)))

    def after(self, limit: int) -> None:
        self.counted, self.limit = 0, limit

    def never(self) -> None:
        self.after(0)

    def _wrapped(self, call):  # type: ignore[no-untyped-def]
        def wrapped(*arguments, **options):  # type: ignore[no-untyped-def]
            self.counted += 1
            if 0 < self.limit <= self.counted:
                # Not even what is there to clean up happens any more.
                raise PowerCutError
            return call(*arguments, **options)

        return wrapped


@pytest.fixture
def cutting(monkeypatch: pytest.MonkeyPatch) -> Cutting:
    return Cutting(monkeypatch)


@pytest.mark.parametrize("limit", range(1, 24))
async def test_a_crash_while_discarding_leaves_things_whole_or_gone(
    artifacts: LocalArtifacts, tmp_path: Path, clock: StillClock, cutting: Cutting, limit: int
) -> None:
    made = await everything(artifacts, tmp_path)
    clock.pass_by(LONG)
    held = await artifacts.held()
    cutting.after(limit)
    with contextlib.suppress(PowerCutError):
        await artifacts.discard(held)
    cutting.never()
    after = LocalArtifacts(tmp_path / "artifacts", clock)
    await after.open()
    (snapshot,) = made.snapshots
    with contextlib.suppress(ArtifactLost):
        assert shape(after._snapshots.tree(snapshot)) == {"f": "1", "g": "22"}
    with contextlib.suppress(ArtifactLost):
        assert shape(after._layers.path((await after.layer(KEY.layer)).id) / "u") == {"made": "4444"}
    with contextlib.suppress(ArtifactLost):
        assert b"".join([piece async for piece in after.read_output(EXECUTION, "o")]) == b"4444"
    for _ in range(2):
        clock.pass_by(LONG)
        await after.discard(await after.held())
    assert files(after) == set()
    await after.aclose()


@pytest.mark.parametrize("share", [number / 24 for number in range(25)])
async def test_a_crash_at_any_point_is_repaired_by_calling_again(
    tmp_path: Path, clock: StillClock, cutting: Cutting, share: float
) -> None:
    """Everything that changes a directory may be the last thing that the process does."""

    async def work(name: str) -> Garbage:
        made = LocalArtifacts(tmp_path / name, clock, threads=1)
        await made.open()
        try:
            return await everything(made, tmp_path)
        finally:
            await made.aclose()

    whole = await work("whole")
    cutting.after(1 + int(share * (cutting.counted - 1)))
    with pytest.raises(PowerCutError):
        await work("cut")
    cutting.never()
    again = await work("cut")
    assert (again.snapshots, again.layers, again.outputs) == (whole.snapshots, whole.layers, whole.outputs)
    after = LocalArtifacts(tmp_path / "cut", clock)
    await after.open()
    (snapshot,) = again.snapshots
    assert shape(after._snapshots.tree(snapshot)) == {"f": "1", "g": "22"}
    assert b"".join([piece async for piece in after.read_output(EXECUTION, "o")]) == b"4444"
    for _ in range(2):
        clock.pass_by(LONG)
        await after.discard(await after.held())
    assert files(after) == set()
    await after.aclose()


async def test_a_full_disk_is_no_fault_of_the_caller(
    artifacts: LocalArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = plant(tmp_path / "source", {"f": "1"})

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        with pytest.raises(StorageUnavailable, match="No space left"):
            await artifacts.snapshot(str(source))
    assert list(artifacts._disk.drafts.iterdir()) == []
    await artifacts.snapshot(str(source))


async def test_the_same_snapshot_taken_many_times_at_once_is_one(artifacts: LocalArtifacts, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {f"d{number % 5}/f{number}": str(number % 3) for number in range(60)})
    taken = await asyncio.gather(*(artifacts.snapshot(str(source)) for _ in range(8)))
    assert len(set(taken)) == 1
    assert shape(artifacts._snapshots.tree(taken[0].id)) == shape(source)
    assert list(artifacts._disk.drafts.iterdir()) == []


async def test_cancelling_a_call_breaks_nothing(artifacts: LocalArtifacts, tmp_path: Path) -> None:
    source = plant(tmp_path / "source", {f"f{number}": str(number) for number in range(50)})
    task = asyncio.create_task(artifacts.snapshot(str(source)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    taken = await artifacts.snapshot(str(source))
    assert shape(artifacts._snapshots.tree(taken.id)) == shape(source)

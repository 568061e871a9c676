"""Cache entries: written with the end of a step, found by key, evicted by use; and which files nobody needs."""

from __future__ import annotations

import pytest

from aiop.errors import LeaseLost
from aiop.interfaces import Changes, Lease, NewPipeline
from aiop.model.artifacts import Garbage
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, StepId, UploadId
from aiop.model.pipelines import WorkspaceRecord
from aiop.store import SqlStore
from contract.store.subject import (
    TTL,
    Subject,
    a_batch,
    a_pipeline,
    a_pipeline_run,
    an_entry,
    claimed_run,
    ended,
    submitted,
)


@pytest.fixture
async def pipeline(store: SqlStore) -> NewPipeline:
    new = a_pipeline()
    await store.create_pipeline(new)
    return new


@pytest.fixture
async def lease(store: SqlStore, pipeline: NewPipeline) -> Lease:
    return await claimed_run(store, pipeline)


def lines(result: object) -> list[str]:
    return [line.text for line in result.log]


async def test_an_entry_is_found_with_the_log_of_its_attempt(store: SqlStore, lease: Lease) -> None:
    await store.commit(lease, Changes(logs=[a_batch(1, "one"), a_batch(2, "another step", step="step2")]))
    entry = an_entry(lease, outputs={"big": 2**80, "text": "\ud800"}, outputs_truncated=True, sealed=b"cipher")
    assert await store.cached("k1") is None

    await store.commit(lease, Changes(logs=[a_batch(3, "two", "x" * 5000)], entries=[entry]))

    found = await store.cached("k1")
    assert found is not None
    assert found.entry == entry
    assert lines(found) == ["one", "two", "x" * 5000]
    assert await store.cached("k2") is None


async def test_a_later_entry_with_the_key_takes_its_place_whole(
    store: SqlStore, lease: Lease, pipeline: NewPipeline
) -> None:
    await store.commit(lease, Changes(logs=[a_batch(1, "old"), a_batch(2, "older")], entries=[an_entry(lease)]))
    later = await claimed_run(store, pipeline)
    await store.commit(later, Changes(logs=[a_batch(1, "new")], entries=[an_entry(later, layer=LayerId("l2"))]))

    found = await store.cached("k1")
    assert found is not None
    assert (found.entry.layer, lines(found)) == ("l2", ["new"])


async def test_an_entry_outlives_the_execution_that_made_it(store: SqlStore, lease: Lease) -> None:
    await store.commit(lease, Changes(logs=[a_batch(1, "kept")], entries=[an_entry(lease)]))
    await store.commit(lease, ended())
    await store.purge([lease.execution])

    found = await store.cached("k1")
    assert found is not None
    assert lines(found) == ["kept"]


async def test_an_owner_that_lost_its_lease_writes_no_entry(store: SqlStore, lease: Lease) -> None:
    stale = Lease(lease.execution, lease.owner, lease.epoch - 1, lease.agent)
    with pytest.raises(LeaseLost):
        await store.commit(stale, Changes(entries=[an_entry(lease)]))
    assert await store.cached("k1") is None


async def test_a_forgotten_entry_is_gone(store: SqlStore, lease: Lease) -> None:
    await store.commit(lease, Changes(logs=[a_batch(1, "x")], entries=[an_entry(lease), an_entry(lease, "k2")]))
    await store.forget("k1")
    await store.forget("k1")
    assert await store.cached("k1") is None
    assert await store.cached("k2") is not None


async def test_the_least_recently_used_go_until_the_rest_fits(store: SqlStore, lease: Lease, subject: Subject) -> None:
    for n in range(6):
        await store.commit(lease, Changes(entries=[an_entry(lease, f"k{n}", size=100)]))
        await subject.clock.advance(seconds=1)
    await store.commit(lease, Changes(uses=["k0", "k2", "unknown"]))

    assert await store.evict(600) == 0
    assert await store.evict(350) == 3
    left = [n for n in range(6) if await store.cached(f"k{n}")]
    assert left == [0, 2, 5]
    assert await store.evict(0) == 3
    assert await store.evict(0) == 0


async def test_more_than_one_piece_is_evicted(store: SqlStore, lease: Lease) -> None:
    await store.commit(lease, Changes(entries=[an_entry(lease, f"k{n:04}", size=1) for n in range(1200)]))
    assert await store.evict(100) == 1100
    assert await store.evict(100) == 0


async def test_files_are_needed_while_something_refers_to_them(store: SqlStore, pipeline: NewPipeline) -> None:
    upload = "0190b8a0-0000-7000-8000-000000000001"
    other = a_pipeline(source_directory=f"source:{upload.upper()}")
    await store.create_pipeline(other)
    lease = await claimed_run(store, pipeline, source=SnapshotId("old-source"))
    await store.submit(a_pipeline_run(pipeline, source=SnapshotId("source")))
    seen = WorkspaceRecord(StepId("step1"), source=SnapshotId("view"), layer=LayerId("running"))
    await store.commit(lease, Changes(workspaces=[seen], entries=[an_entry(lease, layer=LayerId("cached"))]))
    of_workflow = await submitted(store)
    held = Garbage(
        snapshots=frozenset(map(SnapshotId, ("old-source", "source", "view", "stray"))),
        layers=frozenset(map(LayerId, ("running", "cached", "stray"))),
        uploads=frozenset(map(UploadId, (upload, "stray"))),
        outputs=frozenset((lease.execution, of_workflow, ExecutionId("stray"))),
    )

    assert await store.needless(held) == Garbage(
        frozenset({SnapshotId("stray")}),
        frozenset({LayerId("stray")}),
        frozenset({UploadId("stray")}),
        frozenset({ExecutionId("stray")}),
    )

    await store.commit(lease, ended())
    after = await store.needless(held)
    assert after.snapshots == {"old-source", "view", "stray"}
    assert after.layers == {"running", "stray"}

    [second] = await store.claim("a", ttl=TTL, limit=1)
    await store.commit(second, ended())
    assert "source" not in (await store.needless(held)).snapshots, "the newest of a pipeline is kept"

    await store.request_delete_pipeline(pipeline.id)
    await store.request_delete_pipeline(other.id)
    await store.purge_deleted()
    await store.forget("k1")
    nothing = await store.needless(held)
    assert (nothing.snapshots, nothing.layers, nothing.uploads) == (held.snapshots, held.layers, held.uploads)
    assert nothing.outputs == {lease.execution, "stray"}


async def test_nothing_held_is_nothing_needless(store: SqlStore) -> None:
    assert await store.needless(Garbage()) == Garbage()

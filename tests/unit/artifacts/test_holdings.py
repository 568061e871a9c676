"""Going around a bucket: some objects at each look, and nothing goes that somebody may have been given."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aiop.artifacts.bucket import Bucket, BucketPlace
from aiop.artifacts.holdings import (
    Holdings,
    layer_head,
    layer_parcel,
    output_key,
    tree_copy,
    tree_of_upload,
    upload_key,
)
from aiop.model.artifacts import Garbage
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, UploadId, new_id
from s3_lab import S3Lab
from unit.artifacts.conftest import StillClock

SNAPSHOT = SnapshotId("ab" * 32)
LAYER = LayerId("abcdefghijklmnop")
UPLOAD = UploadId(new_id())
EXECUTION = ExecutionId(new_id())
ALL = Garbage(frozenset({SNAPSHOT}), frozenset({LAYER}), frozenset({UPLOAD}), frozenset({EXECUTION}))
DAYS = timedelta(days=2)
HOURS = timedelta(hours=2)


@pytest.fixture
def place(s3_lab: S3Lab) -> BucketPlace:
    return s3_lab.place()


@pytest.fixture
def bucket(place: BucketPlace) -> Bucket:
    made = Bucket(place)
    keys = [
        tree_copy(SNAPSHOT), layer_head(LAYER), layer_parcel(LAYER), output_key(EXECUTION, "o"), upload_key(UPLOAD),
        "other", "notes.txt", "s/what is this/x", "l/x",
    ]  # fmt: skip
    for key in keys:
        made.put(key, [b"12345"])
    return made


def keys(bucket: Bucket) -> set[str]:
    return {each.key for each in bucket.page(None, 100)}


def test_what_is_young_is_not_listed_and_does_not_go(bucket: Bucket, clock: StillClock) -> None:
    holdings, before = Holdings(bucket, clock), keys(bucket)
    for _ in range(3):
        clock.pass_by(HOURS)
        assert holdings.look() == Garbage()
        assert holdings.discard(ALL) == 0
    assert keys(bucket) == before


def test_what_was_found_needless_twice_goes_and_what_is_not_ours_stays(bucket: Bucket, clock: StillClock) -> None:
    holdings, before = Holdings(bucket, clock), keys(bucket)
    clock.pass_by(DAYS)
    assert holdings.look() == ALL
    assert holdings.discard(ALL) == 0
    assert keys(bucket) == before
    clock.pass_by(HOURS)
    holdings.look()
    assert holdings.discard(ALL) == 25
    assert keys(bucket) == {"other", "notes.txt", "s/what is this/x", "l/x"}


def test_what_was_needed_in_between_begins_anew(bucket: Bucket, clock: StillClock) -> None:
    holdings, before = Holdings(bucket, clock), keys(bucket)
    clock.pass_by(DAYS)
    for garbage in (ALL, Garbage(), ALL):
        holdings.look()
        assert holdings.discard(garbage) == 0
        clock.pass_by(HOURS)
    assert keys(bucket) == before


def test_a_bucket_that_takes_weeks_to_go_around_is_cleaned_too(bucket: Bucket, clock: StillClock) -> None:
    holdings = Holdings(bucket, clock, page=2)
    clock.pass_by(DAYS)
    for _ in range(12):
        holdings.look()
        holdings.discard(ALL)
        clock.pass_by(timedelta(weeks=1))
    assert keys(bucket) == {"other", "notes.txt", "s/what is this/x", "l/x"}


def test_what_another_service_has_deleted_is_not_doubted_any_more(place: BucketPlace, clock: StillClock) -> None:
    bucket = Bucket(place)
    holdings = Holdings(bucket, clock)
    for _ in range(2):
        bucket.put(layer_head(LAYER), [b"x"])
        clock.pass_by(DAYS)
        holdings.look()
        assert holdings.discard(ALL) == 0
        bucket.delete([layer_head(LAYER)])
        clock.pass_by(HOURS)
        holdings.look()
        holdings.discard(ALL)


def test_a_tree_of_an_upload_goes_when_neither_is_needed(place: BucketPlace, clock: StillClock) -> None:
    bucket = Bucket(place)
    bucket.put(tree_of_upload(SNAPSHOT, UPLOAD), [b"x"])
    holdings = Holdings(bucket, clock)
    clock.pass_by(DAYS)
    assert holdings.look() == Garbage(frozenset({SNAPSHOT}), frozenset(), frozenset({UPLOAD}))
    for needless in (Garbage(snapshots=ALL.snapshots), Garbage(uploads=ALL.uploads)):
        for _ in range(3):
            holdings.look()
            assert holdings.discard(needless) == 0
            clock.pass_by(HOURS)
    for _ in range(2):
        holdings.look()
        holdings.discard(ALL)
        clock.pass_by(HOURS)
    assert keys(bucket) == set()


def test_a_look_takes_as_much_however_much_there_is_and_comes_around(bucket: Bucket, clock: StillClock) -> None:
    holdings = Holdings(bucket, clock, page=4)
    clock.pass_by(DAYS)
    asked: list[int] = []
    for _ in range(9):
        holdings.look()
        asked.append(len(holdings._page))
        holdings.discard(ALL)
        clock.pass_by(HOURS)
    assert max(asked) <= 4
    assert keys(bucket) == {"other", "notes.txt", "s/what is this/x", "l/x"}
    assert holdings._doubted == {}


def test_of_several_copies_of_a_tree_the_newest_stays(
    place: BucketPlace, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(place)
    oldest, newest, other = (tree_copy(SNAPSHOT) for _ in range(3))
    after = {oldest: timedelta(0), other: timedelta(minutes=1), newest: timedelta(minutes=2)}
    for copy in after:
        bucket.put(copy, [b"x"])
    page = bucket.page
    monkeypatch.setattr(
        bucket,
        "page",
        lambda *which: [replace(each, written_at=each.written_at + after[each.key]) for each in page(*which)],
    )
    holdings = Holdings(bucket, clock)
    holdings.look()
    assert holdings.discard(Garbage()) == 0
    clock.pass_by(HOURS)
    holdings.look()
    assert holdings.discard(Garbage()) == 2
    assert keys(bucket) == {newest}

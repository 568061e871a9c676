"""What a bucket holds, looked at a page at a time, and what of that may go."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiop.artifacts.bucket import Bucket, Stored
from aiop.interfaces import Clock
from aiop.model.artifacts import Garbage
from aiop.model.ids import ExecutionId, LayerId, SnapshotId, UploadId, new_id

__all__ = [
    "FRESH",
    "Holdings",
    "layer_head",
    "layer_parcel",
    "output_key",
    "tree_copy",
    "tree_of_upload",
    "trees",
    "upload_key",
]

FRESH = timedelta(hours=12)
"""A tree that was written this lately may be given out; an older one is written again before that."""

_AGE = 2 * FRESH
"""What is younger is not garbage, whatever the store knows of it: it may not know yet."""

_DOUBT = timedelta(hours=1)
"""What was found needless stays this long, and goes if it is found so again: who was given it before has told the
store by then."""

_PAGE = 5000
_KEY = re.compile(
    r"s/(?P<snapshot>[0-9a-f]{64})/(?:u-(?P<of>[0-9a-f-]{36})|[0-9a-f-]{36})"
    r"|l/(?P<layer>[^/]+)/[^/]+|u/(?P<upload>[0-9a-f-]{36})|o/(?P<execution>[^/]+)/[^/]+"
)


def trees(snapshot: SnapshotId) -> str:
    """Where the copies of a tree are; one is enough."""
    return f"s/{snapshot}/"


def tree_copy(snapshot: SnapshotId) -> str:
    """Name a new copy of a tree. It is new each time, so that one who deletes an old one does not hit it."""
    return f"s/{snapshot}/{new_id()}"


def tree_of_upload(snapshot: SnapshotId, upload: UploadId) -> str:
    """Name the copy of a tree that stays as long as an upload does."""
    return f"s/{snapshot}/u-{upload}"


def upload_key(upload: UploadId) -> str:
    """Where it is said which tree an upload is."""
    return f"u/{upload}"


def layer_head(layer: LayerId) -> str:
    """Where it is said what a layer is; a small one is in there too. Once it is there, the layer is sealed."""
    return f"l/{layer}/head"


def layer_parcel(layer: LayerId) -> str:
    """Name the place of a layer's content, which counts if its head names it."""
    return f"l/{layer}/{new_id()}"


def output_key(execution: ExecutionId, name: str) -> str:
    """Where a named output is: a name is the user's, and may be anything."""
    return f"o/{execution}/{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class _Thing:
    """Whom an object is for."""

    snapshot: SnapshotId | None = None
    layer: LayerId | None = None
    upload: UploadId | None = None
    execution: ExecutionId | None = None

    @property
    def is_copy(self) -> bool:
        """Whether there may be other copies of it."""
        return self.snapshot is not None and self.upload is None

    def needless(self, garbage: Garbage) -> bool:
        """Whether all whom it is for have no need of it."""
        return (
            (self.snapshot is None or self.snapshot in garbage.snapshots)
            and (self.layer is None or self.layer in garbage.layers)
            and (self.upload is None or self.upload in garbage.uploads)
            and (self.execution is None or self.execution in garbage.outputs)
        )


class Holdings:
    """Goes around the bucket, some thousand objects at each look, so that a look costs the same whatever is there.

    Several services may do so at once. Nothing here is kept on a disk: who starts anew begins to doubt anew.
    """

    def __init__(self, bucket: Bucket, clock: Clock, *, page: int = _PAGE) -> None:
        self._bucket = bucket
        self._clock = clock
        self._count = page
        self._after: str | None = None
        self._page: list[tuple[Stored, _Thing]] = []
        self._doubted: dict[str, datetime] = {}

    def look(self) -> Garbage:
        """Take the next page; returns whom the older objects in it are for."""
        start, found = self._after, self._bucket.page(self._after, self._count)
        self._after = found[-1].key if len(found) == self._count else None
        self._forget_what_is_gone(start, {each.key for each in found})
        self._page = [(each, thing) for each in found if (thing := _thing(each.key)) is not None]
        now = self._clock.now()
        old = [thing for each, thing in self._page if now - each.written_at > _AGE]
        return Garbage(
            snapshots=frozenset(each.snapshot for each in old if each.snapshot is not None),
            layers=frozenset(each.layer for each in old if each.layer is not None),
            uploads=frozenset(each.upload for each in old if each.upload is not None),
            outputs=frozenset(each.execution for each in old if each.execution is not None),
        )

    def discard(self, garbage: Garbage) -> int:
        """Delete what of the page is garbage now and was before, and copies that a newer one has made needless;
        returns their size.
        """
        now = self._clock.now()
        gone = {each.key: each.size for each in self._superseded(now)}
        for each, thing in self._page:
            if not thing.needless(garbage) or now - each.written_at <= _AGE:
                self._doubted.pop(each.key, None)
            elif now - self._doubted.setdefault(each.key, now) >= _DOUBT:
                gone[each.key] = each.size
        self._bucket.delete(sorted(gone))
        for key in gone:
            self._doubted.pop(key, None)
        self._page = [(each, thing) for each, thing in self._page if each.key not in gone]
        return sum(gone.values())

    def _forget_what_is_gone(self, start: str | None, found: Container[str]) -> None:
        """Doubt nothing any more that the page would hold if another service had not deleted it."""
        last = self._after
        self._doubted = {
            key: since
            for key, since in self._doubted.items()
            if key in found or (start is not None and key <= start) or (last is not None and key > last)
        }

    def _superseded(self, now: datetime) -> list[Stored]:
        copies: dict[SnapshotId, list[Stored]] = {}
        for each, thing in self._page:
            # One that is being read now was the newest an hour ago at most.
            if thing.is_copy and thing.snapshot is not None and now - each.written_at > _DOUBT:
                copies.setdefault(thing.snapshot, []).append(each)
        return [each for some in copies.values() for each in sorted(some, key=lambda one: one.written_at)[:-1]]


def _thing(key: str) -> _Thing | None:
    """Read a key; ``None`` for one that is not ours."""
    parts = _KEY.fullmatch(key)
    if parts is None:
        return None
    snapshot, layer, execution = parts["snapshot"], parts["layer"], parts["execution"]
    upload = parts["of"] or parts["upload"]
    return _Thing(
        SnapshotId(snapshot) if snapshot else None,
        LayerId(layer) if layer else None,
        UploadId(upload) if upload else None,
        ExecutionId(execution) if execution else None,
    )

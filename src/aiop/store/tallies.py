"""What is counted in the transaction that brings it about: each end, each start and each failure, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import Changes, Tally
from aiop.interfaces.figures import (
    DELAY_BOUNDS,
    DURATION_BOUNDS,
    NO_DURATION,
    OTHER_WORKFLOWS,
    Counted,
    bucket_of,
)
from aiop.model.records import AttemptRecord, Event, EventType, StepRecord
from aiop.model.state import ExecutionStatus, Reason, StepStatus
from aiop.store import tables
from aiop.store.codec import AnyRow, micros
from aiop.store.series import allot

if TYPE_CHECKING:
    from aiop.store.database import Database

__all__ = ["Count", "EndedExecution", "TallyTable", "counts_of", "tally"]


class Count(NamedTuple):
    """One more of something. ``seq`` is that of the event that tells of it, for what may be written twice."""

    counted: Counted
    workflow: str
    label: str
    bucket: int
    micros: int
    seq: int = 0


class EndedExecution(NamedTuple):
    """An execution at its end; times in microseconds."""

    workflow: str
    status: str
    reason: str | None
    started_at: int | None
    completed_at: int | None


# An execution that fails for these has failed by its steps, which are counted.
_BY_ITS_STEPS = frozenset({None, Reason.STEP_FAILED.value})
_STEP_ENDS = frozenset({EventType.STEP_FINISHED, EventType.STEP_SKIPPED})


def counts_of(changes: Changes) -> list[Count]:
    """Return what the events of a commit have to be counted as; a commit holds the record that an event tells of."""
    steps: Mapping[tuple[str, int], StepRecord] | None = None
    attempts: Mapping[tuple[str, int, int], AttemptRecord] | None = None
    counts: list[Count] = []
    for event in changes.events:
        if event.type in _STEP_ENDS:
            steps = steps or {(step.step, step.index): step for step in changes.steps}
            step = steps.get((event.data.get("step", ""), event.data.get("index", 0)))
            if step is not None:
                counts.extend(_step_end(event, step))
        elif event.type is EventType.STEP_STARTED:
            attempts = attempts or {(each.step, each.index, each.attempt): each for each in changes.attempts}
            data = event.data
            attempt = attempts.get((data.get("step", ""), data.get("index", 0), data.get("attempt", 0)))
            delay = None if attempt is None else _between(micros(attempt.ready_at), micros(attempt.started_at))
            if delay is not None:
                counts.append(Count(Counted.DELAY, "", "", bucket_of(delay, DELAY_BOUNDS), delay, event.seq))
        elif event.type is EventType.STEP_RETRIED and (reason := event.data.get("reason")):
            counts.append(Count(Counted.FAILURE, "", str(reason), NO_DURATION, 0, event.seq))
    return counts


def _step_end(event: Event, step: StepRecord) -> Iterator[Count]:
    duration = _between(micros(step.started_at), micros(step.completed_at))
    bucket = bucket_of(duration, DURATION_BOUNDS)
    yield Count(Counted.STEP, "", step.status.value, bucket, duration or 0, event.seq)
    if step.status is StepStatus.FAILED and step.reason is not None:
        yield Count(Counted.FAILURE, "", step.reason.value, NO_DURATION, 0, event.seq)


def _between(start: int | None, end: int | None) -> int | None:
    return None if start is None or end is None else max(0, end - start)


class TallyTable:
    """Adds to the tallies; sorted, so that two replicas never lock crosswise."""

    def __init__(self, db: Database) -> None:
        table = tables.tallies
        insert = db.dialect.insert(table)
        self._add = db.bulk(
            insert.on_conflict_do_update(
                index_elements=list(table.primary_key.columns),
                set_={
                    "times": table.c.times + insert.excluded.times,
                    "micros": table.c.micros + insert.excluded.micros,
                },
            )
        )
        self._use = db.upsert(tables.workflow_series)
        self._db = db

    async def add(self, tx: AsyncConnection, counts: Sequence[Count], ended: Sequence[EndedExecution]) -> None:
        """Count each, and each end under its workflow if that has a series."""
        sums: dict[tuple[str, str, str, int], list[int]] = {}
        own = await self._series_of(tx, {each.workflow for each in ended}) if ended else set()
        for count in (*counts, *(count for each in ended for count in _execution_end(each, own))):
            entry = sums.setdefault((count.counted.value, count.workflow, count.label, count.bucket), [0, 0])
            entry[0] += 1
            entry[1] += count.micros
        rows = [
            {
                "counted": key[0],
                "workflow": key[1],
                "label": key[2],
                "bucket": key[3],
                "shard": self._db.shard,
                "times": n,
                "micros": total,
            }
            for key, (n, total) in sorted(sums.items())
        ]
        await self._add.execute(tx, rows)

    async def _series_of(self, tx: AsyncConnection, workflows: set[str]) -> set[str]:
        table, now = tables.workflow_series, self._db.now()
        series = {row.workflow_id: row.used_at for row in await tx.execute(_SERIES)}
        given = allot(series, workflows, now=now, limit=self._db.series_limit)
        if given.retired:
            await tx.execute(delete(table).where(table.c.workflow_id.in_(given.retired)))
        await self._use.execute(tx, [{"workflow_id": each, "used_at": now} for each in sorted(given.used)])
        return given.own


def _execution_end(ended: EndedExecution, own: set[str]) -> Iterator[Count]:
    duration = _between(ended.started_at, ended.completed_at)
    bucket = bucket_of(duration, DURATION_BOUNDS)
    yield Count(Counted.EXECUTION, "", ended.status, bucket, duration or 0)
    workflow = ended.workflow if ended.workflow in own else OTHER_WORKFLOWS
    yield Count(Counted.WORKFLOW, workflow, ended.status, NO_DURATION, duration or 0)
    if ended.status == ExecutionStatus.FAILED and ended.reason not in _BY_ITS_STEPS:
        yield Count(Counted.FAILURE, "", str(ended.reason), NO_DURATION, 0)


def tally(row: AnyRow) -> Tally:
    """Decode a row."""
    return Tally(Counted(row.counted), row.workflow, row.label, row.bucket, row.times, row.micros)


_SERIES = select(tables.workflow_series)

"""The store, for monitoring: what is counted with each commit, and what is under way."""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = [
    "DELAY_BOUNDS",
    "DURATION_BOUNDS",
    "NO_DURATION",
    "OTHER_WORKFLOWS",
    "UNBOUNDED",
    "Counted",
    "FigureStore",
    "Figures",
    "Tally",
    "bucket_of",
]

_SECOND = 1_000_000

DURATION_BOUNDS = tuple(
    int(seconds * _SECOND)
    for seconds in (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)
)
"""Upper bounds of the buckets for executions and steps, in microseconds."""
DELAY_BOUNDS = tuple(
    int(seconds * _SECOND) for seconds in (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
)
"""Upper bounds of the buckets for the delay before a start, in microseconds."""
UNBOUNDED = 2**62
"""The bucket of what is longer than every bound."""
NO_DURATION = 0
"""The bucket of what never began: it is counted, but it took no time."""

OTHER_WORKFLOWS = "other"
"""Label for the workflows that have no series of their own."""


class Counted(enum.StrEnum):
    """What is counted; in brackets what its labels are."""

    EXECUTION = "execution"
    """Ended executions (status)."""
    WORKFLOW = "workflow"
    """The same, by workflow (workflow, status)."""
    STEP = "step"
    """Ended steps, also those that were skipped (status)."""
    DELAY = "delay"
    """Started containers, by the time from the moment when their attempt could be made."""
    FAILURE = "failure"
    """Failed attempts, those that another followed too, and executions that failed by themselves (reason)."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something has ended so, in all the time since the database was made.

    ``workflow`` and ``label`` are empty where they say nothing. ``bucket`` is an upper bound in microseconds,
    ``UNBOUNDED`` or ``NO_DURATION``; ``micros`` is the sum of the durations.
    """

    counted: Counted
    workflow: str
    label: str
    bucket: int
    count: int
    micros: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One state of the database. ``oldest_pending`` is when the execution that waits longest was submitted."""

    running_executions: int
    pending_executions: int
    oldest_pending: datetime | None
    running_steps: int
    tallies: Sequence[Tally] = ()


class FigureStore(Protocol):
    """For monitoring. What is counted is written in the transaction of what it counts, and never goes down."""

    async def activity(self) -> Figures:
        """Read what is under way, without the tallies; raises ``StorageUnavailable``."""

    async def figures(self) -> Figures:
        """Read what is under way and all tallies; raises ``StorageUnavailable``.

        Workflows without a series of their own are summed as ``OTHER_WORKFLOWS``.
        """


def bucket_of(micros: int | None, bounds: Sequence[int]) -> int:
    """Return the bucket of a duration; one below 0 (two clocks) counts as 0."""
    if micros is None:
        return NO_DURATION
    place = bisect_left(bounds, micros)
    return bounds[place] if place < len(bounds) else UNBOUNDED

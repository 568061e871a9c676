"""Which workflows have a series of their own in the metrics. Pure.

Each end of an execution is counted under one label for good, so that no counter ever jumps or goes down: that of its
workflow if that has a series at this moment, else that of the others. A series is kept until its workflow has been
idle for long, as one that comes and goes costs Prometheus as much as many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["IDLE", "Allotment", "allot"]

_HOUR = 3600 * 1_000_000
IDLE = 24 * _HOUR
"""A workflow without an end for so long may lose its series to another."""


@dataclass(slots=True)
class Allotment:
    """``own`` have a series, ``used`` are to be marked as used now, ``retired`` lose theirs."""

    own: set[str] = field(default_factory=set)
    used: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)


def allot(series: Mapping[str, int], wanted: Iterable[str], *, now: int, limit: int) -> Allotment:
    """Decide for the workflows ``wanted``, given when each workflow with a series was last used.

    At most ``limit`` have one afterwards. Times are in microseconds.
    """
    given = Allotment()
    asking = sorted(set(wanted))
    kept = dict(series)
    for workflow in sorted(kept, key=lambda each: (kept[each], each))[: max(0, len(kept) - limit)]:
        del kept[workflow]
        given.retired.append(workflow)
    idle = [each for each in sorted(kept, key=lambda each: (kept[each], each)) if kept[each] <= now - IDLE]
    idle = [each for each in idle if each not in asking]
    for workflow in asking:
        if workflow not in kept:
            if len(kept) >= limit:
                if not idle:
                    continue
                oldest = idle.pop(0)
                del kept[oldest]
                given.retired.append(oldest)
            kept[workflow] = 0
        given.own.add(workflow)
        if kept[workflow] <= now - _HOUR:
            given.used.append(workflow)
    return given

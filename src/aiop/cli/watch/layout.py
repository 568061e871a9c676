"""Where each step stands in the picture. Pure.

A graph is no tree, but it holds one: each step hangs under the last step that all ways to it go through (its immediate
dominator). So a fan-out is indented under the step where it begins, and the step that joins it stands after
it at the same depth. What follows one after the other stays at one depth.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Place", "lay_out"]

Graph = Mapping[str, Sequence[str]]
"""Each step with those that it needs."""


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the picture; ``branch`` is what is drawn before the step."""

    step: str
    branch: str


@dataclass(slots=True)
class _Level:
    """Steps still to be placed at one depth; ``serial`` while they follow one after the other."""

    steps: deque[str]
    indent: str
    depth: int
    serial: bool


def lay_out(needs: Graph) -> list[Place]:
    """Put the steps in an order in which each comes after all that it needs; needs that are no steps do not count."""
    children: dict[str | None, list[str]] = {}
    for step, parent in _dominators(needs).items():
        children.setdefault(parent, []).append(step)
    roots = children.get(None, [])
    places: list[Place] = []
    # a stack of our own: graphs can be deeper than Python's
    levels = [_Level(deque(roots), "", 0, serial=len(roots) == 1)]
    while levels:
        level = levels[-1]
        if not level.steps:
            levels.pop()
            continue
        step = level.steps.popleft()
        below = children.get(step, [])
        joins = level.serial or len(needs[step]) > 1
        if len(below) == 1 and not level.steps and joins:
            level.steps.extend(below)
            level.serial = True
            below = []
        last = not level.steps
        places.append(Place(step, level.indent + ("└─ " if last else "├─ ") if level.depth else ""))
        if below:
            indent = level.indent + ("   " if last else "│  ") if level.depth else ""
            levels.append(_Level(deque(below), indent, level.depth + 1, serial=len(below) == 1))
    return places


def _dominators(needs: Graph) -> dict[str, str | None]:
    """Map each step to its immediate dominator, in topological order; ``None`` is the start of all.

    One pass is enough for a graph without cycles: the dominator is where the ways up from all needs meet (Cooper,
    Harvey and Kennedy, "A Simple, Fast Dominance Algorithm", 2001).
    """
    parents: dict[str, str | None] = {}
    depths: dict[str | None, int] = {None: 0}
    for step in _topological(needs):
        before = [need for need in needs[step] if need in parents]
        meeting: str | None = before[0] if before else None
        for need in before[1:]:
            meeting = _meet(meeting, need, parents, depths)
        parents[step] = meeting
        depths[step] = depths[meeting] + 1
    return parents


def _meet(
    one: str | None, other: str | None, parents: Mapping[str, str | None], depths: Mapping[str | None, int]
) -> str | None:
    while one != other:
        if depths[one] >= depths[other] and one is not None:
            one = parents[one]
        elif other is not None:
            other = parents[other]
    return one


def _topological(needs: Graph) -> list[str]:
    """Order the steps; those that could come at the same time stay as they were written."""
    missing = {step: sum(need in needs for need in set(before)) for step, before in needs.items()}
    followers: dict[str, list[str]] = {}
    for step, before in needs.items():
        for need in set(before):
            followers.setdefault(need, []).append(step)
    ready = deque(step for step, count in missing.items() if count == 0)
    order: list[str] = []
    while ready:
        step = ready.popleft()
        order.append(step)
        for follower in followers.get(step, ()):
            missing[follower] -= 1
            if missing[follower] == 0:
                ready.append(follower)
    return order

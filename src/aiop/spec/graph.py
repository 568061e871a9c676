"""The graph of a definition over dense indexes: step ``i`` is ``definition.steps[i]``. Nothing here recurses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from aiop.model.definition import Definition
from aiop.model.ids import StepId

__all__ = ["CycleError", "Graph", "find_cycles"]

_BLOCK = 1024
_LONGEST_CYCLE = 12


class CycleError(ValueError):
    """Steps depend on each other in a circle."""


@dataclass(frozen=True)
class Graph:
    """Who waits for whom.

    ``order`` is a topological order, the one in which the steps were written where that is one.
    """

    ids: tuple[StepId, ...]
    index: Mapping[StepId, int]
    parents: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]

    @classmethod
    def of(cls, definition: Definition) -> Graph:
        """Build the graph of a checked definition."""
        ids = tuple(step.id for step in definition.steps)
        index = {step_id: i for i, step_id in enumerate(ids)}
        return cls.build(ids, [[index[parent] for parent in step.depends_on] for step in definition.steps])

    @classmethod
    def build(cls, ids: Sequence[StepId], parents: Sequence[Sequence[int]]) -> Graph:
        """Build from the indexes that each step depends on; raises ``CycleError`` naming a cycle."""
        order = _order(parents)
        if len(order) < len(ids):
            raise CycleError(describe_cycle([ids[i] for i in find_cycles(parents)[0]]))
        return cls(
            ids=tuple(ids),
            index={step_id: i for i, step_id in enumerate(ids)},
            parents=tuple(map(tuple, parents)),
            order=tuple(order),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """The steps that wait for each step."""
        return tuple(map(tuple, _children(self.parents)))

    @property
    def dependency_counts(self) -> list[int]:
        """A new list with the number of steps that each step waits for; the caller may count it down."""
        return [len(parents) for parents in self.parents]

    @property
    def roots(self) -> tuple[int, ...]:
        """The steps that wait for none."""
        return tuple(i for i, parents in enumerate(self.parents) if not parents)

    @property
    def sinks(self) -> tuple[int, ...]:
        """The steps that none waits for."""
        return tuple(i for i, children in enumerate(self.children) if not children)

    def ancestors(self, step: int) -> list[int]:
        """Return all that a step waits for, at whatever distance, in the order of ``order``."""
        found: set[int] = set()
        ahead = [step]
        while ahead:
            for parent in self.parents[ahead.pop()]:
                if parent not in found:
                    found.add(parent)
                    ahead.append(parent)
        return sorted(found, key=self._places.__getitem__)

    @cached_property
    def _places(self) -> list[int]:
        places = [0] * len(self)
        for place, step in enumerate(self.order):
            places[step] = place
        return places

    def non_ancestors(self, pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        """Return those ``(step, other)`` in which ``step`` does not wait, at whatever distance, for ``other``.

        Costs nothing but the look-up for direct dependencies; for the others, one pass over the edges for each
        ``_BLOCK`` of different ``other``, and memory for as many bits for each step.
        """
        sought: dict[int, list[int]] = {}
        for step, other in pairs:
            if other not in self.parents[step]:
                sought.setdefault(other, []).append(step)
        targets = list(sought)
        missing: set[tuple[int, int]] = set()
        for start in range(0, len(targets), _BLOCK):
            block = targets[start : start + _BLOCK]
            masks = self._descendant_masks(block)
            for bit, other in enumerate(block):
                missing.update((step, other) for step in sought[other] if not masks[step] >> bit & 1)
        return missing

    def _descendant_masks(self, targets: Sequence[int]) -> list[int]:
        own = [0] * len(self)
        for bit, target in enumerate(targets):
            own[target] = 1 << bit
        masks = [0] * len(self)
        for step in self.order:
            mask = 0
            for parent in self.parents[step]:
                mask |= masks[parent] | own[parent]
            masks[step] = mask
        return masks


def _children(parents: Sequence[Sequence[int]]) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in parents]
    for child, its_parents in enumerate(parents):
        for parent in its_parents:
            children[parent].append(child)
    return children


def _order(parents: Sequence[Sequence[int]]) -> list[int]:
    """Sort topologically, leaving out what lies on a cycle or behind one."""
    if all(not its or max(its) < i for i, its in enumerate(parents)):
        return list(range(len(parents)))
    children = _children(parents)
    waiting = [len(its) for its in parents]
    order = [i for i, count in enumerate(waiting) if not count]
    for step in order:  # grows while it is walked over
        for child in children[step]:
            waiting[child] -= 1
            if not waiting[child]:
                order.append(child)
    return order


def find_cycles(parents: Sequence[Sequence[int]]) -> list[list[int]]:
    """Find cycles that share no step, at least one if there is any; each begins with its lowest index.

    Each step in a cycle depends on the one after it, the last on the first.
    """
    stuck = set(range(len(parents))).difference(_order(parents))
    # Each stuck step has a stuck parent: following one of them from step to step must come round.
    follow = {step: next(parent for parent in parents[step] if parent in stuck) for step in sorted(stuck)}
    walked: dict[int, int] = {}
    cycles = []
    for start in follow:
        step = start
        while step not in walked:
            walked[step] = start
            step = follow[step]
        if walked[step] == start:
            cycles.append(_cycle_from(step, follow))
    return cycles


def _cycle_from(step: int, follow: Mapping[int, int]) -> list[int]:
    cycle = [step]
    while (following := follow[cycle[-1]]) != step:
        cycle.append(following)
    lowest = cycle.index(min(cycle))
    return cycle[lowest:] + cycle[:lowest]


def describe_cycle(ids: Sequence[str]) -> str:
    """Write ``a -> b -> a``; long cycles are cut in the middle."""
    shown = list(ids)
    if len(shown) > _LONGEST_CYCLE:
        shown = [*shown[: _LONGEST_CYCLE - 2], f"({len(ids) - _LONGEST_CYCLE + 1} more)", ids[-1]]
    return " -> ".join([*shown, ids[0]])

"""A bound on what runs at once that lets nobody starve."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable

__all__ = ["Slots"]


class Slots:
    """Hands out ``limit`` places. Groups that wait take turns; within a group, first come first served.

    So an execution that is 2,000 steps wide does not hold up one of three steps that came after it.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._queues: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    def try_take(self) -> bool:
        """Take a place if one is free and nobody waits."""
        if self._queues or self.taken >= self.limit:
            return False
        self.taken += 1
        return True

    def force(self) -> None:
        """Take a place over the limit: for what runs already."""
        self.taken += 1

    async def take(self, group: Hashable) -> None:
        """Wait for a place."""
        if self.try_take():
            return
        turn = asyncio.get_running_loop().create_future()
        self._queues.setdefault(group, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            else:
                self._forget(group, turn)
            raise

    def give_back(self) -> None:
        """Free a place; the next group in turn gets it."""
        self.taken -= 1
        while self._queues and self.taken < self.limit:
            group, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._queues[group] = queue
            if not turn.done():
                self.taken += 1
                turn.set_result(None)

    def _forget(self, group: Hashable, turn: asyncio.Future[None]) -> None:
        queue = self._queues.get(group)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[group]

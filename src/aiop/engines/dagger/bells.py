"""Requests to end: those that are made while another is on its way go together, in one container.

A container costs the engine a tenth of a second of both its cores, the bells that it rings cost next to nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiop.engines.dagger.containers import ringing
from aiop.engines.dagger.session import Session
from aiop.engines.dagger.wrapping import Bell

if TYPE_CHECKING:
    from dagger import CacheVolume, Container

__all__ = ["Bells"]

_TOGETHER = 32
"""Each is a mount of its own."""


class Bells:
    """Tells commands to end, each by the bell on its desk."""

    def __init__(self) -> None:
        self._rounds: dict[Session, _Round] = {}

    async def ring(self, session: Session, base: Container, desk: CacheVolume, bell: Bell) -> None:
        """Return once it was rung, whether anybody hears it or not; raises what the calls of the session raise.

        ``base`` is any that has a shell. Cancelling leaves others their round.
        """
        last = self._rounds.get(session)
        if last is None or last.begun or len(last.bells) == _TOGETHER:
            last = self._rounds[session] = _Round(session, base, after=last)
            last.task.add_done_callback(lambda _: self._forget(session))
        last.bells.append((desk, bell))
        await asyncio.shield(last.task)

    def _forget(self, session: Session) -> None:
        if (last := self._rounds.get(session)) is not None and last.task.done():
            del self._rounds[session]


class _Round:
    """What goes together; one at a time for a session, so that the next can gather meanwhile."""

    def __init__(self, session: Session, base: Container, *, after: _Round | None) -> None:
        self.bells: list[tuple[CacheVolume, Bell]] = []
        self.begun = False
        self.task = asyncio.create_task(self._go(session, base, after), name="dagger bells")
        self.task.add_done_callback(_look_at)

    async def _go(self, session: Session, base: Container, after: _Round | None) -> None:
        if after is not None:
            await asyncio.wait({after.task})
        self.begun = True
        with session.calls():
            await ringing(session, base, self.bells).sync()


def _look_at(task: asyncio.Task[None]) -> None:
    """Every waiter may be gone: a fault was theirs to see, nobody is left to be told."""
    if not task.cancelled():
        task.exception()

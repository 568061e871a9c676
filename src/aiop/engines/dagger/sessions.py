"""The sessions with one engine: one at a time for new attempts, and a lost one replaced by another."""

from __future__ import annotations

import asyncio

from aiop.engines.dagger.session import Session

__all__ = ["Sessions"]

_USES = 200
"""An engine keeps what a session has called for until its end: after so many attempts another one takes over."""


class Sessions:
    """Opens a session when one is needed, and closes those that nobody needs any more."""

    def __init__(self, endpoint: str | None, *, cli: str | None = None, uses: int = _USES) -> None:
        self._endpoint = endpoint
        self._cli = cli
        self._uses_limit = uses
        self._opening: asyncio.Task[Session] | None = None
        self._users: dict[Session, int] = {}
        self._uses = 0
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """How many are open."""
        current = {self._opening.result()} if self._opening is not None and _usable(self._opening) else set()
        return len(current | {session for session in self._users if session.alive})

    async def current(self) -> Session:
        """Return the session for new calls, opened once for all who wait; raises as ``Session.open``."""
        opening = self._opening
        if opening is not None and opening.done() and not _usable(opening):
            self._retire()
            opening = None
        if opening is None:
            self._uses = 0
            opening = self._opening = asyncio.create_task(
                Session.open(self._endpoint, cli=self._cli), name="dagger-session-open"
            )
            opening.add_done_callback(_look_at)
        return await asyncio.shield(opening)

    async def enter(self) -> Session:
        """Return the session for a new attempt, which must ``leave`` it."""
        if self._uses >= self._uses_limit:
            self._retire()
        session = await self.current()
        self._uses += 1
        self._users[session] = self._users.get(session, 0) + 1
        return session

    def leave(self, session: Session) -> None:
        """Say that an attempt has ended; the last one closes a session that is not for new ones any more."""
        if session not in self._users:
            # All was closed under it.
            return
        self._users[session] -= 1
        if not self._users[session]:
            del self._users[session]
            if not self._is_current(session):
                self._close(session)

    async def aclose(self) -> None:
        """Close all."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
            self._retire()
        for session in list(self._users):
            self._close(session)
        self._users.clear()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _is_current(self, session: Session) -> bool:
        opening = self._opening
        return opening is not None and _usable(opening) and opening.result() is session

    def _retire(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None and opening.done() and not opening.cancelled() and opening.exception() is None:
            session = opening.result()
            if session not in self._users:
                self._close(session)

    def _close(self, session: Session) -> None:
        task = asyncio.create_task(session.aclose(), name="dagger-session-close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _usable(opening: asyncio.Task[Session]) -> bool:
    return opening.done() and not opening.cancelled() and opening.exception() is None and opening.result().alive


def _look_at(opening: asyncio.Task[Session]) -> None:
    """Every waiter may be gone: a fault was theirs to see, nobody is left to be told."""
    if not opening.cancelled():
        opening.exception()

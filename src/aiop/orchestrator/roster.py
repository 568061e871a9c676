"""Who else is there: each replica shows that it lives, and sees who of them is to do what one is to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from aiop.errors import StorageUnavailable
from aiop.interfaces import Clock, ReplicaStore
from aiop.model.replica import Replica

__all__ = ["Roster"]

log = structlog.get_logger()


class Roster:
    """One for a process. ``beat`` once before anything is asked, then ``run`` until cancelled.

    Duties are spread over the replicas that run executions by rendezvous hashing: all come to the same answer, and if
    one goes only its duties move. While replicas come and go two may think that a duty is theirs, or none, for a
    moment: a duty must bear that.
    """

    def __init__(
        self,
        me: Replica,
        store: ReplicaStore,
        clock: Clock,
        *,
        ttl: timedelta,
        compare: Callable[[datetime, datetime, datetime], None] = lambda *_: None,
    ) -> None:
        """``compare`` is told the database's time, and when it was asked for and had by our clock."""
        self._me = me
        self._store = store
        self._clock = clock
        self._ttl = ttl
        self._compare = compare
        self._alive: Sequence[Replica] = (me,)

    @property
    def alone(self) -> bool:
        """Whether there is no other replica, whatever it does."""
        return all(replica.id == self._me.id for replica in self._alive)

    @property
    def running(self) -> int:
        """How many replicas run executions, this one too if it does."""
        return sum(replica.role.runs for replica in self._alive)

    def mine(self, duty: str) -> bool:
        """Whether this replica is to see to ``duty``."""
        candidates = [replica.id for replica in self._alive if replica.role.runs]
        return bool(candidates) and max(candidates, key=lambda each: _weight(duty, each)) == self._me.id

    async def beat(self) -> None:
        """Show that we live, and look who does; raises ``StorageUnavailable``."""
        asked = self._clock.now()
        beat = await self._store.beat(self._me, ttl=self._ttl)
        if beat.time is not None:
            self._compare(beat.time, asked, self._clock.now())
        before = {replica.id for replica in self._alive}
        self._alive = beat.alive
        alive = {replica.id for replica in beat.alive}
        for gone in sorted(before - alive):
            log.info("replica_gone", replica=gone)
        for come in sorted(alive - before):
            log.info("replica_seen", replica=come)

    async def run(self) -> None:
        """Work until cancelled; then leave."""
        try:
            while True:
                await self._clock.sleep(self._ttl / 3)
                try:
                    await self.beat()
                except StorageUnavailable as error:
                    log.info("beat_postponed", error=str(error))
        finally:
            try:
                await self._store.leave(self._me.id)
            except StorageUnavailable as error:
                log.info("not_left", error=str(error))


def _weight(duty: str, replica: str) -> bytes:
    return hashlib.sha256(f"{duty} {replica}".encode()).digest()

"""The store, for replicas: what they agree on, and who of them lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from aiop.model.replica import Replica

__all__ = ["Beat", "ReplicaStore"]


@dataclass(frozen=True, slots=True)
class Beat:
    """What a replica learns as it shows that it lives.

    ``time`` is the database's, at the moment of the call; ``None`` if that has no clock of its own.
    """

    time: datetime | None
    alive: Sequence[Replica]


class ReplicaStore(Protocol):
    """For replicas."""

    async def agree(self, name: str, proposed: str) -> str:
        """Return what all replicas know by this name: what the first of them proposed."""

    async def beat(self, replica: Replica, *, ttl: timedelta) -> Beat:
        """Note that a replica lives; returns all that were heard of within ``ttl``, itself too, sorted by id."""

    async def leave(self, replica: str) -> None:
        """Strike a replica off: it ends."""

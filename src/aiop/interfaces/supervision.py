"""The store, for claiming, recovery and cleaning up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from aiop.interfaces.commits import Lease
from aiop.model.ids import ExecutionId, StepKey

__all__ = ["SupervisorStore"]


class SupervisorStore(Protocol):
    """For claiming, recovery and cleaning up."""

    async def claim(self, owner: str, *, ttl: timedelta, limit: int) -> Sequence[Lease]:
        """Take up to ``limit`` executions that have not ended and that nobody holds: those that were held before, then
        new ones, each oldest first.

        An execution is held if its lease has not expired, or is of this owner (``adopt_own`` takes those). One that was
        placed on an agent before stays there, also if the agent is away. One that was not is placed now by
        ``model.placement.FreePlaces``, in the order of submission: never on an agent that is full, also when
        replicas claim at once (what one places just now, the others do not wait for: they get only what was held
        before). One for which no agent has a place is left, and holds up only those that need the
        same capabilities. A displaced one that is to be cancelled comes without an agent (an empty id): nothing is left
        to stop.
        """

    async def adopt_own(self, owner: str, *, ttl: timedelta) -> Sequence[Lease]:
        """Take again, under new epochs, all that ``owner`` held: for its restart."""

    async def renew(self, owner: str, *, ttl: timedelta) -> Sequence[ExecutionId]:
        """Extend all leases of ``owner``; returns those that it still holds."""

    async def displace(self, lease: Lease) -> None:
        """Give an execution back and take it off its agent: it is placed anew by the next claim.

        No error if the lease was lost.
        """

    async def release(self, owner: str) -> None:
        """Give everything back that ``owner`` holds, and what a claim of his that is on its way takes."""

    async def cancel_requests(self, owner: str) -> Sequence[ExecutionId]:
        """List the executions of ``owner`` for which a cancel was requested and that have not ended."""

    async def removable(self, keys: Sequence[StepKey]) -> Sequence[StepKey]:
        """Of these attempts, those whose end is committed or whose execution has ended or does not exist."""

    async def expired(self, *, before: datetime | None, keep: int | None, limit: int) -> Sequence[ExecutionId]:
        """List ended executions that ended before ``before`` or are beyond the ``keep`` newest; oldest first."""

    async def purge(self, executions: Sequence[ExecutionId]) -> None:
        """Delete ended executions with their steps, attempts, events and logs; in pieces that do not block others."""

"""For claiming, recovery and cleaning up: leases, and what is no longer needed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import Lease
from aiop.model.ids import ExecutionId, StepKey
from aiop.store import tables
from aiop.store.bulk import batched
from aiop.store.claims import NOWHERE, Claims
from aiop.store.codec import micros
from aiop.store.database import Database, Part
from aiop.store.executions import ENDED, OPEN
from aiop.store.retention import purge_executions, purge_workflows

__all__ = ["SupervisorPart"]

_AT_ONCE = 500
"""Rows for one statement: a database bounds its parameters."""


class SupervisorPart(Part):
    """``SupervisorStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._claims = Claims(db)

    async def claim(self, owner: str, *, ttl: timedelta, limit: int) -> Sequence[Lease]:
        """Take executions that nobody holds, oldest first, and place those that are new."""
        now = self._db.now()
        return await self._db.write_lease(
            lambda tx: self._claims.claim(tx, owner, now=now, expires_at=_expiry(now, ttl), limit=limit)
        )

    async def adopt_own(self, owner: str, *, ttl: timedelta) -> Sequence[Lease]:
        """Take again what ``owner`` held."""
        expires_at = _expiry(self._db.now(), ttl)
        return await self._db.write_lease(lambda tx: self._claims.adopt_own(tx, owner, expires_at=expires_at))

    async def renew(self, owner: str, *, ttl: timedelta) -> Sequence[ExecutionId]:
        """Extend all leases of ``owner``."""
        leases, expires_at = tables.leases.c, _expiry(self._db.now(), ttl)

        async def extend(tx: AsyncConnection) -> Sequence[ExecutionId]:
            # In this order: whoever is about to take them over is waited for, and what he takes is not listed.
            await self._claims.hold(tx, owner, expires_at=expires_at)
            held = select(leases.execution_id).where(leases.owner == owner).order_by(leases.execution_id)
            return [ExecutionId(each) for each in await tx.scalars(held)]

        return await self._db.write_lease(extend)

    async def displace(self, lease: Lease) -> None:
        """Give an execution back, without its agent."""
        leases = tables.leases
        freed = (
            update(leases)
            .where(
                leases.c.execution_id == lease.execution,
                leases.c.owner == lease.owner,
                leases.c.epoch == lease.epoch,
            )
            .values(owner=None, agent_id=NOWHERE)
        )

        async def free(tx: AsyncConnection) -> None:
            await tx.execute(freed)

        await self._db.write(free)

    async def release(self, owner: str) -> None:
        """Give back all leases, in the order of the claims."""
        leases = tables.leases
        freed = update(leases).where(leases.c.owner == owner).values(owner=None)

        async def free(tx: AsyncConnection) -> None:
            await tx.execute(freed)

        await self._db.write_lease(free)

    async def cancel_requests(self, owner: str) -> Sequence[ExecutionId]:
        """List the executions of ``owner`` that are to be cancelled."""
        executions, leases = tables.executions, tables.leases
        rows = await self._db.rows(
            select(executions.c.id)
            .join(leases, leases.c.execution_id == executions.c.id)
            .where(
                leases.c.owner == owner, executions.c.status.in_(OPEN), executions.c.cancel_requested_at.is_not(None)
            )
            .order_by(executions.c.id)
        )
        return [ExecutionId(row.id) for row in rows]

    async def removable(self, keys: Sequence[StepKey]) -> Sequence[StepKey]:
        """Choose the attempts that nobody needs on the engine."""
        removable: list[StepKey] = []
        for some in batched(keys, _AT_ONCE):
            removable.extend(await self._removable(some))
        return removable

    async def _removable(self, keys: Sequence[StepKey]) -> Sequence[StepKey]:
        executions, attempts = tables.executions.c, tables.attempts.c
        attempt_key = tuple_(attempts.execution_id, attempts.step, attempts.fan_index, attempts.attempt)
        async with self._db.reading() as tx:
            open_executions = set(
                await tx.scalars(
                    select(executions.id).where(
                        executions.id.in_({key.execution for key in keys}), executions.status.in_(OPEN)
                    )
                )
            )
            wanted = [(key.execution, key.step, key.index, key.attempt) for key in keys]
            ended = {
                tuple(row)
                for row in await tx.execute(
                    select(*attempt_key.clauses).where(
                        attempt_key.in_(wanted), attempts.status.in_((*ENDED, "skipped"))
                    )
                )
            }
        return [
            key for key, row in zip(keys, wanted, strict=True) if key.execution not in open_executions or row in ended
        ]

    async def expired(self, *, before: datetime | None, keep: int | None, limit: int) -> Sequence[ExecutionId]:
        """List ended executions beyond an age or a count, oldest first."""
        executions = tables.executions.c
        age = (executions.completed_at, executions.id)
        ended = select(*age).where(executions.completed_at.is_not(None))
        beyond: list[Any] = []
        if before is not None:
            beyond.append(executions.completed_at < micros(before))
        async with self._db.reading() as tx:
            if keep is not None:
                newest_beyond = ended.order_by(*(column.desc() for column in age)).offset(keep).limit(1)
                edge = (await tx.execute(newest_beyond)).one_or_none()
                if edge is not None:
                    beyond.append(tuple_(*age) <= tuple_(*edge))
            if not beyond:
                return []
            rows = await tx.execute(ended.where(or_(*beyond)).order_by(*age).limit(limit))
            return [ExecutionId(row.id) for row in rows]

    async def purge(self, executions: Sequence[ExecutionId]) -> None:
        """Delete ended executions piece by piece."""
        await purge_executions(self._db, executions)

    async def purge_deleted(self) -> int:
        """Delete the rows of deleted workflows."""
        return await purge_workflows(self._db)


def _expiry(now: int, ttl: timedelta) -> int:
    return now + ttl // timedelta(microseconds=1)

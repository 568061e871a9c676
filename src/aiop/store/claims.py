"""Who gets which execution, and on which agent it is placed. All in one transaction of the one who claims."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import Lease
from aiop.model.ids import AgentId, ExecutionId
from aiop.model.placement import FreePlaces
from aiop.store import tables
from aiop.store.agents import LOAD, agent_record
from aiop.store.bulk import batched
from aiop.store.codec import AnyRow
from aiop.store.database import Database
from aiop.store.executions import OPEN

__all__ = ["NOWHERE", "Claims"]

NOWHERE = ""
"""Stands for the agent of an execution that has left one and has no other yet."""

_AT_ONCE = 500
"""Rows for one statement: a database bounds its parameters."""


class Claims:
    """Leases as they are given out."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def claim(self, tx: AsyncConnection, owner: str, *, now: int, expires_at: int, limit: int) -> Sequence[Lease]:
        """Take over what others let go of, then what is new."""
        leases = tables.leases
        gone = [each async for each in _silent(tx, owner, now)]
        free: ColumnElement[bool] = leases.c.owner.is_(None)
        if gone:  # an empty list would keep the index from being used
            free = or_(free, leases.c.owner.in_(gone))
        kept = and_(leases.c.agent_id != NOWHERE, or_(tables.agents.c.id.is_(None), _within_reach(owner)))
        dropped = [
            (ExecutionId(row.execution_id), AgentId(row.agent_id))
            for row in await tx.execute(
                select(leases.c.execution_id, leases.c.agent_id)
                .join(tables.executions, tables.executions.c.id == leases.c.execution_id)
                .outerjoin(tables.agents, tables.agents.c.id == leases.c.agent_id)
                .where(free, kept, tables.executions.c.status.in_(OPEN))
                .order_by(tables.executions.c.created_at, leases.c.execution_id)
                .limit(limit)
                .with_for_update(of=leases, skip_locked=True)
            )
        ]
        taken = list(await self._take(tx, owner, dropped, only=free))
        # Whoever places just now goes on until nothing is left that could be, and is woken when we are.
        if len(dropped) < limit and await _is_waited(tx) and await self._db.dialect.lock_placement(tx, wait=False):
            placed = await _placements(tx, owner, limit=limit - len(dropped))
            taken += await self._take(tx, owner, placed, only=free)
        if taken:
            await self.hold(tx, owner, expires_at=expires_at)
        return taken

    async def hold(self, tx: AsyncConnection, owner: str, *, expires_at: int) -> None:
        """Let all that ``owner`` holds be its own until then: one row, however much that is."""
        insert = self._db.dialect.insert(tables.owners).values(id=owner, expires_at=expires_at)
        await tx.execute(
            insert.on_conflict_do_update(index_elements=[tables.owners.c.id], set_={"expires_at": expires_at})
        )

    async def adopt_own(self, tx: AsyncConnection, owner: str, *, expires_at: int) -> Sequence[Lease]:
        """Take again what ``owner`` held."""
        leases = tables.leases.c
        rows = await tx.execute(
            select(leases.execution_id, leases.agent_id).where(leases.owner == owner).order_by(leases.execution_id)
        )
        own = [(ExecutionId(row.execution_id), AgentId(row.agent_id)) for row in rows]
        await self.hold(tx, owner, expires_at=expires_at)
        return await self._take(tx, owner, own, only=leases.owner == owner)

    async def _take(
        self,
        tx: AsyncConnection,
        owner: str,
        chosen: Sequence[tuple[ExecutionId, AgentId]],
        *,
        only: Any,
    ) -> Sequence[Lease]:
        """Make or take over the leases that are still to be had; the condition is checked where the row is locked."""
        leases = tables.leases
        taken: list[Lease] = []
        for some in batched(chosen, _AT_ONCE):
            rows = [
                {"execution_id": execution, "owner": owner, "epoch": 1, "agent_id": agent} for execution, agent in some
            ]
            insert = self._db.dialect.insert(leases)
            found = await tx.execute(
                insert.values(rows)
                .on_conflict_do_update(
                    index_elements=[leases.c.execution_id],
                    set_={
                        "owner": owner,
                        "epoch": leases.c.epoch + 1,
                        "agent_id": insert.excluded.agent_id,
                    },
                    where=only,
                )
                .returning(leases.c.execution_id, leases.c.epoch)
            )
            epochs = {row.execution_id: row.epoch for row in found}
            taken.extend(
                Lease(execution, owner, epochs[execution], agent) for execution, agent in some if execution in epochs
            )
        return taken


async def _silent(tx: AsyncConnection, owner: str, now: int) -> AsyncIterator[str]:
    """Yield the others who hold leases and have not been heard of in time.

    Their rows stay locked: who renews at this moment is told what he has lost. One whose row is locked is left to
    whoever has it: he renews, or another takes over from him, and in a queue of those he would never come to renew.
    """
    for holder in (await tx.scalars(_SILENT, {"owner": owner, "now": now})).all():
        if await tx.scalar(_IS_SILENT, {"holder": holder, "now": now}):
            yield holder


async def _is_waited(tx: AsyncConnection) -> bool:
    """Tell whether there is something to be placed, before others are kept from placing."""
    return await tx.scalar(_FIRST_QUEUE) is not None or await tx.scalar(_SOME_DISPLACED) is not None


def _within_reach(owner: str) -> ColumnElement[bool]:
    """Choose the agents that ``owner`` can reach: the local one of another replica is on another machine."""
    installation = tables.agents.c.installation
    return or_(installation.is_(None), installation == owner)


async def _placements(tx: AsyncConnection, owner: str, *, limit: int) -> list[tuple[ExecutionId, AgentId]]:
    """Choose agents for the oldest that wait, as far as there are places; under the lock of placement, so two replicas
    never count the same place as free.
    """
    if limit <= 0:
        return []
    displaced = (await tx.execute(_DISPLACED, {"limit": limit})).all()
    # What is only to be ended needs no place.
    cancelled = [(ExecutionId(row.id), AgentId(NOWHERE)) for row in displaced if row.cancel_requested_at is not None]
    displaced = [row for row in displaced if row.cancel_requested_at is None]
    waiting = [requires async for requires in _queues(tx)]
    if not waiting and not displaced:
        return cancelled
    agents = [agent_record(row) for row in await tx.execute(_AGENTS.where(_within_reach(owner)))]
    places = FreePlaces(agents)
    room = sum(max(0, agent.max_load - agent.load) for agent in agents)
    heads: list[Sequence[AnyRow]] = [displaced]
    heads += [
        (await tx.execute(_QUEUE, {"requires": requires, "limit": min(limit, room)})).all()
        for requires in waiting
        if places.first(requires.split()) is not None
    ]
    return [*cancelled, *_assigned(heads, places, limit - len(cancelled))]


def _assigned(
    heads: Sequence[Sequence[AnyRow]], places: FreePlaces, limit: int
) -> Iterator[tuple[ExecutionId, AgentId]]:
    """Deal out the places in the order of submission over all queues; a queue without a place left stands still."""
    still: set[str] = set()
    count = 0
    for row in heapq.merge(*heads, key=lambda row: (row.created_at, row.id)):
        if count == limit:
            return
        if row.requires in still:
            continue
        agent = places.take(row.requires.split())
        if agent is None:
            still.add(row.requires)
            continue
        count += 1
        yield ExecutionId(row.id), agent.id


async def _queues(tx: AsyncConnection) -> AsyncIterator[str]:
    """Yield what the waiting executions require, each set once: a few steps in the index, however many wait."""
    last = await tx.scalar(_FIRST_QUEUE)
    while last is not None:
        yield last
        last = await tx.scalar(_NEXT_QUEUE, {"last": last})


_leases, _owners = tables.leases.c, tables.owners.c
_SILENT = (
    select(_owners.id)
    .where(_owners.expires_at <= bindparam("now"), _owners.id != bindparam("owner"))
    .where(exists().where(_leases.owner == _owners.id))
    .order_by(_owners.id)
)
_IS_SILENT = (
    select(_owners.id)
    .where(_owners.id == bindparam("holder"), _owners.expires_at <= bindparam("now"))
    .with_for_update(skip_locked=True)
)
_SOME_DISPLACED = select(_leases.execution_id).where(_leases.agent_id == NOWHERE, _leases.owner.is_(None)).limit(1)

_executions = tables.executions.c
_PENDING = _executions.status == literal_column("'pending'")
"""Literal, as a parameter would keep the partial index from being used."""

_FIRST_QUEUE = select(func.min(_executions.requires)).where(_PENDING)
_NEXT_QUEUE = _FIRST_QUEUE.where(_executions.requires > bindparam("last"))
_QUEUE = (
    select(_executions.created_at, _executions.id, _executions.requires)
    .outerjoin(tables.leases, tables.leases.c.execution_id == _executions.id)
    .where(_PENDING, _executions.requires == bindparam("requires"), tables.leases.c.execution_id.is_(None))
    .order_by(_executions.created_at, _executions.id)
    .limit(bindparam("limit"))
    .with_for_update(of=tables.executions, skip_locked=True)
)
_DISPLACED = (
    select(_executions.created_at, _executions.id, _executions.requires, _executions.cancel_requested_at)
    .join(tables.leases, tables.leases.c.execution_id == _executions.id)
    .where(tables.leases.c.agent_id == NOWHERE, tables.leases.c.owner.is_(None))
    .order_by(_executions.created_at, _executions.id)
    .limit(bindparam("limit"))
    .with_for_update(of=tables.leases, skip_locked=True)
)
_AGENTS = select(tables.agents, LOAD).where(tables.agents.c.deleted_at.is_(None)).order_by(tables.agents.c.id)

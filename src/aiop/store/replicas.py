"""Replicas, and what they agree on."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import Beat
from aiop.model.replica import Replica, ReplicaRole
from aiop.store import tables
from aiop.store.codec import AnyRow, micros, moment
from aiop.store.database import Part

__all__ = ["ReplicaPart"]

_MICROSECOND = timedelta(microseconds=1)
_FORGOTTEN = timedelta(hours=1) // _MICROSECOND
"""Who was silent for so long is struck off."""


class ReplicaPart(Part):
    """``ReplicaStore``."""

    async def agree(self, name: str, proposed: str) -> str:
        """Store it unless it is known."""
        table = tables.installation
        new = self._db.dialect.insert(table).values(name=name, value=proposed).on_conflict_do_nothing()

        async def store(tx: AsyncConnection) -> str:
            await tx.execute(new)
            return str((await tx.execute(select(table.c.value).where(table.c.name == name))).scalar_one())

        return await self._db.write(store)

    async def beat(self, replica: Replica, *, ttl: timedelta) -> Beat:
        """Write it down by the database's clock, so that those of the replicas do not matter."""
        table = tables.replicas

        async def note(tx: AsyncConnection) -> Beat:
            clock = self._db.dialect.clock
            time: int | None = None if clock is None else await tx.scalar(select(clock))
            now = self._db.now() if time is None else time
            row = {
                "id": replica.id,
                "role": replica.role.value,
                "version": replica.version,
                "revision": replica.revision,
                "started_at": micros(replica.started_at),
                "seen_at": now,
            }
            new = self._db.dialect.insert(table).values(row)
            await tx.execute(new.on_conflict_do_update(index_elements=[table.c.id], set_=row))
            await tx.execute(delete(table).where(table.c.seen_at < now - _FORGOTTEN))
            await tx.execute(_FORGET_OWNERS, {"before": now - _FORGOTTEN})
            alive = select(table).where(table.c.seen_at >= now - ttl // _MICROSECOND).order_by(table.c.id)
            return Beat(moment(time), [_replica(row) for row in await tx.execute(alive)])

        return await self._db.write_lease(note)

    async def leave(self, replica: str) -> None:
        """Delete its row."""

        async def strike_off(tx: AsyncConnection) -> None:
            await tx.execute(delete(tables.replicas).where(tables.replicas.c.id == replica))

        await self._db.write_lease(strike_off)  # after what is still on its way of ``beat``


_HOLDS = exists().where(tables.leases.c.owner == tables.owners.c.id)
_FORGET_OWNERS = delete(tables.owners).where(tables.owners.c.expires_at < bindparam("before"), ~_HOLDS)


def _replica(row: AnyRow) -> Replica:
    return Replica(row.id, ReplicaRole(row.role), row.version, row.revision, moment(row.started_at))

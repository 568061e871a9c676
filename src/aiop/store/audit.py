"""Reading and ending of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import AuditQuery, Page
from aiop.model.audit import Actor, AuditAction, AuditEntry
from aiop.model.ids import AuditId, TokenId
from aiop.store import tables
from aiop.store.codec import AnyRow, load, micros, moment
from aiop.store.database import Database, Part
from aiop.store.figures import whole_sum
from aiop.store.ledger import DAY
from aiop.store.lists import Listing

__all__ = ["AuditPart"]

_PIECE = 1000


class AuditPart(Part):
    """``AuditStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        audit = tables.audit.c
        self._audit_list = Listing(
            tables.audit,
            sorts=("at",),
            newest="at",
            unique="id",
            filters={
                "actor": audit.actor == bindparam("actor"),
                "action": audit.action == bindparam("action"),
                "target": audit.target == bindparam("target"),
                "since": audit.at >= bindparam("since"),
                "until": audit.at < bindparam("until"),
            },
        )

    async def audit(self, query: AuditQuery) -> Page[AuditEntry]:
        """Read a page."""
        filters: dict[str, Any] = {
            "actor": query.actor,
            "action": query.action,
            "target": query.target,
            "since": micros(query.since),
            "until": micros(query.until),
        }
        async with self._db.reading() as tx:
            total = await self._count(tx, **filters)
            rows = await self._audit_list.rows(tx, query, total=total, **filters)
        return Page([_entry(row) for row in rows], total)

    async def _count(self, tx: AsyncConnection, *, since: int | None, until: int | None, **filters: Any) -> int:
        """Add up what was kept of whole days, and count one by one before the first and behind the last."""
        count = self._audit_list.count
        first = None if since is None else -(-since // DAY) * DAY
        last = None if until is None else until // DAY * DAY
        # An empty actor is nobody's name, and stands for none in what was kept.
        if (
            filters["target"] is not None
            or filters["actor"] == ""
            or (first is not None and last is not None and first >= last)
        ):
            return await count(tx, since=since, until=until, **filters)
        given = {"first": first, "last": last, "actor": filters["actor"], "action": filters["action"]}
        chosen = [_KEPT[name] for name, value in given.items() if value is not None]
        total = await tx.scalar(select(whole_sum(_counts.entries)).where(*chosen), given) or 0
        if since is not None and first != since:
            total += await count(tx, since=since, until=first, **filters)
        if until is not None and last != until:
            total += await count(tx, since=last, until=until, **filters)
        return total

    async def note(self, action: AuditAction, target: str | None, **detail: Any) -> None:
        """Write an entry of its own."""
        call = self._db.audit.call()

        async def note(tx: AsyncConnection) -> None:
            await call.write(tx, action, target, **detail)

        await self._db.write(note)

    async def purge_audit(self, before: datetime) -> int:
        """Delete old entries."""
        audit = tables.audit.c
        oldest = select(audit.id).where(audit.at < micros(before)).order_by(audit.at, audit.id).limit(_PIECE)
        purged = delete(tables.audit).where(audit.id.in_(oldest)).returning(audit.at, audit.actor, audit.action)
        emptied = delete(tables.audit_counts).where(tables.audit_counts.c.day < micros(before) // DAY * DAY)

        async def purge(tx: AsyncConnection) -> int:
            gone = (await tx.execute(purged)).all()
            for row in gone:
                self._db.ledger.audited(row.at, row.actor, row.action, -1)
            return len(gone)

        async def forget(tx: AsyncConnection) -> None:
            await tx.execute(emptied)

        gone = 0
        while piece := await self._db.write(purge):
            gone += piece
        if gone:
            await self._db.write(forget)
        return gone


_counts = tables.audit_counts.c
_KEPT: Mapping[str, ColumnElement[bool]] = {
    "first": _counts.day >= bindparam("first"),
    "last": _counts.day < bindparam("last"),
    "actor": _counts.actor == bindparam("actor"),
    "action": _counts.action == bindparam("action"),
}


def _entry(row: AnyRow) -> AuditEntry:
    return AuditEntry(
        id=AuditId(row.id),
        at=moment(row.at),
        actor=Actor(
            username=row.actor,
            token=row.token,
            token_id=None if row.token_id is None else TokenId(row.token_id),
            request_id=row.request_id,
            address=row.address,
        ),
        action=AuditAction(row.action),
        target=row.target,
        detail=load(row.detail),
    )

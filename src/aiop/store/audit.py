"""Reading and ending of the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import AuditQuery, Page
from aiop.model.audit import Actor, AuditAction, AuditEntry
from aiop.model.ids import AuditId, TokenId
from aiop.store import tables
from aiop.store.codec import AnyRow, load, micros, moment
from aiop.store.database import Database, Part
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
            rows, total = await self._audit_list.page(tx, query, **filters)
        return Page([_entry(row) for row in rows], total)

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

        async def purge(tx: AsyncConnection) -> int:
            return (await tx.execute(delete(tables.audit).where(audit.id.in_(oldest)))).rowcount

        gone = 0
        while piece := await self._db.write(purge):
            gone += piece
        return gone


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

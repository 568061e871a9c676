"""The store, for what was done by whom.

Entries are written by the other parts of the store, each in the transaction of the change that it tells of and in
the name of ``current_actor``: so none is missing for a change that was made, and none tells of one that was not. They
cannot be changed; they end by ``purge_audit``. What is done to something that is not in the database is noted once
it is done: ``note``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from aiop.interfaces.reading import Page, PageQuery
from aiop.model.audit import AuditAction, AuditEntry

__all__ = ["AuditQuery", "AuditStore"]


@dataclass(frozen=True, slots=True)
class AuditQuery(PageQuery):
    """Sorts by ``at``. ``since`` is included, ``until`` is not; ``actor`` is a username, ``target`` an id or a name."""

    actor: str | None = None
    action: AuditAction | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditStore(Protocol):
    """Reading and ending the audit log; all raise ``StorageUnavailable``."""

    async def audit(self, query: AuditQuery) -> Page[AuditEntry]:
        """Read a page."""

    async def note(self, action: AuditAction, target: str | None, **detail: Any) -> None:
        """Write an entry in the name of the caller, for what was done to something that is not in the database."""

    async def purge_audit(self, before: datetime) -> int:
        """Delete the entries older than ``before``, in pieces that do not block others; returns how many."""

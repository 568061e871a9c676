"""The store, for what was done by whom.

Entries are written by the other parts of the store, each in the transaction of the change that it tells of and in
the name of ``current_actor``: so none is missing for a change that was made, and none tells of one that was not. They
cannot be changed; they end by ``purge_audit``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

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

    async def purge_audit(self, before: datetime) -> int:
        """Delete the entries older than ``before``, in pieces that do not block others; returns how many."""

"""``client.audit``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiop.client.effects import Flow, Stream
from aiop.client.operation import D, Resource, operation, stream
from aiop.client.paging import every, page
from aiop.client.results.access import AuditEntry
from aiop.client.results.result import Page
from aiop.model.audit import AuditAction

__all__ = ["Audit"]

_PATH = "/audit"


class Audit(Resource[D]):
    """What was done, and by whom; for admins."""

    @operation
    def list(
        self,
        *,
        actor: str | None = None,
        action: AuditAction | str | None = None,
        target: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        sort: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Flow[Page[AuditEntry]]:
        """Read a page, newest first. ``target`` is an id or a name; ``since`` is included, ``until`` is not.

        Times without a zone are local ones.
        """
        query = _query(actor=actor, action=action, target=target, since=since, until=until, sort=sort)
        return page(self._calls, _PATH, "entries", AuditEntry, limit=limit, offset=offset, query=query)

    @stream
    def iter(
        self,
        *,
        actor: str | None = None,
        action: AuditAction | str | None = None,
        target: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        sort: str | None = None,
    ) -> Stream[AuditEntry]:
        """Go through all entries."""
        query = _query(actor=actor, action=action, target=target, since=since, until=until, sort=sort)
        return every(self._calls, _PATH, "entries", AuditEntry, ident="id", query=query)


def _query(**given: Any) -> dict[str, Any]:
    return {
        name: value.astimezone().isoformat() if isinstance(value, datetime) else value for name, value in given.items()
    }

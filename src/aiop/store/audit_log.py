"""Writing of the audit log, by whoever writes what it tells of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.interfaces import current_actor
from aiop.model.audit import Actor, AuditAction
from aiop.model.ids import new_id
from aiop.store.bulk import Bulk
from aiop.store.codec import clean, dump
from aiop.store.ledger import Ledger

__all__ = ["AuditLog", "Audited"]


class AuditLog:
    """Makes entries."""

    def __init__(self, inserts: Bulk, ledger: Ledger, now: Callable[[], int]) -> None:
        self._inserts = inserts
        self._ledger = ledger
        self._now = now

    def call(self) -> Audited:
        """Take down whose call this is. To be asked before the write: the writer's task serves everybody."""
        return Audited(self, current_actor())

    def row(self, actor: Actor, action: AuditAction, target: str | None, detail: dict[str, Any]) -> dict[str, Any]:
        """Encode an entry, at the time of its transaction."""
        return {
            "id": new_id(),
            "at": self._now(),
            "actor": clean(actor.username),
            "token": clean(actor.token),
            "token_id": actor.token_id,
            "action": action.value,
            "target": clean(target),
            "request_id": actor.request_id,
            "address": actor.address,
            "detail": dump(detail),
        }

    async def write(self, tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
        """Write entries together with what they tell of."""
        await self._inserts.execute(tx, rows)
        for row in rows:
            self._ledger.audited(row["at"], row["actor"], row["action"], 1)


class Audited:
    """One call that may change something."""

    def __init__(self, log: AuditLog, actor: Actor) -> None:
        self._log = log
        self._actor = actor

    async def write(self, tx: AsyncConnection, action: AuditAction, target: str | None, **detail: Any) -> None:
        """Write what the transaction has changed; ``detail`` without what is ``None``."""
        known = {name: _plain(value) for name, value in detail.items() if value is not None}
        await self._log.write(tx, [self._log.row(self._actor, action, target, known)])


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value

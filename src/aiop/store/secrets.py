"""Named secrets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import NotFound, StorageUnavailable
from aiop.interfaces import NewSecret, Page, SecretQuery
from aiop.model.audit import AuditAction
from aiop.model.ids import new_id
from aiop.model.secret import SealedSecret, SecretRecord
from aiop.store import tables
from aiop.store.bulk import batched
from aiop.store.codec import AnyRow, clean, moment
from aiop.store.database import Database, Part
from aiop.store.executions import OPEN
from aiop.store.lists import Listing
from aiop.store.workflows import ESCAPE, pattern

__all__ = ["SecretPart"]

_AT_ONCE = 500
"""Names or ids for one statement: a database bounds its parameters."""

_MARGIN = timedelta(minutes=1) // timedelta(microseconds=1)
"""An execution submitted so much later may still have been given the value before: clocks differ, and are set."""


class SecretPart(Part):
    """``SecretStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        name = func.lower(tables.secrets.c.name)
        self._secret_list = Listing(
            tables.secrets,
            sorts=("name", "created_at", "updated_at"),
            unique="name",
            filters={"name": name.contains(bindparam("name"), escape=ESCAPE)},
        )

    async def secret(self, name: str) -> SecretRecord:
        """Read one."""
        rows = await self._db.rows(_SECRET, {"name": name})
        if not rows:
            raise NotFound(f"there is no secret {name}")
        return _record(rows[0])

    async def secrets(self, query: SecretQuery) -> Page[SecretRecord]:
        """Read a page."""
        name = None if query.name is None else pattern(query.name)
        async with self._db.reading() as tx:
            rows, total = await self._secret_list.page(tx, query, name=name)
        return Page([_record(row) for row in rows], total)

    async def known_secrets(self, names: Collection[str]) -> frozenset[str]:
        """Return those that exist."""
        rows = await self._rows(_KNOWN, names)
        return frozenset(row.name for row in rows)

    async def put_secret(self, new: NewSecret) -> tuple[SecretRecord, bool]:
        """Store or replace."""
        call = self._db.audit.call()

        async def put(tx: AsyncConnection) -> tuple[SecretRecord, bool]:
            now = self._db.now()
            known = (await tx.execute(_SECRET.with_for_update(), {"name": new.name})).one_or_none()
            if known is None:
                made = {"name": new.name, "created_at": now, "created_by": new.by, "description": _text(new)}
                await tx.execute(insert(tables.secrets).values(made))
            else:
                changed = {"updated_at": now} | ({} if new.description is None else {"description": _text(new)})
                await tx.execute(update(tables.secrets).where(tables.secrets.c.name == new.name).values(changed))
                await _retire(tx, new.name, now)
            value = {"name": new.name, "id": new_id(), "sealed": new.sealed}
            await tx.execute(insert(tables.secret_values).values(value))
            action = AuditAction.SECRET_CREATED if known is None else AuditAction.SECRET_REPLACED
            await call.write(tx, action, new.name)
            return _record((await tx.execute(_SECRET, {"name": new.name})).one()), known is None

        stored, is_new = await self._db.write(put)
        if not is_new:
            await self._purge_soon()
        return stored, is_new

    async def delete_secret(self, name: str) -> None:
        """Delete one."""
        call = self._db.audit.call()

        async def remove(tx: AsyncConnection) -> None:
            gone = await tx.execute(delete(tables.secrets).where(tables.secrets.c.name == name))
            if gone.rowcount == 0:
                raise NotFound(f"there is no secret {name}")
            await _retire(tx, name, self._db.now())
            await call.write(tx, AuditAction.SECRET_DELETED, name)

        await self._db.write(remove)
        await self._purge_soon()

    async def _purge_soon(self) -> None:
        """Purge after a value was retired: only when that is there to be read, nobody can be given it any more."""
        with suppress(StorageUnavailable):  # retention purges too
            await self.purge_replaced_secrets()

    async def sealed_secrets(self, names: Collection[str]) -> Sequence[SealedSecret]:
        """Read all values that are kept."""
        rows = await self._rows(_VALUES, names)
        found = [SealedSecret(row.name, row.sealed, moment(row.replaced_at)) for row in rows]
        return sorted(found, key=lambda each: each.replaced_at is not None)

    async def _rows(self, statement: Select[Any], names: Collection[str]) -> Sequence[AnyRow]:
        return [
            row for some in batched(list(names), _AT_ONCE) for row in await self._db.rows(statement, {"names": some})
        ]

    async def purge_replaced_secrets(self) -> int:
        """Delete what nobody may hold any more."""
        return await self._db.write(_purge)


async def _retire(tx: AsyncConnection, name: str, now: int) -> None:
    """End the value that holds. The time is that of this transaction: who reads after it reads the next value."""
    values = tables.secret_values.c
    await tx.execute(
        update(tables.secret_values).where(values.name == name, values.replaced_at.is_(None)).values(replaced_at=now)
    )


async def _purge(tx: AsyncConnection) -> int:
    executions, values = tables.executions.c, tables.secret_values.c
    # First, as what is retired from now on may have been given to an execution that the next statement does not see.
    former = (await tx.execute(select(values.id, values.replaced_at).where(values.replaced_at.is_not(None)))).all()
    if not former:
        return 0
    oldest = [
        at
        for status in OPEN  # one by one, as then an index has them in order
        if (at := await tx.scalar(select(func.min(executions.created_at)).where(executions.status == status)))
    ]
    gone = [row.id for row in former if not oldest or row.replaced_at < min(oldest) - _MARGIN]
    for some in batched(gone, _AT_ONCE):
        await tx.execute(delete(tables.secret_values).where(values.id.in_(some)))
    return len(gone)


_SECRET = select(tables.secrets).where(tables.secrets.c.name == bindparam("name"))
_KNOWN = select(tables.secrets.c.name).where(tables.secrets.c.name.in_(bindparam("names", expanding=True)))
_VALUES = (
    select(tables.secret_values)
    .where(tables.secret_values.c.name.in_(bindparam("names", expanding=True)))
    .order_by(tables.secret_values.c.id.desc())
)


def _text(new: NewSecret) -> Any:
    return clean(new.description) or None


def _record(row: AnyRow) -> SecretRecord:
    return SecretRecord(
        name=row.name,
        description=row.description,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
        created_by=row.created_by,
    )

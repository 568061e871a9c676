"""Pages: the count of all that a filter lets through, and one piece in an order without ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import InvalidRequest
from aiop.interfaces import PageQuery
from aiop.store.codec import AnyRow

__all__ = ["Listing"]


class Listing:
    """How one table is listed: its sortable columns, and the unique one that breaks ties.

    What has no value yet sorts before everything else.
    """

    def __init__(self, table: Table, *, sorts: Sequence[str], unique: str, newest: str = "created_at") -> None:
        self._table = table
        self._sorts: Mapping[str, ColumnElement[Any]] = {name: table.c[name] for name in sorts}
        self._unique = table.c[unique]
        self._newest = table.c[newest]

    async def page(
        self, tx: AsyncConnection, query: PageQuery, *, columns: Sequence[Any], where: Sequence[ColumnElement[bool]]
    ) -> tuple[Sequence[AnyRow], int]:
        """Read a page and the total; raises ``InvalidRequest`` for a field that is not sortable."""
        rows = await self.rows(tx, query, columns=columns, where=where)
        total = await tx.scalar(select(func.count()).select_from(self._table).where(*where))
        return rows, total or 0

    async def rows(
        self, tx: AsyncConnection, query: PageQuery, *, columns: Sequence[Any], where: Sequence[ColumnElement[bool]]
    ) -> Sequence[AnyRow]:
        """Read a page. Its keys are found in an index alone, so rows that are skipped are never touched."""
        order = self._order(query)
        keys = select(self._unique).where(*where).order_by(*order).limit(query.limit).offset(query.offset).subquery()
        chosen = select(*columns).join(keys, keys.c[self._unique.name] == self._unique).order_by(*order)
        return (await tx.execute(chosen)).all()

    def _order(self, query: PageQuery) -> list[ColumnElement[Any]]:
        if query.sort is None:
            return [self._newest.desc(), self._unique.desc()]
        column = self._sorts.get(query.sort)
        if column is None:
            raise InvalidRequest.at("sort", f"cannot sort by {query.sort!r}: use one of {', '.join(self._sorts)}")
        columns = [column] if column is self._unique else [column, self._unique]
        if query.descending:
            return [each.desc().nulls_last() if each.nullable else each.desc() for each in columns]
        return [each.asc().nulls_first() if each.nullable else each.asc() for each in columns]

"""Pages: one piece of a list in an order without ties, and the count of all that a filter lets through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Table, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import InvalidRequest
from aiop.interfaces import PageQuery
from aiop.store.codec import AnyRow

__all__ = ["Listing"]


class Listing:
    """How one table is listed: its sortable columns, the unique one that breaks ties, the one that tells which row is
    newest, its filters by name.

    A filter is a condition on a ``bindparam`` of its own name; ``always`` holds for each row that is shown.
    What has no value yet sorts before everything else. Statements are built once, which takes longer than running
    them, and there are as many as there are combinations of filters and sorts.
    """

    def __init__(
        self,
        table: Table,
        *,
        sorts: Sequence[str],
        unique: str,
        newest: str = "created_at",
        columns: Sequence[Any] | None = None,
        filters: Mapping[str, ColumnElement[bool]] | None = None,
        always: Sequence[ColumnElement[bool]] = (),
    ) -> None:
        self._table = table
        self._sorts = {name: table.c[name] for name in sorts}
        self._unique = table.c[unique]
        self._newest = newest
        self._columns = tuple(columns or table.c)
        self._filters = filters or {}
        self._always = tuple(always)
        self._pages: dict[tuple[str | None, bool, bool, frozenset[str]], Select[Any]] = {}
        self._counts: dict[frozenset[str], Select[Any]] = {}

    async def page(self, tx: AsyncConnection, query: PageQuery, **filters: Any) -> tuple[Sequence[AnyRow], int]:
        """Read a page and the total; raises ``InvalidRequest`` for a field that is not sortable."""
        total = await self.count(tx, **filters)
        return await self.rows(tx, query, total=total, **filters), total

    async def count(self, tx: AsyncConnection, **filters: Any) -> int:
        """Count what the filters let through, one by one."""
        given = _given(filters)
        key = frozenset(given)
        if key not in self._counts:
            self._counts[key] = select(func.count()).select_from(self._table).where(*self._conditions(key))
        return await tx.scalar(self._counts[key], given) or 0

    async def rows(self, tx: AsyncConnection, query: PageQuery, *, total: int, **filters: Any) -> Sequence[AnyRow]:
        """Read a page of a list of ``total`` rows, from the end that is nearer: what is skipped costs time too.

        A filter that is ``None`` lets everything through.
        """
        given = _given(filters)
        limit = max(0, min(query.limit, total - query.offset))
        after = total - query.offset - limit
        from_end = limit > 0 and after < query.offset
        key = (query.sort, query.descending, from_end, frozenset(given))
        if key not in self._pages:
            self._pages[key] = self._statement(*key)
        values = {**given, "limit": limit, "offset": after if from_end else query.offset}
        rows: Sequence[AnyRow] = (await tx.execute(self._pages[key], values)).all()
        return rows[::-1] if from_end else rows

    def _statement(self, sort: str | None, descending: bool, from_end: bool, filters: frozenset[str]) -> Select[Any]:
        """Find the keys of the page in an index alone, so that rows that are skipped are never touched."""
        order = self._order(sort, descending, from_end)
        keys = (
            select(self._unique)
            .where(*self._conditions(filters))
            .order_by(*order)
            .limit(bindparam("limit", type_=Integer))
            .offset(bindparam("offset", type_=Integer))
            .subquery()
        )
        return select(*self._columns).join(keys, keys.c[self._unique.name] == self._unique).order_by(*order)

    def _conditions(self, filters: frozenset[str]) -> list[ColumnElement[bool]]:
        return [*self._always, *(self._filters[name] for name in sorted(filters))]

    def _order(self, sort: str | None, descending: bool, from_end: bool) -> list[ColumnElement[Any]]:
        if sort is None:
            sort, descending = self._newest, True
        column = self._sorts.get(sort)
        if column is None:
            raise InvalidRequest.at("sort", f"cannot sort by {sort!r}: use one of {', '.join(self._sorts)}")
        columns = [column] if column is self._unique else [column, self._unique]
        if descending != from_end:
            return [each.desc().nulls_last() if each.nullable else each.desc() for each in columns]
        return [each.asc().nulls_first() if each.nullable else each.asc() for each in columns]


def _given(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value is not None}

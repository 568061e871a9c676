"""Statements for many rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import Dialect, Insert, Update
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["Bulk", "batched"]

T = TypeVar("T")

_CHUNK = 500
"""Rows for each call of the driver, so that the loop serves others while a large batch is written."""


class Bulk:
    """A statement that is compiled once and takes its rows as the driver wants them.

    Preparing the parameters of each row would take SQLAlchemy longer than SQLite needs to write it. All values must
    be plain: text, integers, bytes, ``None``.
    """

    def __init__(self, dialect: Dialect, statement: Insert | Update, columns: Sequence[str] | None = None) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=None if columns is None else list(columns))
        names: Sequence[str] = compiled.positiontup or ()
        self._sql = str(compiled)
        self._values = itemgetter(*names)

    async def execute(self, tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run the statement for each row, in order."""
        for some in batched(rows, _CHUNK):
            await tx.exec_driver_sql(self._sql, [self._values(row) for row in some])


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut into pieces of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

"""What all tables share."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

__all__ = ["String", "Text", "metadata", "nulls_first", "where"]

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

String = sa.String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")
"""Text that is compared byte by byte on each database: the language of a server changes no order and no index."""
Text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""The same, for what may be large."""


def nulls_first(*columns: str) -> dict[str, Any]:
    """Have an index hold those of these that are times without a value yet before all others, as lists show them.

    SQLite does so by itself; on PostgreSQL an index in another order would not serve for sorting.
    """
    times = {"started_at", "completed_at", "updated_at"}
    return {"postgresql_ops": {column: "int8_ops NULLS FIRST" for column in columns if column in times}}


def where(condition: str) -> dict[str, Any]:
    """Make an index partial, on each database."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}

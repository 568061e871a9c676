"""What all tables share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, text

__all__ = ["metadata", "where"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def where(condition: str) -> dict[str, Any]:
    """Make an index partial, on each database."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}

"""Durable facts in SQL: SQLite now, written so that PostgreSQL is a second dialect and not a second path."""

from aiop.store.facade import SqlStore, open_store
from aiop.store.schema import upgrade

__all__ = ["SqlStore", "open_store", "upgrade"]

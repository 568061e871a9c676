"""Durable facts in SQL, on SQLite and PostgreSQL by one path with two dialects."""

from aiop.store.facade import SqlStore, open_store
from aiop.store.schema import HEAD, upgrade

__all__ = ["HEAD", "SqlStore", "open_store", "upgrade"]

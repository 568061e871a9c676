"""Durable facts in SQL, on SQLite and PostgreSQL by one path with two dialects."""

from aiop.store.facade import SqlStore, open_store
from aiop.store.schema import HEAD, Schema, upgrade

__all__ = ["HEAD", "Schema", "SqlStore", "open_store", "upgrade"]

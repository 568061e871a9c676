"""Files of pipelines: workspaces, named outputs, and the cache."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, SmallInteger, Table

from aiop.store.tables.schema import String, Text, metadata

__all__ = ["cache_entries", "cache_logs", "outputs", "workspaces"]

workspaces = Table(
    "workspaces",
    metadata,
    Column("execution_id", String, primary_key=True),
    Column("step", String, primary_key=True),
    Column("fan_index", Integer, primary_key=True),
    Column("pipeline_id", String, nullable=False),
    Column("source", String),
    Column("layer", String),
    Column("digest", String),
    Column("size", BigInteger, nullable=False),
    Column("cache_use", String, nullable=False),
    Column("cache_key", String),
    Column("origin", String),
    Column("reason", String),
    Column("parts", Text),
    Index(None, "pipeline_id", "step", "execution_id"),
    sqlite_with_rowid=False,
    comment="Of the steps of pipelines",
)

outputs = Table(
    "outputs",
    metadata,
    Column("execution_id", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("step", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("path", Text, nullable=False),
    sqlite_with_rowid=False,
    comment="Files and directories that pipelines hand out",
)

cache_entries = Table(
    "cache_entries",
    metadata,
    Column("key", String, primary_key=True),
    Column("execution_id", String, nullable=False),
    Column("step", String, nullable=False),
    Column("fan_index", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("layer", String, nullable=False, index=True),
    Column("digest", String, nullable=False, comment="of the layer"),
    Column("image_digest", String),
    Column("outputs_truncated", Boolean, nullable=False),
    Column("outputs", Text, nullable=False),
    Column("sealed", LargeBinary),
    Index(None, "used_at", "key", "size"),
)

cache_logs = Table(
    "cache_logs",
    metadata,
    Column("key", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("encoding", SmallInteger, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

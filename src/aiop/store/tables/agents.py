"""Agents."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table

from aiop.store.tables.schema import String, Text, metadata

__all__ = ["agents"]

agents = Table(
    "agents",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("name_folded", String, nullable=False, comment="for the filter that ignores case"),
    Column("description", Text),
    Column("capabilities", Text, nullable=False, comment="separated and enclosed by spaces"),
    Column("engine_type", String),
    Column("engine_endpoint", String),
    Column("engine_pods", Text, comment="JSON, for engines of the type kubernetes"),
    Column("container_registry", String),
    Column("workflow_directory", String),
    Column("max_load", Integer, nullable=False),
    Column("timeout", BigInteger, comment="in microseconds"),
    Column("installation", String, unique=True),
    Column("health", String, nullable=False),
    Column("version", String),
    Column("error", Text),
    Column("last_seen_at", BigInteger),
    Column("lacks", Text, nullable=False, comment="abilities that its engine was seen without, separated by spaces"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("sealed", LargeBinary),
)

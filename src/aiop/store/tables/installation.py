"""The installation as a whole, and the replicas that work for it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table

from aiop.store.tables.schema import String, metadata

__all__ = ["installation", "replicas"]

installation = Table(
    "installation",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
    comment="What all replicas must agree on",
)

replicas = Table(
    "replicas",
    metadata,
    Column("id", String, primary_key=True, comment="owner of leases"),
    Column("role", String, nullable=False),
    Column("version", String, nullable=False),
    Column("revision", String, nullable=False, comment="the newest of the schema that it knows"),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    comment="Those that are silent for long are deleted",
)

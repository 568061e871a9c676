"""Users, tokens, secrets, who did what, and how much that was."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, SmallInteger, Table

from aiop.store.tables.schema import String, Text, metadata

__all__ = ["audit", "audit_counts", "secret_values", "secrets", "tokens", "users"]

users = Table(
    "users",
    metadata,
    Column("username", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("password_hash", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("username", String, nullable=False, index=True),
    Column("role", String, nullable=False),
    Column("digest", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("refresh", Boolean, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger),
    Column("created_by", String, nullable=False),
    Column("description", Text),
)

secret_values = Table(
    "secret_values",
    metadata,
    Column("name", String, primary_key=True),
    Column("id", String, primary_key=True, comment="sorts by time"),
    Column("replaced_at", BigInteger, index=True, comment="NULL for the value that holds"),
    Column("sealed", LargeBinary, nullable=False),
    comment="Former values stay while an execution is under way that may have been given them: they are to be masked",
)

audit = Table(
    "audit",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String, comment="username; NULL for the service, and for who did not show who he is"),
    Column("token", String, comment="name of the API token; NULL for a session"),
    Column("token_id", String),
    Column("action", String, nullable=False),
    Column("target", String),
    Column("request_id", String),
    Column("address", String),
    Column("detail", Text, nullable=False),
    *(Index(None, *filters, "at", "id") for filters in ((), ("actor",), ("action",), ("target",))),
)

audit_counts = Table(
    "audit_counts",
    metadata,
    Column("day", BigInteger, primary_key=True, comment="its beginning, in UTC"),
    Column("actor", String, primary_key=True, comment="empty for none"),
    Column("action", String, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, comment="of the replica that counts: their sum is the count"),
    Column("entries", BigInteger, nullable=False),
    comment="Kept with each entry of the audit log, of which there may be very many",
)

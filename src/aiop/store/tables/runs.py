"""What happens in an execution: steps, attempts, events and logs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, SmallInteger, Table

from aiop.store.tables.schema import String, Text, metadata

__all__ = ["attempts", "events", "logs", "steps"]

steps = Table(
    "steps",
    metadata,
    Column("execution_id", String, primary_key=True),
    Column("step", String, primary_key=True),
    Column("fan_index", Integer, primary_key=True),
    Column("status", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("exit_code", BigInteger),
    Column("reason", String),
    Column("waiting_code", String),
    Column("outputs_truncated", Boolean, nullable=False),
    Column("cached", Boolean, nullable=False),
    Column("waiting_detail", Text),
    Column("error", Text),
    Column("inputs", Text),
    Column("outputs", Text),
    Column("sealed", LargeBinary),
    sqlite_with_rowid=False,
)
Index(
    "ix_steps_running",
    steps.c.execution_id,
    sqlite_where=steps.c.status == "running",
    postgresql_where=steps.c.status == "running",
)

attempts = Table(
    "attempts",
    metadata,
    Column("execution_id", String, primary_key=True),
    Column("step", String, primary_key=True),
    Column("fan_index", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("status", String, nullable=False),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("exit_code", BigInteger),
    Column("reason", String),
    Column("infrastructure", Boolean, nullable=False),
    Column("image_digest", String),
    Column("log_stdout", BigInteger, nullable=False),
    Column("log_stderr", BigInteger, nullable=False),
    Column("log_bytes", BigInteger, nullable=False),
    Column("retry_at", BigInteger),
    Column("ready_at", BigInteger),
    Column("error", Text),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("execution_id", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("type", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    sqlite_with_rowid=False,
)

logs = Table(
    "logs",
    metadata,
    Column("execution_id", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("step", String, nullable=False),
    Column("fan_index", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("size", Integer, nullable=False, comment="bytes of text in the lines"),
    Column("encoding", SmallInteger, nullable=False),
    Column("lines", LargeBinary, nullable=False),
    Index(None, "execution_id", "step", "seq"),
    sqlite_with_rowid=False,
)

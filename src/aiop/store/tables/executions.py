"""Executions, who owns them, and how many there are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, SmallInteger, Table, text

from aiop.store.tables.schema import String, Text, metadata, nulls_first, where

__all__ = ["execution_counts", "executions", "idempotency", "leases", "owners"]

executions = Table(
    "executions",
    metadata,
    Column("id", String, primary_key=True),
    Column("workflow_id", String),
    Column("pipeline_id", String, comment="this, or workflow_id"),
    Column("version_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("source", String, comment="snapshot that a pipeline started from"),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("cancel_requested_at", BigInteger),
    Column("reason", String),
    Column("waiting_code", String),
    Column("waiting_detail", Text),
    Column("error", Text),
    Column("options", Text, nullable=False),
    Column("requires", String, nullable=False, comment="capabilities, sorted and separated by spaces"),
    Column("inputs", Text, nullable=False),
    Column("outputs", Text),
    Column("sealed", LargeBinary),
    # The queue: what waits, by what it waits for.
    Index(
        "ix_executions_queue",
        "requires",
        "created_at",
        "id",
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
    ),
    # Each filter with each sort, so that a page costs what it holds, however deep it lies.
    *(
        Index(None, *filters, *sort, "id", **nulls_first(*sort))
        for filters in ((), ("status",), ("workflow_id",), ("workflow_id", "status"))
        for sort in (("created_at",), ("started_at",), ("completed_at",), ())
        if filters or sort
    ),
    # Partial, so that the executions of workflows are not in them.
    *(
        Index(None, *filters, *sort, "id", **nulls_first(*sort), **where("pipeline_id IS NOT NULL"))
        for filters in (("pipeline_id",), ("pipeline_id", "status"))
        for sort in (("created_at",), ("started_at",), ("completed_at",), ())
    ),
    Index(None, "version_id", **where("pipeline_id IS NOT NULL")),
)

execution_counts = Table(
    "execution_counts",
    metadata,
    Column("workflow_id", String, primary_key=True, comment="or `pipeline:` and its id; empty for the sum"),
    Column("status", String, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, comment="of the replica that counts: their sum is the count"),
    Column("executions", BigInteger, nullable=False),
    comment="Kept with each change of a status, as counting 100,000 index entries takes longer than reading a page",
)

leases = Table(
    "leases",
    metadata,
    Column("execution_id", String, primary_key=True),
    Column("owner", String, index=True, comment="NULL once released"),
    Column("epoch", BigInteger, nullable=False),
    Column("agent_id", String, nullable=False, index=True),
    comment="Of executions that were claimed and have not ended",
)

owners = Table(
    "owners",
    metadata,
    Column("id", String, primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    comment="Until when all leases of an owner hold: a renewal is one row, however many they are",
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("execution_id", String, nullable=False, index=True),
)

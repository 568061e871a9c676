"""What metrics and traces are made of."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, SmallInteger, Table

from aiop.store.tables.schema import String, metadata

__all__ = ["tallies", "traces_due", "workflow_series"]

tallies = Table(
    "tallies",
    metadata,
    Column("counted", String, primary_key=True),
    Column("workflow", String, primary_key=True),
    Column("label", String, primary_key=True),
    Column("bucket", BigInteger, primary_key=True, comment="upper bound in microseconds"),
    Column("shard", SmallInteger, primary_key=True, comment="of the replica that counts"),
    Column("times", BigInteger, nullable=False),
    Column("micros", BigInteger, nullable=False, comment="sum of the durations"),
    sqlite_with_rowid=False,
    comment="What has ended since the database was made; what is deleted stays counted",
)

traces_due = Table(
    "traces_due",
    metadata,
    Column("execution_id", String, primary_key=True),
    Column("ended_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Ended executions whose trace is to be exported",
)

workflow_series = Table(
    "workflow_series",
    metadata,
    Column("workflow_id", String, primary_key=True),
    Column("used_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Workflows whose executions are counted under their own id",
)

"""The tables. Times are microseconds since 1970 in UTC, values are JSON text, large columns come last.

No foreign keys: each row hangs on an execution or a workflow, is written in one transaction with it, and is deleted
by ``purge``. Checking them would cost a look-up for each step, event and log row that is written.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "agents",
    "attempts",
    "audit",
    "cache_entries",
    "cache_logs",
    "events",
    "execution_counts",
    "executions",
    "idempotency",
    "leases",
    "logs",
    "metadata",
    "outputs",
    "pipelines",
    "secret_values",
    "secrets",
    "steps",
    "tallies",
    "tokens",
    "traces_due",
    "users",
    "versions",
    "workflow_series",
    "workflows",
    "workspaces",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _where(condition: str) -> dict[str, Any]:
    """Make an index partial, on each database."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


workflows = Table(
    "workflows",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("name_folded", String, nullable=False, comment="for the filter that ignores case"),
    Column("description", Text),
    Column("status", String, nullable=False, comment="that of newest_execution"),
    Column("version", Integer, nullable=False),
    Column("version_id", String, nullable=False),
    Column("newest_execution", String, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger),
    Column("deleted_at", BigInteger),
    *(
        Index(None, "deleted_at", *sort, "id")
        for sort in (("created_at",), ("updated_at",), ("name",), ("status",), ())
    ),
)

versions = Table(
    "versions",
    metadata,
    Column("id", String, primary_key=True),
    Column("workflow_id", String),
    Column("number", Integer, comment="of a workflow's"),
    Column("pipeline_id", String),
    Column("digest", String, comment="of a pipeline's document: an equal one is not stored again"),
    Column("created_at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("workflow_id", "number"),
    Index(None, "pipeline_id", "digest", unique=True, **_where("pipeline_id IS NOT NULL")),
)

pipelines = Table(
    "pipelines",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("name_folded", String, nullable=False),
    Column("source_directory", String, nullable=False),
    Column("caching_enabled", Boolean, nullable=False),
    Column("timeout_seconds", Float),
    Column("snapshot", String, comment="the newest that was executed: kept, so that the next one costs what changed"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("description", Text),
    Column("definition", Text, nullable=False, comment="JSON, as it was sent"),
    *(Index(None, "deleted_at", *sort, "id") for sort in (("created_at",), ("updated_at",), ("name",), ())),
)

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
        Index(None, *filters, *sort, "id")
        for filters in ((), ("status",), ("workflow_id",), ("workflow_id", "status"))
        for sort in (("created_at",), ("started_at",), ("completed_at",), ())
        if filters or sort
    ),
    # Partial, so that the executions of workflows are not in them.
    *(
        Index(None, *filters, *sort, "id", **_where("pipeline_id IS NOT NULL"))
        for filters in (("pipeline_id",), ("pipeline_id", "status"))
        for sort in (("created_at",), ("started_at",), ("completed_at",), ())
    ),
    Index(None, "version_id", **_where("pipeline_id IS NOT NULL")),
)

execution_counts = Table(
    "execution_counts",
    metadata,
    Column("workflow_id", String, primary_key=True, comment="or `pipeline:` and its id; empty for the sum"),
    Column("status", String, primary_key=True),
    Column("executions", BigInteger, nullable=False),
    comment="Kept with each change of a status, as counting 100,000 index entries takes longer than reading a page",
)

leases = Table(
    "leases",
    metadata,
    Column("execution_id", String, primary_key=True),
    Column("owner", String, index=True, comment="NULL once released"),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("agent_id", String, nullable=False, index=True),
    comment="Of executions that were claimed and have not ended; apart, so that a renewal rewrites no large row",
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("execution_id", String, nullable=False, index=True),
)

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
    Column("container_registry", String),
    Column("workflow_directory", String),
    Column("max_load", Integer, nullable=False),
    Column("timeout", BigInteger, comment="in microseconds"),
    Column("installation", String, unique=True),
    Column("health", String, nullable=False),
    Column("version", String),
    Column("error", Text),
    Column("last_seen_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("sealed", LargeBinary),
)

tallies = Table(
    "tallies",
    metadata,
    Column("counted", String, primary_key=True),
    Column("workflow", String, primary_key=True),
    Column("label", String, primary_key=True),
    Column("bucket", BigInteger, primary_key=True, comment="upper bound in microseconds"),
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

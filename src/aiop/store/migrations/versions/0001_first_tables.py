"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
needs = "0001"

STRING = sa.String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")
NULLS_FIRST = "int8_ops NULLS FIRST"
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("id", STRING, nullable=False),
        sa.Column("name", STRING, nullable=False),
        sa.Column("name_folded", STRING, nullable=False, comment="for the filter that ignores case"),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("capabilities", TEXT, nullable=False, comment="separated and enclosed by spaces"),
        sa.Column("engine_type", STRING, nullable=True),
        sa.Column("engine_endpoint", STRING, nullable=True),
        sa.Column("engine_pods", TEXT, nullable=True, comment="JSON, for engines of the type kubernetes"),
        sa.Column("container_registry", STRING, nullable=True),
        sa.Column("workflow_directory", STRING, nullable=True),
        sa.Column("max_load", sa.Integer(), nullable=False),
        sa.Column("timeout", sa.BigInteger(), nullable=True, comment="in microseconds"),
        sa.Column("installation", STRING, nullable=True),
        sa.Column("health", STRING, nullable=False),
        sa.Column("version", STRING, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "lacks", TEXT, nullable=False, comment="abilities that its engine was seen without, separated by spaces"
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("installation", name=op.f("uq_agents_installation")),
    )
    op.create_table(
        "attempts",
        sa.Column("execution_id", STRING, nullable=False),
        sa.Column("step", STRING, nullable=False),
        sa.Column("fan_index", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", STRING, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("exit_code", sa.BigInteger(), nullable=True),
        sa.Column("reason", STRING, nullable=True),
        sa.Column("infrastructure", sa.Boolean(), nullable=False),
        sa.Column("image_digest", STRING, nullable=True),
        sa.Column("log_stdout", sa.BigInteger(), nullable=False),
        sa.Column("log_stderr", sa.BigInteger(), nullable=False),
        sa.Column("log_bytes", sa.BigInteger(), nullable=False),
        sa.Column("retry_at", sa.BigInteger(), nullable=True),
        sa.Column("ready_at", sa.BigInteger(), nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("execution_id", "step", "fan_index", "attempt", name=op.f("pk_attempts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        sa.Column("id", STRING, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column(
            "actor",
            STRING,
            nullable=True,
            comment="username; NULL for the service, and for who did not show who he is",
        ),
        sa.Column("token", STRING, nullable=True, comment="name of the API token; NULL for a session"),
        sa.Column("token_id", STRING, nullable=True),
        sa.Column("action", STRING, nullable=False),
        sa.Column("target", STRING, nullable=True),
        sa.Column("request_id", STRING, nullable=True),
        sa.Column("address", STRING, nullable=True),
        sa.Column("detail", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_action_at_id"), "audit", ["action", "at", "id"])
    op.create_index(op.f("ix_audit_actor_at_id"), "audit", ["actor", "at", "id"])
    op.create_index(op.f("ix_audit_at_id"), "audit", ["at", "id"])
    op.create_index(op.f("ix_audit_target_at_id"), "audit", ["target", "at", "id"])
    op.create_table(
        "audit_counts",
        sa.Column("day", sa.BigInteger(), nullable=False, comment="its beginning, in UTC"),
        sa.Column("actor", STRING, nullable=False, comment="empty for none"),
        sa.Column("action", STRING, nullable=False),
        sa.Column(
            "shard",
            sa.SmallInteger(),
            nullable=False,
            comment="of the replica that counts: their sum is the count",
        ),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "actor", "action", "shard", name=op.f("pk_audit_counts")),
        comment="Kept with each entry of the audit log, of which there may be very many",
    )
    op.create_table(
        "cache_entries",
        sa.Column("key", STRING, nullable=False),
        sa.Column("execution_id", STRING, nullable=False),
        sa.Column("step", STRING, nullable=False),
        sa.Column("fan_index", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("layer", STRING, nullable=False),
        sa.Column("digest", STRING, nullable=False, comment="of the layer"),
        sa.Column("image_digest", STRING, nullable=True),
        sa.Column("outputs_truncated", sa.Boolean(), nullable=False),
        sa.Column("outputs", TEXT, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_cache_entries")),
    )
    op.create_index(op.f("ix_cache_entries_layer"), "cache_entries", ["layer"])
    op.create_index(op.f("ix_cache_entries_used_at_key_size"), "cache_entries", ["used_at", "key", "size"])
    op.create_table(
        "cache_logs",
        sa.Column("key", STRING, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("encoding", sa.SmallInteger(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "seq", name=op.f("pk_cache_logs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("execution_id", STRING, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", STRING, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("execution_id", "seq", name=op.f("pk_events")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "execution_counts",
        sa.Column("workflow_id", STRING, nullable=False, comment="or `pipeline:` and its id; empty for the sum"),
        sa.Column("status", STRING, nullable=False),
        sa.Column(
            "shard",
            sa.SmallInteger(),
            nullable=False,
            comment="of the replica that counts: their sum is the count",
        ),
        sa.Column("executions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workflow_id", "status", "shard", name=op.f("pk_execution_counts")),
        comment="Kept with each change of a status, as counting 100,000 index entries takes longer than reading a page",
    )
    op.create_table(
        "executions",
        sa.Column("id", STRING, nullable=False),
        sa.Column("workflow_id", STRING, nullable=True),
        sa.Column("pipeline_id", STRING, nullable=True, comment="this, or workflow_id"),
        sa.Column("version_id", STRING, nullable=False),
        sa.Column("status", STRING, nullable=False),
        sa.Column("source", STRING, nullable=True, comment="snapshot that a pipeline started from"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("cancel_requested_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", STRING, nullable=True),
        sa.Column("waiting_code", STRING, nullable=True),
        sa.Column("waiting_detail", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("options", TEXT, nullable=False),
        sa.Column("requires", STRING, nullable=False, comment="capabilities, sorted and separated by spaces"),
        sa.Column("inputs", TEXT, nullable=False),
        sa.Column("outputs", TEXT, nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executions")),
    )
    op.create_index(
        op.f("ix_executions_completed_at_id"),
        "executions",
        ["completed_at", "id"],
        postgresql_ops={"completed_at": NULLS_FIRST},
    )
    op.create_index(op.f("ix_executions_created_at_id"), "executions", ["created_at", "id"])
    op.create_index(
        op.f("ix_executions_pipeline_id_completed_at_id"),
        "executions",
        ["pipeline_id", "completed_at", "id"],
        sqlite_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_ops={"completed_at": NULLS_FIRST},
    )
    op.create_index(
        op.f("ix_executions_pipeline_id_created_at_id"),
        "executions",
        ["pipeline_id", "created_at", "id"],
        sqlite_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_where=sa.text("pipeline_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_executions_pipeline_id_id"),
        "executions",
        ["pipeline_id", "id"],
        sqlite_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_where=sa.text("pipeline_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_executions_pipeline_id_started_at_id"),
        "executions",
        ["pipeline_id", "started_at", "id"],
        sqlite_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_ops={"started_at": NULLS_FIRST},
    )
    op.create_index(
        op.f("ix_executions_pipeline_id_status_completed_at_id"),
        "executions",
        ["pipeline_id", "status", "completed_at", "id"],
        sqlite_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_ops={"completed_at": NULLS_FIRST},
    )
    op.create_index(
        op.f("ix_executions_pipeline_id_status_created_at_id"),
        "executions",
        ["pipeline_id", "status", "created_at", "id"],
        sqlite_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_where=sa.text("pipeline_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_executions_pipeline_id_status_id"),
        "executions",
        ["pipeline_id", "status", "id"],
        sqlite_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_where=sa.text("pipeline_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_executions_pipeline_id_status_started_at_id"),
        "executions",
        ["pipeline_id", "status", "started_at", "id"],
        sqlite_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_ops={"started_at": NULLS_FIRST},
    )
    op.create_index(
        "ix_executions_queue",
        "executions",
        ["requires", "created_at", "id"],
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        op.f("ix_executions_started_at_id"),
        "executions",
        ["started_at", "id"],
        postgresql_ops={"started_at": NULLS_FIRST},
    )
    op.create_index(
        op.f("ix_executions_status_completed_at_id"),
        "executions",
        ["status", "completed_at", "id"],
        postgresql_ops={"completed_at": NULLS_FIRST},
    )
    op.create_index(op.f("ix_executions_status_created_at_id"), "executions", ["status", "created_at", "id"])
    op.create_index(op.f("ix_executions_status_id"), "executions", ["status", "id"])
    op.create_index(
        op.f("ix_executions_status_started_at_id"),
        "executions",
        ["status", "started_at", "id"],
        postgresql_ops={"started_at": NULLS_FIRST},
    )
    op.create_index(
        op.f("ix_executions_version_id"),
        "executions",
        ["version_id"],
        sqlite_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_where=sa.text("pipeline_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_executions_workflow_id_completed_at_id"),
        "executions",
        ["workflow_id", "completed_at", "id"],
        postgresql_ops={"completed_at": NULLS_FIRST},
    )
    op.create_index(op.f("ix_executions_workflow_id_created_at_id"), "executions", ["workflow_id", "created_at", "id"])
    op.create_index(op.f("ix_executions_workflow_id_id"), "executions", ["workflow_id", "id"])
    op.create_index(
        op.f("ix_executions_workflow_id_started_at_id"),
        "executions",
        ["workflow_id", "started_at", "id"],
        postgresql_ops={"started_at": NULLS_FIRST},
    )
    op.create_index(
        op.f("ix_executions_workflow_id_status_completed_at_id"),
        "executions",
        ["workflow_id", "status", "completed_at", "id"],
        postgresql_ops={"completed_at": NULLS_FIRST},
    )
    op.create_index(
        op.f("ix_executions_workflow_id_status_created_at_id"),
        "executions",
        ["workflow_id", "status", "created_at", "id"],
    )
    op.create_index(op.f("ix_executions_workflow_id_status_id"), "executions", ["workflow_id", "status", "id"])
    op.create_index(
        op.f("ix_executions_workflow_id_status_started_at_id"),
        "executions",
        ["workflow_id", "status", "started_at", "id"],
        postgresql_ops={"started_at": NULLS_FIRST},
    )
    op.create_table(
        "idempotency",
        sa.Column("scope", STRING, nullable=False),
        sa.Column("key", STRING, nullable=False),
        sa.Column("digest", STRING, nullable=False),
        sa.Column("execution_id", STRING, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_execution_id"), "idempotency", ["execution_id"])
    op.create_table(
        "installation",
        sa.Column("name", STRING, nullable=False),
        sa.Column("value", STRING, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
        comment="What all replicas must agree on",
    )
    op.create_table(
        "leases",
        sa.Column("execution_id", STRING, nullable=False),
        sa.Column("owner", STRING, nullable=True, comment="NULL once released"),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", STRING, nullable=False),
        sa.PrimaryKeyConstraint("execution_id", name=op.f("pk_leases")),
        comment="Of executions that were claimed and have not ended",
    )
    op.create_index(op.f("ix_leases_agent_id"), "leases", ["agent_id"])
    op.create_index(op.f("ix_leases_owner"), "leases", ["owner"])
    op.create_table(
        "logs",
        sa.Column("execution_id", STRING, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("step", STRING, nullable=False),
        sa.Column("fan_index", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes of text in the lines"),
        sa.Column("encoding", sa.SmallInteger(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("execution_id", "seq", name=op.f("pk_logs")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_logs_execution_id_step_seq"), "logs", ["execution_id", "step", "seq"])
    op.create_table(
        "outputs",
        sa.Column("execution_id", STRING, nullable=False),
        sa.Column("name", STRING, nullable=False),
        sa.Column("step", STRING, nullable=False),
        sa.Column("kind", STRING, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", STRING, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("execution_id", "name", name=op.f("pk_outputs")),
        comment="Files and directories that pipelines hand out",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "owners",
        sa.Column("id", STRING, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owners")),
        comment="Until when all leases of an owner hold: a renewal is one row, however many they are",
    )
    op.create_table(
        "pipelines",
        sa.Column("id", STRING, nullable=False),
        sa.Column("name", STRING, nullable=False),
        sa.Column("name_folded", STRING, nullable=False),
        sa.Column("source_directory", STRING, nullable=False),
        sa.Column("caching_enabled", sa.Boolean(), nullable=False),
        sa.Column("timeout_seconds", sa.Float(), nullable=True),
        sa.Column(
            "snapshot",
            STRING,
            nullable=True,
            comment="the newest that was executed: kept, so that the next one costs what changed",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("definition", TEXT, nullable=False, comment="JSON, as it was sent"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipelines")),
    )
    op.create_index(op.f("ix_pipelines_deleted_at_created_at_id"), "pipelines", ["deleted_at", "created_at", "id"])
    op.create_index(op.f("ix_pipelines_deleted_at_id"), "pipelines", ["deleted_at", "id"])
    op.create_index(op.f("ix_pipelines_deleted_at_name_id"), "pipelines", ["deleted_at", "name", "id"])
    op.create_index(
        op.f("ix_pipelines_deleted_at_updated_at_id"),
        "pipelines",
        ["deleted_at", "updated_at", "id"],
        postgresql_ops={"updated_at": NULLS_FIRST},
    )
    op.create_table(
        "replicas",
        sa.Column("id", STRING, nullable=False, comment="owner of leases"),
        sa.Column("role", STRING, nullable=False),
        sa.Column("version", STRING, nullable=False),
        sa.Column("revision", STRING, nullable=False, comment="the newest of the schema that it knows"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replicas")),
        comment="Those that are silent for long are deleted",
    )
    op.create_table(
        "secret_values",
        sa.Column("name", STRING, nullable=False),
        sa.Column("id", STRING, nullable=False, comment="sorts by time"),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True, comment="NULL for the value that holds"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", "id", name=op.f("pk_secret_values")),
        comment="Former values stay while an execution is under way that may have been given them: they are to be "
        "masked",
    )
    op.create_index(op.f("ix_secret_values_replaced_at"), "secret_values", ["replaced_at"])
    op.create_table(
        "secrets",
        sa.Column("name", STRING, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("created_by", STRING, nullable=False),
        sa.Column("description", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    op.create_table(
        "steps",
        sa.Column("execution_id", STRING, nullable=False),
        sa.Column("step", STRING, nullable=False),
        sa.Column("fan_index", sa.Integer(), nullable=False),
        sa.Column("status", STRING, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("exit_code", sa.BigInteger(), nullable=True),
        sa.Column("reason", STRING, nullable=True),
        sa.Column("waiting_code", STRING, nullable=True),
        sa.Column("outputs_truncated", sa.Boolean(), nullable=False),
        sa.Column("cached", sa.Boolean(), nullable=False),
        sa.Column("waiting_detail", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("inputs", TEXT, nullable=True),
        sa.Column("outputs", TEXT, nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("execution_id", "step", "fan_index", name=op.f("pk_steps")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_steps_running",
        "steps",
        ["execution_id"],
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        "tallies",
        sa.Column("counted", STRING, nullable=False),
        sa.Column("workflow", STRING, nullable=False),
        sa.Column("label", STRING, nullable=False),
        sa.Column("bucket", sa.BigInteger(), nullable=False, comment="upper bound in microseconds"),
        sa.Column("shard", sa.SmallInteger(), nullable=False, comment="of the replica that counts"),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False, comment="sum of the durations"),
        sa.PrimaryKeyConstraint("counted", "workflow", "label", "bucket", "shard", name=op.f("pk_tallies")),
        comment="What has ended since the database was made; what is deleted stays counted",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tokens",
        sa.Column("id", STRING, nullable=False),
        sa.Column("username", STRING, nullable=False),
        sa.Column("role", STRING, nullable=False),
        sa.Column("digest", STRING, nullable=False),
        sa.Column("name", STRING, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("refresh", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_index(op.f("ix_tokens_username"), "tokens", ["username"])
    op.create_table(
        "users",
        sa.Column("username", STRING, nullable=False),
        sa.Column("role", STRING, nullable=False),
        sa.Column("password_hash", STRING, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_users")),
    )
    op.create_table(
        "versions",
        sa.Column("id", STRING, nullable=False),
        sa.Column("workflow_id", STRING, nullable=True),
        sa.Column("number", sa.Integer(), nullable=True, comment="of a workflow's"),
        sa.Column("pipeline_id", STRING, nullable=True),
        sa.Column(
            "digest", STRING, nullable=True, comment="of a pipeline's document: an equal one is not stored again"
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("document", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_versions")),
        sa.UniqueConstraint("workflow_id", "number", name=op.f("uq_versions_workflow_id_number")),
    )
    op.create_index(
        op.f("ix_versions_pipeline_id_digest"),
        "versions",
        ["pipeline_id", "digest"],
        unique=True,
        sqlite_where=sa.text("pipeline_id IS NOT NULL"),
        postgresql_where=sa.text("pipeline_id IS NOT NULL"),
    )
    op.create_table(
        "traces_due",
        sa.Column("execution_id", STRING, nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("execution_id", name=op.f("pk_traces_due")),
        comment="Ended executions whose trace is to be exported",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "workflow_series",
        sa.Column("workflow_id", STRING, nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("pk_workflow_series")),
        comment="Workflows whose executions are counted under their own id",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "workflows",
        sa.Column("id", STRING, nullable=False),
        sa.Column("name", STRING, nullable=False),
        sa.Column("name_folded", STRING, nullable=False, comment="for the filter that ignores case"),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("status", STRING, nullable=False, comment="that of newest_execution"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("version_id", STRING, nullable=False),
        sa.Column("newest_execution", STRING, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflows")),
    )
    op.create_index(op.f("ix_workflows_deleted_at_created_at_id"), "workflows", ["deleted_at", "created_at", "id"])
    op.create_index(op.f("ix_workflows_deleted_at_id"), "workflows", ["deleted_at", "id"])
    op.create_index(op.f("ix_workflows_deleted_at_name_id"), "workflows", ["deleted_at", "name", "id"])
    op.create_index(op.f("ix_workflows_deleted_at_status_id"), "workflows", ["deleted_at", "status", "id"])
    op.create_index(
        op.f("ix_workflows_deleted_at_updated_at_id"),
        "workflows",
        ["deleted_at", "updated_at", "id"],
        postgresql_ops={"updated_at": NULLS_FIRST},
    )
    op.create_table(
        "workspaces",
        sa.Column("execution_id", STRING, nullable=False),
        sa.Column("step", STRING, nullable=False),
        sa.Column("fan_index", sa.Integer(), nullable=False),
        sa.Column("pipeline_id", STRING, nullable=False),
        sa.Column("source", STRING, nullable=True),
        sa.Column("layer", STRING, nullable=True),
        sa.Column("digest", STRING, nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("cache_use", STRING, nullable=False),
        sa.Column("cache_key", STRING, nullable=True),
        sa.Column("origin", STRING, nullable=True),
        sa.Column("reason", STRING, nullable=True),
        sa.Column("parts", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("execution_id", "step", "fan_index", name=op.f("pk_workspaces")),
        comment="Of the steps of pipelines",
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_workspaces_pipeline_id_step_execution_id"), "workspaces", ["pipeline_id", "step", "execution_id"]
    )

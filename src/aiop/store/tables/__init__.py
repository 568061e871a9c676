"""The tables, a module for each aggregate.

Times are microseconds since 1970 in UTC, values are JSON text, large columns come last.

No foreign keys: each row hangs on an execution or a workflow, is written in one transaction with it, and is deleted
by ``purge``. Checking them would cost a look-up for each step, event and log row that is written.
"""

from __future__ import annotations

from aiop.store.tables.accounts import audit, audit_counts, secret_values, secrets, tokens, users
from aiop.store.tables.agents import agents
from aiop.store.tables.definitions import pipelines, versions, workflows
from aiop.store.tables.executions import execution_counts, executions, idempotency, leases, owners
from aiop.store.tables.files import cache_entries, cache_logs, outputs, workspaces
from aiop.store.tables.installation import installation, replicas
from aiop.store.tables.monitoring import tallies, traces_due, workflow_series
from aiop.store.tables.runs import attempts, events, logs, steps
from aiop.store.tables.schema import metadata

__all__ = [
    "agents",
    "attempts",
    "audit",
    "audit_counts",
    "cache_entries",
    "cache_logs",
    "events",
    "execution_counts",
    "executions",
    "idempotency",
    "installation",
    "leases",
    "logs",
    "metadata",
    "outputs",
    "owners",
    "pipelines",
    "replicas",
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

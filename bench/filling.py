"""What a large deployment has stored, for ``scale.py``: executions that have ended, and some that run for long."""

from __future__ import annotations

import argparse
import asyncio
import random
from datetime import UTC, datetime, timedelta

from aiop.interfaces import Changes, ExecutionChange, NewExecution, NewWorkflow
from aiop.model.agent import AgentHealth, AgentRecord
from aiop.model.ids import AgentId, ExecutionId, VersionId, WorkflowId, new_id
from aiop.model.state import ExecutionStatus
from aiop.store import SqlStore
from postgres_lab import connected

WORKFLOWS = 200
STEPS = 3
A_DAY = 1_000_000

STORED = f"""
INSERT INTO executions (id, workflow_id, version_id, status, created_at, started_at, completed_at, options, requires,
                        inputs, outputs)
SELECT 'old-' || n, 'w' || n % {WORKFLOWS}, 'v', 'completed', at, at, at, '{{}}', '', '{{"param1":"value1"}}',
       '{{"result":"success"}}'
FROM (SELECT n, $2::bigint - (($1::int - n) * $3::float8)::bigint AS at FROM generate_series(1, $1::int) n) ended
"""
STORED_COUNTS = f"""
INSERT INTO execution_counts (workflow_id, status, shard, executions)
SELECT coalesce('w' || n % {WORKFLOWS}, ''), 'completed', 0, count(*) FROM generate_series(1, $1::int) n
GROUP BY GROUPING SETS ((n % {WORKFLOWS}), ())
"""
STORED_STEPS = f"""
INSERT INTO steps (execution_id, step, fan_index, status, attempt, started_at, completed_at, exit_code,
                   outputs_truncated, cached, outputs)
SELECT 'old-' || n, 'step' || s, 0, 'completed', 1, n, n, 0, false, false, '{{"result":"done"}}'
FROM generate_series(1, $1::int) n, generate_series(1, {STEPS}) s
"""
STORED_EVENTS = """
INSERT INTO events (execution_id, seq, type, at, data)
SELECT 'old-' || n, s, 'StepFinished', n, '{"step":"step1","status":"completed","attempt":1}'
FROM generate_series(1, $1::int) n, generate_series(1, 8) s
"""
STORED_AUDIT = """
INSERT INTO audit (id, at, actor, action, target, detail)
SELECT 'old-' || n, $2::bigint - (($1::int - n) * $3::float8)::bigint, 'admin', 'ExecutionSubmitted', 'old-' || n, '{}'
FROM generate_series(1, $1::int) n
"""
STORED_AUDIT_COUNTS = """
INSERT INTO audit_counts (day, actor, action, shard, entries)
SELECT at - at % 86400000000, actor, action, 0, count(*) FROM audit WHERE id LIKE 'old-%' GROUP BY 1, 2, 3
"""


async def fill(url: str, store: SqlStore, given: argparse.Namespace) -> None:
    workflows = [
        NewWorkflow(WorkflowId(new_id()), VersionId(new_id()), f"Workflow {n:04}", None, '{"name":"x","steps":[]}')
        for n in range(WORKFLOWS)
    ]
    await asyncio.gather(*(store.create_workflow(new) for new in workflows))
    agents = [AgentId(new_id()) for _ in range(given.agents)]
    places = max(20, 4 * given.open // given.agents)
    now = datetime.now(UTC)
    await asyncio.gather(
        *(
            store.add_agent(AgentRecord(agent, f"agent {n}", now, max_load=places, health=AgentHealth.ONLINE))
            for n, agent in enumerate(agents)
        )
    )
    async with connected(url) as plain:
        ended = int(now.timestamp() * 1_000_000), 1_000_000 / (given.rate or A_DAY / 86400)
        for statement in (STORED, STORED_AUDIT):
            await plain.execute(statement, given.stored, *ended)
        for statement in (STORED_STEPS, STORED_EVENTS, STORED_COUNTS):
            await plain.execute(statement, given.stored)
        await plain.execute(STORED_AUDIT_COUNTS)
        await plain.execute("VACUUM ANALYZE")
    # Executions that run for long, held by the replicas.
    chosen = [random.choice(workflows) for _ in range(given.open)]
    for start in range(0, len(chosen), 200):
        await asyncio.gather(*(store.submit(execution_of(each)) for each in chosen[start : start + 200]))
    for n in range(given.replicas):
        share = given.open // given.replicas
        for lease in await store.claim(f"replica {n}", ttl=timedelta(hours=1), limit=share):
            await store.commit(lease, Changes(execution=ExecutionChange(ExecutionStatus.RUNNING, now)))


async def found(url: str) -> tuple[list[NewWorkflow], list[AgentId]]:
    """Read what a database was filled with."""
    async with connected(url) as plain:
        workflows = await plain.fetch("SELECT id, version_id FROM workflows")
        agents = await plain.fetch("SELECT id FROM agents ORDER BY id")
    return (
        [NewWorkflow(WorkflowId(row["id"]), VersionId(row["version_id"]), "", None, "") for row in workflows],
        [AgentId(row["id"]) for row in agents],
    )


def execution_of(workflow: NewWorkflow) -> NewExecution:
    return NewExecution(ExecutionId(new_id()), workflow.id, workflow.version_id, {"param1": "value1"}, {})

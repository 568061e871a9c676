"""The load of a service at one moment, and between two. Pure but for ``look``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiop.client import Agent, Client, Execution, NotFound, Page, ServiceStatus
from aiop.model.state import StepStatus, WaitCode

__all__ = ["Load", "Names", "as_data", "doing", "ended_steps", "look", "rates"]

_COUNTER = re.compile(r"^(dagger_(?:workflow|step)_executions_total)(?:\{[^}]*\})? (\S+)", re.MULTILINE)


class Names:
    """The names of workflows and pipelines, each asked for once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, client: Client, execution: Execution) -> str:
        """Return the name of what is executed; its id, if it is deleted."""
        owner = execution.workflow_id or execution.pipeline_id or "-"
        if owner not in self._known:
            kind = client.workflows if execution.workflow_id else client.pipelines
            try:
                self._known[owner] = kind.get(owner).name
            except NotFound:
                self._known[owner] = owner
        return self._known[owner]


@dataclass(frozen=True, slots=True)
class Load:
    """One look. ``names`` are by the id of the execution; the counters count since the service was set up."""

    at: datetime
    status: ServiceStatus
    agents: Page[Agent]
    running: Page[Execution]
    waiting: Page[Execution]
    names: Mapping[str, str]
    steps_ended: float
    executions_ended: float


def look(client: Client, names: Names, *, at: datetime, rows: int) -> Load:
    """Ask the service; of executions that run (longest first) and wait (next first), ``rows`` each."""
    counters = dict.fromkeys(("dagger_workflow_executions_total", "dagger_step_executions_total"), 0.0)
    for name, value in _COUNTER.findall(client.monitoring.metrics()):
        counters[name] += float(value)
    running = client.executions.list(status="running", sort="started_at:asc", limit=rows)
    waiting = client.executions.list(status="pending", sort="created_at:asc", limit=rows)
    return Load(
        at=at,
        status=client.monitoring.status(),
        agents=client.agents.list(sort="name:asc", limit=rows),
        running=running,
        waiting=waiting,
        names={each.id: names.of(client, each) for each in (*running.items, *waiting.items)},
        steps_ended=counters["dagger_step_executions_total"],
        executions_ended=counters["dagger_workflow_executions_total"],
    )


@dataclass(frozen=True, slots=True)
class Rates:
    """What ends in a second."""

    steps: float
    executions: float


def rates(before: Load | None, load: Load) -> Rates | None:
    """Return what has ended in a second between two looks; ``None`` if there is only one."""
    if before is None or (seconds := (load.at - before.at).total_seconds()) <= 0:
        return None
    return Rates(
        steps=max(0.0, (load.steps_ended - before.steps_ended) / seconds),
        executions=max(0.0, (load.executions_ended - before.executions_ended) / seconds),
    )


def ended_steps(execution: Execution) -> int:
    """Return how many steps have ended, in whatever way."""
    return sum(step.status.ended for step in execution.steps.values())


def doing(execution: Execution) -> Sequence[str]:
    """Return what an execution does now: its running steps, and those that wait for more than other steps."""
    running = [step.id for step in execution.steps.values() if step.status is StepStatus.RUNNING]
    waiting = [
        f"{step.id}: {step.waiting.detail or step.waiting.code}"
        for step in execution.steps.values()
        if step.waiting is not None and step.waiting.code != WaitCode.DEPENDENCY
    ]
    return [*running, *waiting]


def as_data(before: Load | None, load: Load) -> dict[str, Any]:
    """Write a look for programs; rates are ``None`` without one before."""
    between = rates(before, load)
    return {
        "at": load.at.isoformat().replace("+00:00", "Z"),
        "status": load.status.status,
        "version": load.status.version,
        "memory_usage_mb": load.status.memory_usage_mb,
        "cpu_usage_percent": load.status.cpu_usage_percent,
        "executions": {
            "running": load.running.total,
            "waiting": load.waiting.total,
            "per_second": None if between is None else round(between.executions, 3),
        },
        "steps": {
            "running": load.status.active_steps,
            "per_second": None if between is None else round(between.steps, 3),
        },
        "agents": [_agent(agent) for agent in load.agents.items],
        "running": [_running(execution, load) for execution in load.running.items],
        "waiting": [_waiting(execution, load) for execution in load.waiting.items],
    }


def _agent(agent: Agent) -> dict[str, Any]:
    view = {"name": agent.name, "status": agent.status, "current_load": agent.current_load, "max_load": agent.max_load}
    return view if agent.error is None else view | {"error": agent.error}


def _running(execution: Execution, load: Load) -> dict[str, Any]:
    return {
        "id": execution.id,
        "name": load.names[execution.id],
        "started_at": execution.raw.get("started_at"),
        "steps": {"ended": ended_steps(execution), "total": len(execution.steps)},
        "doing": list(doing(execution)),
    }


def _waiting(execution: Execution, load: Load) -> dict[str, Any]:
    return {
        "id": execution.id,
        "name": load.names[execution.id],
        "created_at": execution.raw.get("created_at"),
        "waiting": execution.raw.get("waiting"),
    }

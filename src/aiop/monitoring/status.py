"""How well the service is. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiop.interfaces import EngineLoad
from aiop.model.agent import AgentRecord, AgentStatus, EngineAddress, EngineType
from aiop.model.ids import AgentId

__all__ = ["EngineState", "Health", "ServiceStatus", "engines_of", "judge"]


@dataclass(frozen=True, slots=True)
class EngineState:
    """The engine of an agent as the last check has found it; ``version`` is ``None`` if it has never answered."""

    agent: str
    type: EngineType
    version: str | None
    status: AgentStatus
    error: str | None = None
    load: EngineLoad | None = None
    """What this service has open there, where an engine is spoken to in sessions."""

    @property
    def well(self) -> bool:
        """Whether containers can run there."""
        return self.status in (AgentStatus.IDLE, AgentStatus.BUSY)


def engines_of(
    agents: Sequence[AgentRecord], default: EngineAddress, loads: Mapping[AgentId, EngineLoad]
) -> list[EngineState]:
    """Return the engine of each agent; ``default`` is that of agents that name none."""
    return [
        EngineState(
            agent.name,
            (agent.engine or default).type,
            agent.version,
            agent.status,
            None if agent.status in (AgentStatus.IDLE, AgentStatus.BUSY) else agent.error,
            loads.get(agent.id),
        )
        for agent in agents
        if not agent.deleted
    ]


class Health(enum.StrEnum):
    """``healthy``: all is well. ``degraded``: it works, but not everywhere. ``unhealthy``: steps cannot be run."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """What ``/monitoring/dagger/status`` tells."""

    health: Health
    version: str
    active_workflows: int
    active_steps: int
    memory_bytes: int
    cpu_percent: float
    storage_error: str | None
    engines: Sequence[EngineState]


def judge(engines: Sequence[EngineState], *, storage_well: bool) -> Health:
    """Judge: without a database that takes what it is given, or without any engine that answers, nothing goes on."""
    well = [engine for engine in engines if engine.well]
    if not storage_well or not well:
        return Health.UNHEALTHY
    return Health.HEALTHY if len(well) == len(engines) else Health.DEGRADED

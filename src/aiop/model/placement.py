"""Which agent gets an execution, and why one waits. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from aiop.model.agent import AgentHealth, AgentRecord
from aiop.model.ids import AgentId
from aiop.model.state import WaitCode, Waiting

__all__ = ["capable", "choose", "reason_to_wait"]

_NAMED = 5


def capable(agents: Iterable[AgentRecord], requires: Iterable[str]) -> list[AgentRecord]:
    """Return the agents that have every capability asked for, in whatever health."""
    wanted = set(requires)
    return [agent for agent in agents if not agent.deleted and wanted <= agent.able]


def choose(agents: Sequence[AgentRecord], requires: Iterable[str], loads: Mapping[AgentId, int]) -> AgentRecord | None:
    """Return the capable agent with the smallest part of its places taken, ``None`` if none has one free.

    ``loads`` counts by agent what is placed there now. Among equals the one with fewer executions, then the oldest.
    """
    free = [
        agent
        for agent in capable(agents, requires)
        if agent.health is AgentHealth.ONLINE and loads.get(agent.id, 0) < agent.max_load
    ]
    return min(free, key=lambda agent: _fullness(agent, loads.get(agent.id, 0)), default=None)


def _fullness(agent: AgentRecord, load: int) -> tuple[float, int, AgentId]:
    return load / agent.max_load, load, agent.id


def reason_to_wait(agents: Sequence[AgentRecord], requires: Sequence[str]) -> Waiting:
    """Say what an execution that no agent has taken yet waits for."""
    fit = capable(agents, requires)
    if not fit:
        return Waiting(WaitCode.NO_AGENT, f"no agent has the capabilities {', '.join(requires)}")
    online = [agent for agent in fit if agent.health is AgentHealth.ONLINE]
    if not online:
        return Waiting(WaitCode.ENGINE_UNAVAILABLE, _named("no agent that could run it is online", fit, _trouble))
    if all(agent.load >= agent.max_load for agent in online):
        return Waiting(WaitCode.AGENT_CAPACITY, _named("every agent that could run it is full", online, _load))
    return Waiting(WaitCode.AGENT_CAPACITY, "its turn has not come: others came first")


def _named(sentence: str, agents: Sequence[AgentRecord], describe: Callable[[AgentRecord], str]) -> str:
    told = ", ".join(describe(agent) for agent in agents[:_NAMED])
    more = f" and {len(agents) - _NAMED} more" if len(agents) > _NAMED else ""
    return f"{sentence}: {told}{more}"


def _load(agent: AgentRecord) -> str:
    return f"{agent.name} ({agent.load} of {agent.max_load})"


def _trouble(agent: AgentRecord) -> str:
    return f"{agent.name} ({agent.error or agent.health})"

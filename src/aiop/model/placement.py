"""Which agent gets an execution, and why one waits. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from aiop.model.agent import AgentHealth, AgentRecord
from aiop.model.ids import AgentId
from aiop.model.state import WaitCode, Waiting

__all__ = ["FreePlaces", "capable", "reason_to_wait"]

_NAMED = 5


def capable(agents: Iterable[AgentRecord], requires: Iterable[str]) -> list[AgentRecord]:
    """Return the agents that have every capability asked for, in whatever health."""
    wanted = set(requires)
    return [agent for agent in agents if not agent.deleted and wanted <= agent.able]


class FreePlaces:
    """The places that agents have free, dealt out one by one, each in the time of a few comparisons.

    The next is with the capable agent that has the smallest part of its places taken; among equals with the one that
    has fewer executions, then with the oldest.
    """

    def __init__(self, agents: Sequence[AgentRecord]) -> None:
        self._agents = agents
        self._loads = {agent.id: agent.load for agent in agents}
        self._queues: dict[frozenset[str], list[tuple[_Fullness, AgentRecord]]] = {}

    def first(self, requires: Iterable[str]) -> AgentRecord | None:
        """Return who has the next place, ``None`` if nobody has."""
        queue = self._queue(frozenset(requires))
        while queue:
            known, agent = queue[0]
            load = self._loads[agent.id]
            if load >= agent.max_load:
                heapq.heappop(queue)
            elif (fullness := _fullness(agent, load)) != known:  # it got something by another queue
                heapq.heapreplace(queue, (fullness, agent))
            else:
                return agent
        return None

    def take(self, requires: Iterable[str]) -> AgentRecord | None:
        """Give the next place away."""
        agent = self.first(requires)
        if agent is not None:
            self._loads[agent.id] += 1
        return agent

    def _queue(self, requires: frozenset[str]) -> list[tuple[_Fullness, AgentRecord]]:
        if requires not in self._queues:
            queue = [
                (_fullness(agent, self._loads[agent.id]), agent)
                for agent in capable(self._agents, requires)
                if agent.health is AgentHealth.ONLINE and self._loads[agent.id] < agent.max_load
            ]
            heapq.heapify(queue)
            self._queues[requires] = queue
        return self._queues[requires]


_Fullness: TypeAlias = tuple[float, int, AgentId]


def _fullness(agent: AgentRecord, load: int) -> _Fullness:
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

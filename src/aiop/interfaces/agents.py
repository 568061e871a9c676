"""Agents: where they are stored, and who looks after their engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiop.interfaces.engine import EngineLoad
from aiop.interfaces.reading import Page, PageQuery
from aiop.model.agent import AgentRecord, AgentStatus, EngineCheck
from aiop.model.ids import AgentId, ExecutionId

__all__ = ["AGENTS", "AgentLoads", "AgentProbe", "AgentQuery", "AgentStore"]

AGENTS = "agents"
"""Topic: an agent was registered, changed or deleted."""


@dataclass(frozen=True, slots=True)
class AgentQuery(PageQuery):
    """Sorts by ``id name created_at updated_at``; ``name`` is a substring, case ignored."""

    status: AgentStatus | None = None
    capability: str | None = None
    name: str | None = None


class AgentStore(Protocol):
    """Agents as facts. Each method is one transaction; all raise ``StorageUnavailable``."""

    async def add_agent(self, agent: AgentRecord) -> AgentRecord:
        """Store a new agent.

        If ``installation`` is set and that installation has, or had, an agent of its own, nothing is stored; one that
        was never changed by hand takes ``engine``, ``max_load`` and ``workflow_directory`` from ``agent``.
        """

    async def agent(self, agent: AgentId) -> AgentRecord:
        """Read one; raises ``NotFound``, also for a deleted one."""

    async def agents(self, query: AgentQuery) -> Page[AgentRecord]:
        """Read a page."""

    async def all_agents(self) -> Sequence[AgentRecord]:
        """Read all, with deleted ones on which executions are still placed; oldest first."""

    async def change_agent(self, agent: AgentId, change: Callable[[AgentRecord], AgentRecord]) -> AgentRecord:
        """Replace everything but health by what ``change`` makes of it, while nobody else changes it or places there.

        ``change`` may be called twice, and raise; raises ``NotFound``.
        """

    async def delete_agent(self, agent: AgentId, *, force: bool) -> Sequence[ExecutionId]:
        """Delete one; returns the executions that are placed there, which are to be failed.

        Raises ``NotFound``, and ``InvalidState`` if there are such executions and ``force`` is not set.
        """

    async def note_check(self, agents: Sequence[AgentId], check: EngineCheck) -> None:
        """Store what a check of the engine of these agents has found."""


class AgentLoads(Protocol):
    """Whoever holds the connections to engines."""

    def loads(self) -> Mapping[AgentId, EngineLoad]:
        """Return the load of engines that tell one, for each of their agents; those on one engine share it."""


class AgentProbe(Protocol):
    """Asks engines how they are."""

    async def probe(self, agent: AgentRecord) -> EngineCheck:
        """Ask the engine of an agent, which need not be stored; never raises, and answers within seconds."""

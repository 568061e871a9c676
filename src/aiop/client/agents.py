"""``client.agents``."""

from __future__ import annotations

from urllib.parse import quote

from aiop.client.effects import Flow, Request, Stream
from aiop.client.operation import D, Resource, operation, stream
from aiop.client.paging import every, page
from aiop.client.results.result import Json, Page
from aiop.client.results.service import Agent
from aiop.model.agent import AgentStatus

__all__ = ["Agents"]


_PATH = "/dagger/agents"


def _of(agent: str) -> str:
    return f"{_PATH}/{quote(agent, safe='')}"


class Agents(Resource[D]):
    """Places where containers run. A document is a mapping as the API takes it; admins change them."""

    @operation
    def create(self, document: Json) -> Flow[Agent]:
        """Register an agent; one whose engine does not answer is ``offline``. Raises ``InvalidRequest``."""
        return self._calls.ask(Request("POST", _PATH, json=document), Agent)

    @operation
    def get(self, agent: str) -> Flow[Agent]:
        """Read one by its id, with its engine and when that was last seen."""
        return self._calls.ask(Request("GET", _of(agent)), Agent)

    @operation
    def list(
        self,
        *,
        status: AgentStatus | str | None = None,
        capability: str | None = None,
        name: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Flow[Page[Agent]]:
        """Read a page, newest first; ``name`` is a substring, ``sort`` like ``name:desc``."""
        query = {"status": status, "capability": capability, "name": name, "sort": sort}
        return page(self._calls, _PATH, "agents", Agent, limit=limit, offset=offset, query=query)

    @stream
    def iter(
        self, *, status: AgentStatus | str | None = None, capability: str | None = None, name: str | None = None
    ) -> Stream[Agent]:
        """Go through all agents."""
        query = {"status": status, "capability": capability, "name": name}
        return every(self._calls, _PATH, "agents", Agent, ident="id", query=query)

    @operation
    def update(self, agent: str, changes: Json) -> Flow[Agent]:
        """Change the fields that ``changes`` names."""
        return self._calls.ask(Request("PATCH", _of(agent), json=changes), Agent)

    @operation
    def delete(self, agent: str, *, force: bool = False) -> Flow[None]:
        """Delete it; with executions on it that is refused (``InvalidState``) unless by ``force``, which fails them."""
        yield from self._calls.send(Request("DELETE", _of(agent), query={"force": "true" if force else None}))

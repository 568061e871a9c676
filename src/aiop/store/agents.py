"""Agents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import String, bindparam, case, exists, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import InvalidState, NotFound
from aiop.interfaces import AgentQuery, Page
from aiop.model.agent import (
    Ability,
    AgentHealth,
    AgentRecord,
    AgentStatus,
    EngineAddress,
    EngineCheck,
    EngineType,
    PodSettings,
)
from aiop.model.audit import AuditAction
from aiop.model.ids import AgentId, ExecutionId
from aiop.store import tables
from aiop.store.codec import AnyRow, clean, micros, moment
from aiop.store.database import Database, Part
from aiop.store.lists import Listing
from aiop.store.workflows import ESCAPE, fold, pattern

__all__ = ["LOAD", "AgentPart", "agent_record"]

_MICROSECOND = timedelta(microseconds=1)

LOAD = (
    select(func.count())
    .select_from(tables.leases)
    .where(tables.leases.c.agent_id == tables.agents.c.id)
    .scalar_subquery()
    .label("load")
)
"""How many executions are placed on an agent."""

_PLACED = exists().where(tables.leases.c.agent_id == tables.agents.c.id)
_STATUS = case(
    (tables.agents.c.health != literal(AgentHealth.ONLINE.value), tables.agents.c.health),
    (_PLACED, literal(AgentStatus.BUSY.value)),
    else_=literal(AgentStatus.IDLE.value),
)
_AGENTS = select(tables.agents, LOAD)
_SHOWN = _AGENTS.where(tables.agents.c.deleted_at.is_(None))


class AgentPart(Part):
    """``AgentStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        agents = tables.agents.c
        self._agent_list = Listing(
            tables.agents,
            sorts=("id", "name", "created_at", "updated_at"),
            unique="id",
            columns=(*tables.agents.c, LOAD),
            filters={
                "status": bindparam("status", type_=String) == _STATUS,
                "capability": func.lower(agents.capabilities).contains(bindparam("capability"), escape=ESCAPE),
                "name": agents.name_folded.contains(bindparam("name"), escape=ESCAPE),
            },
            always=[agents.deleted_at.is_(None)],
        )

    async def add_agent(self, agent: AgentRecord) -> AgentRecord:
        """Store a new agent, or bring the one of this installation up to date."""
        agents, call = tables.agents, self._db.audit.call()

        async def add(tx: AsyncConnection) -> AgentRecord:
            if agent.installation is not None:
                own = agents.c.installation == agent.installation
                untouched = (agents.c.updated_at.is_(None), agents.c.deleted_at.is_(None))
                row = _row(agent)
                values = {name: row[name] for name in _OWN}
                await tx.execute(update(agents).where(own, *untouched).values(values))
                present = (await tx.execute(_AGENTS.where(own))).one_or_none()
                if present is not None:
                    return agent_record(present)
            await tx.execute(insert(agents).values(_row(agent)))
            await call.write(tx, AuditAction.AGENT_CREATED, agent.id, name=agent.name)
            return agent

        return await self._db.write(add)

    async def agent(self, agent: AgentId) -> AgentRecord:
        """Read one."""
        rows = await self._db.rows(_SHOWN.where(tables.agents.c.id == agent))
        if not rows:
            raise NotFound("Agent not found")
        return agent_record(rows[0])

    async def agents(self, query: AgentQuery) -> Page[AgentRecord]:
        """Read a page."""
        capability = None if query.capability is None else pattern(f" {query.capability} ")
        name = None if query.name is None else pattern(query.name)
        async with self._db.reading() as tx:
            rows, total = await self._agent_list.page(tx, query, status=query.status, capability=capability, name=name)
        return Page([agent_record(row) for row in rows], total)

    async def all_agents(self) -> Sequence[AgentRecord]:
        """Read all that are shown, and those that still have executions."""
        return [agent_record(row) for row in await self._db.rows(_ALL)]

    async def change_agent(self, agent: AgentId, change: Callable[[AgentRecord], AgentRecord]) -> AgentRecord:
        """Replace everything but health."""
        chosen, call = tables.agents.c.id == agent, self._db.audit.call()

        async def replace(tx: AsyncConnection) -> AgentRecord:
            await self._db.dialect.lock_placement(tx, wait=True)
            await _present(tx, agent)
            changed = change(agent_record((await tx.execute(_SHOWN.where(chosen))).one()))
            values = {name: value for name, value in _row(changed).items() if name not in _KEPT}
            await tx.execute(update(tables.agents).where(chosen).values(**values, updated_at=self._db.now()))
            await call.write(tx, AuditAction.AGENT_CHANGED, agent, name=changed.name)
            return agent_record((await tx.execute(_SHOWN.where(chosen))).one())

        return await self._db.write(replace)

    async def delete_agent(self, agent: AgentId, *, force: bool) -> Sequence[ExecutionId]:
        """Hide it; its row stays as long as something is placed there, and that of a local one as a mark."""
        leases, call = tables.leases.c, self._db.audit.call()

        async def hide(tx: AsyncConnection) -> Sequence[ExecutionId]:
            await self._db.dialect.lock_placement(tx, wait=True)
            await _present(tx, agent)
            placed = [
                ExecutionId(each)
                for each in await tx.scalars(
                    select(leases.execution_id).where(leases.agent_id == agent).order_by(leases.execution_id)
                )
            ]
            if placed and not force:
                raise InvalidState(f"{len(placed)} executions are on the agent: cancel them, or delete it by force")
            await tx.execute(update(tables.agents).where(tables.agents.c.id == agent).values(deleted_at=self._db.now()))
            await call.write(tx, AuditAction.AGENT_DELETED, agent, executions_failed=len(placed))
            return placed

        return await self._db.write(hide)

    async def note_check(self, agents: Sequence[AgentId], check: EngineCheck) -> None:
        """Store what a check has found."""
        values: dict[str, Any] = {"health": check.health.value, "error": clean(check.error)}
        if check.health is not AgentHealth.OFFLINE:
            values |= {"last_seen_at": micros(check.at), "version": check.version}
        if check.health is AgentHealth.ONLINE:
            values["lacks"] = _words(check.lacks)
        noted = update(tables.agents).where(tables.agents.c.id.in_(agents)).values(values)

        async def note(tx: AsyncConnection) -> None:
            await tx.execute(noted)

        await self._db.write(note)


_KEPT = frozenset(
    {
        "id",
        "created_at",
        "updated_at",
        "deleted_at",
        "installation",
        "health",
        "version",
        "error",
        "last_seen_at",
        "lacks",
    }
)
"""What a change of an agent leaves as it is."""

_OWN = ("max_load", "workflow_directory", "engine_type", "engine_endpoint", "engine_pods")
"""What the settings say of the agent of an installation."""

_ALL = _AGENTS.where(or_(tables.agents.c.deleted_at.is_(None), _PLACED)).order_by(
    tables.agents.c.created_at, tables.agents.c.id
)


async def _present(tx: AsyncConnection, agent: AgentId) -> None:
    table = tables.agents.c
    found = await tx.scalar(select(table.id).where(table.id == agent, table.deleted_at.is_(None)).with_for_update())
    if found is None:
        raise NotFound("Agent not found")


def agent_record(row: AnyRow) -> AgentRecord:
    """Decode a row with its ``load``."""
    pods = PodSettings.of(json.loads(row.engine_pods)) if row.engine_pods else None
    engine = EngineAddress(EngineType(row.engine_type), row.engine_endpoint, pods) if row.engine_type else None
    return AgentRecord(
        id=AgentId(row.id),
        name=row.name,
        created_at=moment(row.created_at),
        description=row.description,
        capabilities=tuple(row.capabilities.split()),
        engine=engine,
        container_registry=row.container_registry,
        workflow_directory=row.workflow_directory,
        max_load=row.max_load,
        timeout=None if row.timeout is None else timedelta(microseconds=row.timeout),
        installation=row.installation,
        sealed=row.sealed,
        health=AgentHealth(row.health),
        version=row.version,
        error=row.error,
        last_seen_at=moment(row.last_seen_at),
        lacks=frozenset(map(Ability, row.lacks.split())),
        updated_at=moment(row.updated_at),
        deleted=row.deleted_at is not None,
        load=row.load,
    )


def _words(abilities: Iterable[Ability]) -> str:
    return " ".join(sorted(abilities))


def _row(agent: AgentRecord) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "name_folded": fold(agent.name),
        "description": agent.description,
        "capabilities": f" {' '.join(agent.capabilities)} ",
        "engine_type": agent.engine.type.value if agent.engine else None,
        "engine_endpoint": agent.engine.endpoint if agent.engine else None,
        "engine_pods": json.dumps(agent.engine.pods.document) if agent.engine and agent.engine.pods else None,
        "container_registry": agent.container_registry,
        "workflow_directory": agent.workflow_directory,
        "max_load": agent.max_load,
        "timeout": None if agent.timeout is None else agent.timeout // _MICROSECOND,
        "installation": agent.installation,
        "health": agent.health.value,
        "version": agent.version,
        "error": clean(agent.error),
        "last_seen_at": micros(agent.last_seen_at),
        "lacks": _words(agent.lacks),
        "created_at": micros(agent.created_at),
        "updated_at": micros(agent.updated_at),
        "sealed": agent.sealed,
    }

"""Looks after the engines of all agents: opens them, checks them, cleans up there, closes them.

Agents on the same engine share one connection to it, with its bounds: a *site*. The bus wakes the fleet when an agent
has changed; it also looks by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

import structlog

from aiop.errors import EngineRefused, EngineUnavailable, StorageUnavailable
from aiop.interfaces import (
    AGENTS,
    WORK,
    AgentStore,
    Bus,
    Clock,
    Engine,
    EngineLoad,
    LoadedEngine,
    SupervisorStore,
    pause,
)
from aiop.model.agent import Ability, AgentHealth, AgentRecord, EngineCheck
from aiop.model.ids import AgentId
from aiop.orchestrator.gate import EngineGate
from aiop.orchestrator.place import Place
from aiop.orchestrator.slots import Slots
from aiop.orchestrator.sweep import ContainerSweeper, Remover
from aiop.spec import VolumePolicy

__all__ = ["EngineSource", "Fleet", "FleetStore"]

LOOK_PERIOD = timedelta(seconds=30)
CHECK_PERIOD = timedelta(seconds=10)
CHECK_LIMIT = timedelta(seconds=5)
"""An engine that is silent for so long counts as away."""
LATE_LIMIT = timedelta(seconds=60)
"""How long its answer is waited for after that: one that is only slow is not to wait for the next check."""
SEEN_PERIOD = timedelta(seconds=60)
"""How old what is stored of a healthy engine may get before it is written again."""

log = structlog.get_logger()


class FleetStore(AgentStore, SupervisorStore, Protocol):
    """What the fleet needs of the store."""


@dataclass(frozen=True, slots=True)
class EngineSource:
    """How engines are come by. ``key`` is equal for agents that share an engine; both raise ``ValueError`` for an
    agent whose engine this service cannot speak to.
    """

    key: Callable[[AgentRecord], Hashable]
    build: Callable[[AgentRecord], Engine]
    volumes: Callable[[AgentRecord], VolumePolicy]
    reachable: Callable[[AgentRecord], bool] = lambda _: True
    """Whether this process can reach the agent's engine: the local one of another machine it cannot."""


@dataclass(slots=True)
class _Site:
    """One engine, and what works there."""

    engine: Engine
    gate: EngineGate
    remover: Remover
    sweeper: ContainerSweeper
    news: asyncio.Event
    slots: Slots
    name: str
    agents: list[AgentId] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    check: EngineCheck | None = None


class Fleet:
    """One for a process, made in its loop. ``run`` until cancelled; what others ask waits until it runs."""

    def __init__(
        self,
        store: FleetStore,
        bus: Bus,
        clock: Clock,
        engines: EngineSource,
        *,
        slots: int,
        patience: timedelta,
        mine: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """``mine`` tells which of several replicas checks an engine and cleans up there (``Roster``)."""
        self._store = store
        self._bus = bus
        self._clock = clock
        self._engines = engines
        self._slots = slots
        self._patience = patience
        self._mine = mine
        self._sites: dict[Hashable, _Site] = {}
        self._places: dict[AgentId, Place] = {}
        self._faults: dict[AgentId, str] = {}
        """Why the engine of an agent cannot be spoken to."""
        self._refreshing = asyncio.Lock()
        self._group: asyncio.Future[asyncio.TaskGroup] = asyncio.get_running_loop().create_future()

    # --- for others ---------------------------------------------------------------------------------------------

    async def place(self, agent: AgentId) -> Place | None:
        """Return where an agent's executions run, ``None`` if there is no such agent.

        Raises ``EngineRefused`` if its engine cannot be spoken to, and ``StorageUnavailable``.
        """
        if agent not in self._places:
            await self._refresh()
        if agent in self._faults:
            raise EngineRefused(self._faults[agent])
        return self._places.get(agent)

    def is_deleted(self, agent: AgentId) -> bool:
        """Whether executions placed on this agent are to be failed."""
        place = self._places.get(agent)
        return place is not None and place.deleted

    async def probe(self, agent: AgentRecord) -> EngineCheck:
        """Ask an engine how it is, by a connection of its own if none is open; see ``interfaces.AgentProbe``."""
        try:
            site = self._sites.get(self._engines.key(agent))
            engine = site.engine if site is not None else self._engines.build(agent)
        except ValueError as error:
            return EngineCheck(AgentHealth.ERROR, self._clock.now(), error=str(error))
        try:
            return await self._ask(engine, limit=CHECK_LIMIT)
        finally:
            if site is None:
                await engine.aclose()

    def loads(self) -> Mapping[AgentId, EngineLoad]:
        """See ``interfaces.AgentLoads``."""
        return {
            agent: site.engine.load()
            for site in self._sites.values()
            if isinstance(site.engine, LoadedEngine)
            for agent in site.agents
        }

    async def drain(self) -> None:
        """Return once all containers that could go are gone, or were tried."""
        for site in list(self._sites.values()):
            await site.remover.drain()

    # --- the loop -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            # What goes wrong at one engine beyond its being away is a defect, and ends the fleet with the service.
            async with asyncio.TaskGroup() as group:
                self._group.set_result(group)
                with self._bus.listen(AGENTS) as wakes:
                    while True:
                        try:
                            await self._refresh()
                        except StorageUnavailable as error:
                            log.warning("store_unavailable", error=str(error))
                        await wakes.wait(LOOK_PERIOD)
        finally:
            await self._close(list(self._sites))

    async def _refresh(self) -> None:
        """Make places and sites what the store says of agents."""
        group = await asyncio.shield(self._group)
        async with self._refreshing:
            records = [each for each in await self._store.all_agents() if self._engines.reachable(each)]
            before = self._places
            places: dict[AgentId, Place] = {}
            faults: dict[AgentId, str] = {}
            members: dict[Hashable, list[AgentId]] = {}
            for record in records:
                try:
                    key = self._engines.key(record)
                    site = self._sites.get(key) or self._open(group, key, record)
                except ValueError as error:
                    await self._note_error(record, str(error))
                    if not record.deleted:
                        faults[record.id] = str(error)
                    continue
                members.setdefault(key, []).append(record.id)
                places[record.id] = self._place_of(record, site)
            for key, agents in members.items():
                site = self._sites[key]
                if set(agents) != set(site.agents):
                    site.agents = agents
                    site.check = None
                    site.news.set()
            self._places, self._faults = places, faults
            await self._close([key for key in self._sites if key not in members])
            if {agent: place.deleted for agent, place in places.items()} != {
                agent: place.deleted for agent, place in before.items()
            }:
                self._bus.publish(WORK)

    def _place_of(self, record: AgentRecord, site: _Site) -> Place:
        return Place(
            engine=site.engine,
            gate=site.gate,
            slots=site.slots,
            patience=self._patience,
            volumes=self._engines.volumes(record),
            committed=site.remover.put,
            agent=record.name,
            registry=record.container_registry,
            timeout=record.timeout,
            deleted=record.deleted,
        )

    def _open(self, group: asyncio.TaskGroup, key: Hashable, record: AgentRecord) -> _Site:
        engine = self._engines.build(record)
        news = asyncio.Event()
        gate = EngineGate(engine, self._clock, news=news.set)
        remover = Remover(engine, gate)
        name = f"engine {key}"
        site = _Site(
            name=name,
            engine=engine,
            gate=gate,
            remover=remover,
            sweeper=ContainerSweeper(engine, self._store, self._clock, remover, mine=lambda: self._mine(name)),
            news=news,
            slots=Slots(self._slots),
        )
        site.task = group.create_task(self._work(site), name=f"site {key}")
        self._sites[key] = site
        return site

    async def _close(self, keys: Sequence[Hashable]) -> None:
        for key in keys:
            site = self._sites.pop(key)
            if site.task is not None:
                site.task.cancel()
                await asyncio.gather(site.task, return_exceptions=True)
            await site.gate.aclose()
            await site.engine.aclose()

    # --- one engine ---------------------------------------------------------------------------------------------

    async def _work(self, site: _Site) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(site.remover.run())
            group.create_task(site.sweeper.run())
            group.create_task(self._watch(site))

    async def _watch(self, site: _Site) -> None:
        """Check an engine now and then, and at once when somebody has found it away."""
        while True:
            found_away = site.news.is_set()
            site.news.clear()
            if found_away or self._mine(site.name):
                await self._check(site)
            else:
                site.check = None  # what another has noted meanwhile is not known
            await pause(self._clock, CHECK_PERIOD, unless=site.news)

    async def _check(self, site: _Site) -> None:
        asking = asyncio.create_task(self._ask(site.engine, limit=CHECK_LIMIT + LATE_LIMIT))
        try:
            await asyncio.wait({asking}, timeout=CHECK_LIMIT.total_seconds())
            if not asking.done():
                await self._note(site, self._silent())
            await self._note(site, await asking)
        except StorageUnavailable as error:
            log.info("health_not_noted", error=str(error))
        finally:
            asking.cancel()

    def _silent(self) -> EngineCheck:
        return EngineCheck(AgentHealth.OFFLINE, self._clock.now(), error="it does not answer in time")

    async def _ask(self, engine: Engine, *, limit: timedelta) -> EngineCheck:
        try:
            async with asyncio.timeout(limit.total_seconds()):
                info = await engine.check()
        except EngineRefused as error:
            return EngineCheck(AgentHealth.ERROR, self._clock.now(), error=str(error))
        except TimeoutError:
            return self._silent()
        except EngineUnavailable as error:
            return EngineCheck(AgentHealth.OFFLINE, self._clock.now(), error=str(error))
        lacks = frozenset(ability for ability in Ability if not getattr(engine.capabilities, ability))
        return EngineCheck(AgentHealth.ONLINE, self._clock.now(), version=info.version, lacks=lacks)

    async def _note(self, site: _Site, check: EngineCheck) -> None:
        known = site.check
        same = known is not None and replace(known, at=check.at) == check
        recent = known is not None and check.at - known.at < SEEN_PERIOD
        if (same and (recent or check.health is AgentHealth.OFFLINE)) or not site.agents:
            return
        await self._store.note_check(site.agents, check)
        site.check = check
        if known is None or known.health is not check.health:
            log.info("engine_checked", health=check.health, version=check.version, error=check.error)
            if check.health is AgentHealth.ONLINE:
                site.sweeper.wake()
            self._bus.publish(WORK)

    async def _note_error(self, record: AgentRecord, error: str) -> None:
        if (record.health, record.error) != (AgentHealth.ERROR, error):
            await self._store.note_check([record.id], EngineCheck(AgentHealth.ERROR, self._clock.now(), error=error))

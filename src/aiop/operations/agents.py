"""Registering, changing and deleting agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol

from aiop.errors import Fault, InvalidRequest, InvalidState
from aiop.interfaces import AGENTS, WORK, AgentProbe, AgentStore, Bus, Clock, Vault, execution_topic
from aiop.model.agent import PIPELINES, WORKFLOWS, AgentRecord, EngineAddress, EngineType
from aiop.model.ids import AgentId, new_id
from aiop.spec import ImageError, check_registry

__all__ = ["AgentOperations", "AgentSettings", "TlsFiles"]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificates for an engine, as PEM text; stored encrypted and never shown."""

    ca: str
    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What whoever registers an agent decides; the names are those of ``AgentRecord``, but for ``tls``
    and ``kubeconfig``, which are stored encrypted.
    """

    name: str
    description: str | None = None
    capabilities: tuple[str, ...] = (WORKFLOWS, PIPELINES)
    engine: EngineAddress | None = None
    tls: TlsFiles | None = None
    kubeconfig: str | None = field(default=None, repr=False)
    container_registry: str | None = None
    workflow_directory: str | None = None
    max_load: int = 10
    timeout: timedelta | None = None


class _Store(AgentStore, Protocol):
    """What the operations need of the store."""


class AgentOperations:
    """Changes agents and wakes who must know. All raise ``StorageUnavailable``."""

    def __init__(
        self,
        store: _Store,
        bus: Bus,
        vault: Vault,
        clock: Clock,
        *,
        probe: AgentProbe,
        assumed: EngineAddress | None = None,
    ) -> None:
        """``assumed`` is written down as the engine of agents that are registered without one."""
        self._store = store
        self._bus = bus
        self._vault = vault
        self._clock = clock
        self._probe = probe
        self._assumed = assumed

    async def register(self, settings: AgentSettings) -> AgentRecord:
        """Store an agent, with what a first look at its engine finds; raises ``InvalidRequest``.

        An engine that cannot be reached is no error: the agent is ``offline`` until it can.
        """
        record = AgentRecord(
            id=AgentId(new_id()),
            name=settings.name,
            created_at=self._clock.now(),
            description=settings.description,
            capabilities=settings.capabilities,
            engine=settings.engine or self._assumed,
            container_registry=_registry(settings.container_registry),
            workflow_directory=settings.workflow_directory,
            max_load=settings.max_load,
            timeout=settings.timeout,
            sealed=self._sealed(settings.tls, settings.kubeconfig),
        )
        check = await self._probe.probe(record)
        record = replace(
            record,
            health=check.health,
            version=check.version,
            error=check.error,
            last_seen_at=check.at if check.version is not None else None,
        )
        stored = await self._store.add_agent(record)
        self._changed()
        return stored

    async def change(self, agent: AgentId, changes: Mapping[str, Any]) -> AgentRecord:
        """Change the fields that are given, named as in ``AgentSettings``. An ``engine`` without ``tls`` and
        ``kubeconfig`` keeps those that are stored if it is at the same place.

        Raises ``NotFound``, ``InvalidRequest``, and ``InvalidState`` for another engine while something runs there.
        """
        record = await self._store.agent(agent)
        values = dict(changes)
        if "container_registry" in values:
            values["container_registry"] = _registry(values["container_registry"])
        if "engine" in values:
            values["engine"] = values["engine"] or self._assumed
            if "tls" in values or "kubeconfig" in values:
                values["sealed"] = self._sealed(values.pop("tls", None), values.pop("kubeconfig", None))
        if not values:
            return record

        def change(present: AgentRecord) -> AgentRecord:
            changed = replace(present, **values)
            if "sealed" not in values and _place(changed) != _place(present):
                changed = replace(changed, sealed=None)
            if present.load and (changed.engine, changed.sealed) != (present.engine, present.sealed):
                raise InvalidState("Executions are on the agent: its engine can be changed when they have ended")
            return changed

        stored = await self._store.change_agent(agent, change)
        self._changed()
        return stored

    async def delete(self, agent: AgentId, *, force: bool) -> None:
        """Delete an agent; by force its executions fail with ``agent_deleted``.

        Raises ``NotFound``, and ``InvalidState`` if there are executions and ``force`` is not set.
        """
        for execution in await self._store.delete_agent(agent, force=force):
            self._bus.publish(execution_topic(execution))
        self._changed()

    def _changed(self) -> None:
        self._bus.publish(AGENTS)
        self._bus.publish(WORK)

    def _sealed(self, tls: TlsFiles | None, kubeconfig: str | None) -> bytes | None:
        if kubeconfig is not None:
            return self._vault.seal(json.dumps({"kubeconfig": kubeconfig}).encode())
        if tls is None:
            return None
        return self._vault.seal(json.dumps({"ca": tls.ca, "certificate": tls.certificate, "key": tls.key}).encode())


def _place(agent: AgentRecord) -> tuple[EngineType, str | None] | None:
    return None if agent.engine is None else (agent.engine.type, agent.engine.endpoint)


def _registry(registry: str | None) -> str | None:
    if registry is None:
        return None
    try:
        return check_registry(registry)
    except ImageError as error:
        raise InvalidRequest([Fault("container_registry", str(error))]) from None

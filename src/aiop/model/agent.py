"""Agents: registered places where containers run."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from aiop.model.ids import AgentId

__all__ = [
    "LACKING",
    "PIPELINES",
    "WORKFLOWS",
    "Ability",
    "AgentHealth",
    "AgentRecord",
    "AgentStatus",
    "EngineAddress",
    "EngineCheck",
    "EngineType",
    "PodSettings",
]

WORKFLOWS = "containerized_workflow"
"""Capability that an agent needs to be given executions of workflows."""
PIPELINES = "dagger_pipeline"
"""Capability that an agent needs to be given executions of pipelines."""


class EngineType(enum.StrEnum):
    """What speaks at an endpoint; ``OCI`` is this machine itself, and has none.
    ``FAKE`` runs nothing and is for tests and benchmarks of the service.
    """

    DAGGER = "dagger"
    DOCKER = "docker"
    OCI = "oci"
    FAKE = "fake"
    KUBERNETES = "kubernetes"


class Ability(enum.StrEnum):
    """What a step can ask for that not every engine can give; named as in ``Capabilities``."""

    CPU_LIMIT = "cpu_limit"
    MEMORY_LIMIT = "memory_limit"
    GPUS = "gpus"
    NETWORK_NONE = "network_none"
    READ_ONLY_VOLUMES = "read_only_volumes"

    @property
    def word(self) -> str:
        """As a capability that an agent must have. Nobody can give or ask for it by hand: it is no word of theirs."""
        return f"engine:{self}"


LACKING: Mapping[EngineType, frozenset[Ability]] = {
    EngineType.DAGGER: frozenset(Ability),
    EngineType.KUBERNETES: frozenset({Ability.NETWORK_NONE}),
    EngineType.OCI: frozenset({Ability.GPUS}),
}
"""What engines cannot give, by their type; the engines' own ``capabilities`` say the same."""


class AgentHealth(enum.StrEnum):
    """What the last check of the engine found: it answers, it does not, or it answers and cannot be used."""

    ONLINE = "online"
    OFFLINE = "offline"
    ERROR = "error"


class AgentStatus(enum.StrEnum):
    """What is shown of an agent: its health, and if that is good, whether something runs there."""

    IDLE = "idle"
    BUSY = "busy"
    OFFLINE = "offline"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class PodSettings:
    """How an agent's pods are made and where: all that Kubernetes calls by these names, and no step decides.

    ``context`` and ``namespace`` are those of the kubeconfig by default. ``host_paths``: directories of the nodes may
    be mounted. Pairs are a name and a value.
    """

    context: str | None = None
    namespace: str | None = None
    service_account: str | None = None
    node_selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[tuple[tuple[str, str | int], ...], ...] = ()
    image_pull_secrets: tuple[str, ...] = ()
    priority_class: str | None = None
    runtime_class: str | None = None
    host_paths: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> PodSettings:
        """Read what ``document`` wrote, or people did; raises ``TypeError`` for a field that is not known."""
        values = dict(document)
        values["node_selector"] = tuple((values.get("node_selector") or {}).items())
        values["tolerations"] = tuple(tuple(item.items()) for item in values.get("tolerations") or ())
        values["image_pull_secrets"] = tuple(values.get("image_pull_secrets") or ())
        return cls(**values)

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, without what is not set."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["node_selector"] = dict(self.node_selector)
        values["tolerations"] = [dict(toleration) for toleration in self.tolerations]
        values["image_pull_secrets"] = list(self.image_pull_secrets)
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """One engine: its type and its endpoint in the words of that type, ``None`` for where it is found by default.

    ``pods`` is for the type ``kubernetes``, which has no endpoint: a cluster is found by a kubeconfig.
    """

    type: EngineType
    endpoint: str | None = None
    pods: PodSettings | None = None


@dataclass(frozen=True, slots=True)
class EngineCheck:
    """What a check of an engine has found, and when; ``lacks`` means something only if it is online."""

    health: AgentHealth
    at: datetime
    version: str | None = None
    error: str | None = None
    lacks: frozenset[Ability] = frozenset()


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """One agent. ``engine`` is ``None`` for the engine that the service uses by default.

    ``installation`` names the installation that registered it as its ``local`` one. ``sealed`` is the ciphertext of the
    certificates or the kubeconfig with which the engine is spoken to. ``lacks`` is what its engine could not give when
    it was last online, beside what its type cannot: that of an ordinary user may have no limits. ``load`` is counted by
    the store as it reads. A ``deleted`` agent is kept as long as executions are placed on it.
    """

    id: AgentId
    name: str
    created_at: datetime
    description: str | None = None
    capabilities: tuple[str, ...] = (WORKFLOWS, PIPELINES)
    engine: EngineAddress | None = None
    container_registry: str | None = None
    workflow_directory: str | None = None
    max_load: int = 10
    timeout: timedelta | None = None
    installation: str | None = None
    sealed: bytes | None = field(default=None, repr=False)
    health: AgentHealth = AgentHealth.OFFLINE
    version: str | None = None
    error: str | None = None
    last_seen_at: datetime | None = None
    lacks: frozenset[Ability] = frozenset()
    updated_at: datetime | None = None
    deleted: bool = False
    load: int = 0

    @property
    def able(self) -> frozenset[str]:
        """All that can be asked of it: its capabilities, and what its engine can. One that is not named can do all,
        unless it was seen that it cannot.
        """
        lacking = LACKING.get(self.engine.type, frozenset()) if self.engine is not None else frozenset()
        lacking |= self.lacks
        return frozenset((*self.capabilities, *(ability.word for ability in Ability if ability not in lacking)))

    @property
    def status(self) -> AgentStatus:
        """What is shown."""
        if self.health is not AgentHealth.ONLINE:
            return AgentStatus(self.health)
        return AgentStatus.BUSY if self.load else AgentStatus.IDLE

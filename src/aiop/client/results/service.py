"""The service, its agents, and the images of its embedded engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiop.client.results.result import Result
from aiop.model.agent import AgentStatus

__all__ = ["Agent", "EngineOfAgent", "EngineState", "Image", "ImagesImported", "ImagesPruned", "ServiceStatus"]


@dataclass(frozen=True, kw_only=True)
class EngineState(Result):
    """One engine of the service; ``status`` is ``idle``, ``busy``, ``offline`` or ``error``.

    ``sessions`` and ``executions`` are what the service has open at a Dagger Engine.
    """

    agent: str
    type: str
    status: str
    version: str | None = None
    sessions: int | None = None
    executions: int | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServiceStatus(Result):
    """How the service is: ``healthy``, ``degraded`` or ``unhealthy``."""

    status: str
    version: str
    active_workflows: int
    active_steps: int
    memory_usage_mb: float
    cpu_usage_percent: float
    engines: tuple[EngineState, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EngineOfAgent(Result):
    """The engine behind an agent; ``endpoint`` is ``None`` where it is found by default."""

    type: str
    endpoint: str | None = None
    version: str | None = None
    lacks: tuple[str, ...] = ()
    tls: bool = False
    pods: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Agent(Result):
    """A place where containers run; ``engine`` and ``last_seen_at`` come with a single one only."""

    id: str
    name: str
    status: AgentStatus
    current_load: int
    max_load: int
    capabilities: tuple[str, ...] = ()
    description: str | None = None
    container_registry: str | None = None
    workflow_directory: str | None = None
    timeout_seconds: float | None = None
    engine: EngineOfAgent | None = None
    error: str | None = None
    last_seen_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Image(Result):
    """An image of the embedded engine. ``imported``: it came from no registry; ``holders``: attempts that use it."""

    id: str
    digest: str
    names: tuple[str, ...]
    size: int
    layers: int
    used_at: datetime
    imported: bool
    holders: int


@dataclass(frozen=True, kw_only=True)
class ImagesImported(Result):
    """What an archive held."""

    images: tuple[Image, ...]


@dataclass(frozen=True, kw_only=True)
class ImagesPruned(Result):
    """How many images a clean-up took away, and how many bytes are free now."""

    images: int
    size: int

"""What the routes work with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, cast

from starlette.requests import HTTPConnection

from aiop.auth import AuthService
from aiop.errors import StorageUnavailable
from aiop.interfaces import (
    AgentStore,
    Artifacts,
    AuditStore,
    Bus,
    Clock,
    OverviewStore,
    PipelineStore,
    ReadStore,
    SecretStore,
)
from aiop.model.agent import EngineAddress
from aiop.monitoring import Monitoring
from aiop.operations import AgentOperations, ImageOperations, Operations, PipelineOperations

__all__ = ["Services", "StreamTimes", "services_of"]


@dataclass(frozen=True, slots=True)
class StreamTimes:
    """Patience of streams.

    They wait for a wake, and look by themselves every ``look``; they send a comment after ``heartbeat`` of silence, and
    give up a client that takes nothing for ``stall``.
    """

    look: timedelta = timedelta(seconds=3)
    heartbeat: timedelta = timedelta(seconds=15)
    stall: timedelta = timedelta(seconds=60)


class _Store(ReadStore, OverviewStore, AgentStore, SecretStore, AuditStore, PipelineStore, Protocol):
    @property
    def health(self) -> StorageUnavailable | None:
        """Why the last write failed, ``None`` if it did not."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the API needs, built by ``runtime``.

    ``open_metrics``: who can reach the service may read its metrics. Once ``stopping`` is set, streams end, so
    that the server can.
    """

    operations: Operations
    pipelines: PipelineOperations
    artifacts: Artifacts
    agents: AgentOperations
    images: ImageOperations
    default_engine: EngineAddress
    auth: AuthService
    store: _Store
    bus: Bus
    clock: Clock
    monitoring: Monitoring
    open_metrics: bool = False
    max_body_bytes: int = 8 * 1024 * 1024
    streams: StreamTimes = StreamTimes()
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def services_of(connection: HTTPConnection) -> Services:
    """Return what the application was made with."""
    return cast("Services", connection.app.state.services)

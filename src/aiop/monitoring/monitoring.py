"""Answers what the service is asked about itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from prometheus_client.metrics_core import Metric as Family

from aiop import __version__
from aiop.errors import StorageUnavailable
from aiop.interfaces import AgentLoads, AgentStore, Clock, FigureStore
from aiop.model.agent import EngineAddress
from aiop.monitoring import catalogue
from aiop.monitoring.exposition import agent_family, families_of, gauge, load_families, text_of
from aiop.monitoring.process import ProcessMeter
from aiop.monitoring.requests import RequestFigures
from aiop.monitoring.status import EngineState, ServiceStatus, engines_of, judge

__all__ = ["Monitoring"]


class _Store(FigureStore, AgentStore, Protocol):
    @property
    def health(self) -> StorageUnavailable | None:
        """Why the last write failed, ``None`` if it did not."""


class Monitoring:
    """Reads what is stored, and what the process knows of itself; raises ``StorageUnavailable``."""

    def __init__(
        self,
        store: _Store,
        clock: Clock,
        *,
        default_engine: EngineAddress,
        loads: AgentLoads | None = None,
    ) -> None:
        self._store = store
        self._default_engine = default_engine
        self._loads = loads
        self._clock = clock
        self.process = ProcessMeter(clock)
        self.requests = RequestFigures()

    async def status(self) -> ServiceStatus:
        """Tell how the service is."""
        engines = await self._engines()
        activity = await self._store.activity()
        trouble = self._store.health
        return ServiceStatus(
            health=judge(engines, storage_well=trouble is None),
            version=__version__,
            active_workflows=activity.running_executions,
            active_steps=activity.running_steps,
            memory_bytes=self.process.memory_bytes,
            cpu_percent=self.process.cpu_percent,
            storage_error=None if trouble is None else str(trouble),
            engines=engines,
        )

    async def metrics(self) -> str:
        """Write all metrics as Prometheus text."""
        figures = await self._store.figures()
        engines = await self._engines()
        own = [agent_family(engines), *load_families(engines), *self._own()]
        return text_of([*families_of(figures, self._clock.now()), *own])

    async def _engines(self) -> list[EngineState]:
        loads = self._loads.loads() if self._loads is not None else {}
        return engines_of(await self._store.all_agents(), self._default_engine, loads)

    def _own(self) -> Iterator[Family]:
        yield gauge(catalogue.STORAGE, self._store.health is None)
        yield gauge(catalogue.MEMORY, self.process.memory_bytes)
        yield gauge(catalogue.CPU, round(self.process.cpu_percent, 2))
        yield self.requests.family()
        yield gauge(catalogue.BUILD, 1, __version__)

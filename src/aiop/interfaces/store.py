"""The store, whole."""

from __future__ import annotations

from typing import Protocol

from aiop.interfaces.accounts import AuthStore
from aiop.interfaces.agents import AgentStore
from aiop.interfaces.audit import AuditStore
from aiop.interfaces.commits import RunnerStore
from aiop.interfaces.figures import FigureStore
from aiop.interfaces.overview import OverviewStore
from aiop.interfaces.pipelines import CacheStore, PipelineStore
from aiop.interfaces.reading import ReadStore
from aiop.interfaces.replicas import ReplicaStore
from aiop.interfaces.requests import OperationsStore
from aiop.interfaces.secrets import SecretStore
from aiop.interfaces.supervision import SupervisorStore
from aiop.interfaces.traces import TraceStore

__all__ = ["Store"]


class Store(
    RunnerStore,
    SupervisorStore,
    OperationsStore,
    ReadStore,
    OverviewStore,
    FigureStore,
    TraceStore,
    AuthStore,
    AgentStore,
    SecretStore,
    AuditStore,
    PipelineStore,
    CacheStore,
    ReplicaStore,
    Protocol,
):
    """All of it; what ``runtime`` builds and hands out by its parts."""

    async def aclose(self) -> None:
        """Write what was accepted, then close."""

"""Processes of the service that share one database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Replica", "ReplicaRole"]


class ReplicaRole(StrEnum):
    """What a replica does."""

    ALL = "all"
    API = "api"
    """It answers requests, and leaves executions to others."""
    ORCHESTRATOR = "orchestrator"
    """It runs executions, and answers probes and Prometheus alone."""

    @property
    def serves(self) -> bool:
        """Whether it answers all requests."""
        return self is not ReplicaRole.ORCHESTRATOR

    @property
    def runs(self) -> bool:
        """Whether it runs executions."""
        return self is not ReplicaRole.API


@dataclass(frozen=True, slots=True)
class Replica:
    """One process. ``id`` owns leases, and stays over restarts on the same data directory; ``revision`` is the newest
    one of the schema that its release knows.
    """

    id: str
    role: ReplicaRole
    version: str
    revision: str
    started_at: datetime

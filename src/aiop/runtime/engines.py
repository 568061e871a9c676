"""Chooses the engine."""

from __future__ import annotations

import os

from aiop.config import Settings
from aiop.interfaces import Clock, Engine
from aiop.runtime.installation import Installation

__all__ = ["build_engine"]


def build_engine(settings: Settings, installation: Installation, clock: Clock) -> Engine:
    """Build the engine that the settings name; nothing is asked of it yet."""
    if settings.engine == "fake":
        from aiop.engines.fake import FakeEngine, FakeWorld

        return FakeEngine(FakeWorld(clock=clock))
    from aiop.engines.docker import DockerEngine

    return DockerEngine(
        endpoint=settings.docker_endpoint or os.environ.get("DOCKER_HOST") or None,
        installation=installation.id,
        handover=installation.handover,
        start_limit=settings.engine_start_limit,
    )

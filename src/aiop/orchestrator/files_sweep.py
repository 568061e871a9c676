"""Cleans up the files of pipelines: what the cache has no room for, and what nothing refers to."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from aiop.interfaces import Artifacts, CacheStore, Clock
from aiop.orchestrator.sweep import repeat

__all__ = ["FilesSweeper"]

PERIOD = timedelta(minutes=5)

log = structlog.get_logger()


class FilesSweeper:
    """Keeps the cache to ``limit`` bytes, and removes what is held for nobody."""

    def __init__(self, artifacts: Artifacts, store: CacheStore, clock: Clock, *, limit: int) -> None:
        self._artifacts = artifacts
        self._store = store
        self._clock = clock
        self._limit = limit

    async def run(self) -> None:
        """Work until cancelled."""
        await repeat(self.sweep, PERIOD, self._clock, asyncio.Event())

    async def sweep(self) -> int:
        """Evict and discard; returns how many bytes were freed. Raises ``StorageUnavailable``."""
        evicted = await self._store.evict(self._limit)
        # In this order: what comes to be needed after it was listed is not discarded.
        held = await self._artifacts.held()
        freed = await self._artifacts.discard(await self._store.needless(held))
        if evicted or freed:
            log.info("files_swept", entries=evicted, bytes=freed)
        return freed

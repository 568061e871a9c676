"""Cleans up behind executions: containers whose end is committed, orphans, and what is past its retention."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from aiop.errors import EngineUnavailable, StorageUnavailable
from aiop.interfaces import Clock, Engine, OperationsStore, SupervisorStore
from aiop.model.ids import StepKey

__all__ = ["Remover", "Retention", "Sweeper"]

REMOVALS_AT_ONCE = 2
SWEEP_PERIOD = timedelta(minutes=5)
RETENTION_PERIOD = timedelta(hours=1)
PURGE_AT_ONCE = 500

log = structlog.get_logger()


class Remover:
    """Removes containers in the background, a few at once, so that starts come first.

    What it cannot remove (the engine is away) the next sweep finds again.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: asyncio.Queue[StepKey] = asyncio.Queue()

    def put(self, keys: Sequence[StepKey]) -> None:
        """Remove these soon; their ends are committed."""
        for key in keys:
            self._queue.put_nowait(key)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(REMOVALS_AT_ONCE):
                group.create_task(self._work())

    async def drain(self) -> None:
        """Return once all that was put is removed, or was tried."""
        await self._queue.join()

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._engine.remove(key)
            except EngineUnavailable as error:
                log.info("removal_postponed", container=key.name, error=str(error))
            except Exception:
                log.exception("removal_failed", container=key.name)
            finally:
                self._queue.task_done()


class SweepStore(SupervisorStore, OperationsStore, Protocol):
    """What the sweep needs of the store."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long ended executions stay; ``None`` is for ever."""

    age: timedelta | None = None
    count: int | None = None


class Sweeper:
    """Looks for leftovers at the start, when told to, and now and then."""

    def __init__(self, engine: Engine, store: SweepStore, clock: Clock, remover: Remover, retention: Retention) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._remover = remover
        self._retention = retention

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self.sweep_containers, SWEEP_PERIOD))
            group.create_task(self._repeat(self.sweep_history, RETENTION_PERIOD))

    async def sweep_containers(self) -> int:
        """Remove the containers that nobody will ask for again; returns how many were found.

        Raises ``EngineUnavailable`` or ``StorageUnavailable``.
        """
        removable = await self._store.removable(await self._engine.attempts())
        self._remover.put(removable)
        return len(removable)

    async def sweep_history(self) -> int:
        """Delete executions past their retention and workflows that were deleted; returns how many executions went.

        Raises ``StorageUnavailable``.
        """
        removed = 0
        age, count = self._retention.age, self._retention.count
        while age is not None or count is not None:
            before = self._clock.now() - age if age is not None else None
            expired = await self._store.expired(before=before, keep=count, limit=PURGE_AT_ONCE)
            if not expired:
                break
            await self._store.purge(expired)
            removed += len(expired)
        await self._store.purge_deleted()
        return removed

    async def _repeat(self, work: Callable[[], Awaitable[int]], period: timedelta) -> None:
        while True:
            try:
                await work()
            except (EngineUnavailable, StorageUnavailable) as error:
                log.info("sweep_postponed", error=str(error))
            except Exception:
                log.exception("sweep_failed")
            await self._clock.sleep(period)

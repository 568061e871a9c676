"""Cleans up behind executions: containers whose end is committed, orphans, and what is past its retention."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from aiop.errors import EngineUnavailable, StorageUnavailable
from aiop.interfaces import AuditStore, Clock, Engine, OperationsStore, SecretStore, SupervisorStore, pause
from aiop.model.ids import StepKey
from aiop.orchestrator.gate import EngineGate

__all__ = ["ContainerSweeper", "HistorySweeper", "Remover", "Retention", "repeat"]

REMOVALS_AT_ONCE = 2
REMOVAL_TRIES = 3
SWEEP_PERIOD = timedelta(minutes=5)
RETENTION_PERIOD = timedelta(hours=1)
PURGE_AT_ONCE = 500

log = structlog.get_logger()


class Remover:
    """Removes containers in the background, a few at once, so that starts come first.

    An engine that is away is waited for. What it does not remove when it is asked again, the next sweep finds.
    """

    def __init__(self, engine: Engine, gate: EngineGate) -> None:
        self._engine = engine
        self._gate = gate
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
                await self._remove(key)
            except EngineUnavailable as error:
                log.info("removal_postponed", container=key.name, error=str(error))
            except Exception:
                log.exception("removal_failed", container=key.name)
            finally:
                self._queue.task_done()

    async def _remove(self, key: StepKey) -> None:
        for tries_left in reversed(range(REMOVAL_TRIES)):
            try:
                await self._engine.remove(key)
            except EngineUnavailable:
                if not tries_left:
                    raise
                await self._gate.passed()
            else:
                return


class ContainerSweeper:
    """Looks on one engine for containers that nobody will ask for again: now and then, and when woken."""

    def __init__(
        self,
        engine: Engine,
        store: SupervisorStore,
        clock: Clock,
        remover: Remover,
        *,
        mine: Callable[[], bool] = lambda: True,
    ) -> None:
        """``mine`` tells whether it is this replica that cleans up there."""
        self._engine = engine
        self._mine = mine
        self._store = store
        self._clock = clock
        self._remover = remover
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look soon: the engine is there again."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        await repeat(self.sweep, SWEEP_PERIOD, self._clock, self._woken)

    async def sweep(self) -> int:
        """Remove what nobody will ask for again; returns how many containers were found.

        Raises ``EngineUnavailable`` or ``StorageUnavailable``.
        """
        if not self._mine():
            return 0
        removable = await self._store.removable(await self._engine.attempts())
        self._remover.put(removable)
        return len(removable)


class HistoryStore(SupervisorStore, OperationsStore, SecretStore, AuditStore, Protocol):
    """What the sweep of history needs of the store."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long ended executions stay (``age``, ``count``), and how long the audit log; ``None`` is for ever."""

    age: timedelta | None = None
    count: int | None = None
    audit: timedelta | None = None


class HistorySweeper:
    """Deletes what is past its retention, and what was deleted by users."""

    def __init__(
        self, store: HistoryStore, clock: Clock, retention: Retention, *, mine: Callable[[], bool] = lambda: True
    ) -> None:
        """``mine`` tells whether it is this replica that does it."""
        self._store = store
        self._mine = mine
        self._clock = clock
        self._retention = retention

    async def run(self) -> None:
        """Work until cancelled."""
        await repeat(self.sweep, RETENTION_PERIOD, self._clock, asyncio.Event())

    async def sweep(self) -> int:
        """Delete executions past their retention, workflows that were deleted, values of secrets that nobody holds, and
        entries of the audit log past theirs.

        Returns how many executions went. Raises ``StorageUnavailable``.
        """
        if not self._mine():
            return 0
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
        await self._store.purge_replaced_secrets()
        if self._retention.audit is not None:
            await self._store.purge_audit(self._clock.now() - self._retention.audit)
        return removed


async def repeat(work: Callable[[], Awaitable[int]], period: timedelta, clock: Clock, woken: asyncio.Event) -> None:
    """Work now, after each ``period``, and when woken; until cancelled."""
    while True:
        woken.clear()
        try:
            await work()
        except (EngineUnavailable, StorageUnavailable) as error:
            log.info("sweep_postponed", error=str(error))
        except Exception:
            log.exception("sweep_failed")
        await pause(clock, period, unless=woken)

"""Stands for the orchestrator: writes what an execution's owner would."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiop.bus.local import LocalBus
from aiop.interfaces import Changes, Clock, ExecutionChange, Lease, execution_topic
from aiop.model.ids import StepId
from aiop.model.records import Event, EventType, LogBatch, LogLine, StepRecord, Stream
from aiop.model.state import ExecutionStatus
from aiop.store import SqlStore


class Owner:
    """Owns whatever is to be run, and acts on the execution claimed last."""

    def __init__(self, store: SqlStore, bus: LocalBus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self.leases: dict[str, Lease] = {}
        self.lease: Lease | None = None
        self._event = 0
        self._batch = 0

    async def claim(self, execution: str) -> None:
        new = await self._store.claim("owner", ttl=timedelta(hours=9), limit=100)
        self.leases.update((lease.execution, lease) for lease in new)
        self.lease = self.leases[execution]
        record = await self._store.load(self.lease)
        self._event, self._batch = record.last_event, record.last_batch

    async def commit(self, changes: Changes) -> None:
        assert self.lease is not None
        await self._store.commit(self.lease, changes)
        self._bus.publish(execution_topic(self.lease.execution))

    def _new_event(self, kind: EventType, **data: Any) -> Event:
        self._event += 1
        return Event(self._event, kind, self._clock.now(), data)

    async def start(self, **change: Any) -> None:
        await self.commit(
            Changes(
                execution=ExecutionChange(
                    **{"status": ExecutionStatus.RUNNING, "started_at": self._clock.now(), **change}
                ),
                events=[self._new_event(EventType.EXECUTION_STARTED)],
            )
        )

    async def step(self, step: str, **fields: Any) -> None:
        record = StepRecord(step=StepId(step), **fields)
        kind = EventType.STEP_FINISHED if record.status.ended else EventType.STEP_STARTED
        await self.commit(Changes(steps=[record], events=[self._new_event(kind, step=step)]))

    async def log(self, step: str, *lines: str, stream: Stream = Stream.STDOUT, attempt: int = 1) -> None:
        self._batch += 1
        said = [LogLine(self._clock.now(), stream, text) for text in lines]
        await self.commit(Changes(logs=[LogBatch(self._batch, StepId(step), 0, attempt, said)]))

    async def finish(self, **change: Any) -> None:
        change = {"status": ExecutionStatus.COMPLETED, "completed_at": self._clock.now(), **change}
        await self.commit(
            Changes(
                execution=ExecutionChange(**change),
                events=[self._new_event(EventType.EXECUTION_FINISHED, status=change["status"])],
            )
        )

"""The one writer: whatever has gathered goes into one transaction."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, ClassVar, Generic, TypeVar

import sqlalchemy
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from aiop.errors import AiopError, StorageUnavailable
from aiop.interfaces import Clock, pause
from aiop.store.dialect import Dialect
from aiop.store.ledger import Ledger

__all__ = ["Call", "Calls", "Work", "Writer"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_BATCH_LIMIT = 2000
_TRIES = 5
"""How often a batch is written anew because another process got in between."""
_FIRST_PAUSE = timedelta(milliseconds=50)
_LONGEST_PAUSE = timedelta(seconds=2)
_STOPPED = "the store was stopped before it answered"
_PROBE = sqlalchemy.text("UPDATE alembic_version SET version_num = version_num")
"""A write without a change, for when the database was away and nobody waits: does it take writes again?"""


class Work(ABC, Generic[Item, Result]):
    """A kind of write. Items of one kind that share a batch are applied together, in the order of the calls.

    Kinds follow each other by ``turn``; all calls of a batch are concurrent, so no caller can tell.
    A ``patient`` kind waits until the database can be written again; the others fail at once.
    """

    turn: ClassVar[int]
    patient: ClassVar[bool] = False

    @abstractmethod
    async def apply(self, tx: AsyncConnection, items: Sequence[Item]) -> Sequence[Result | AiopError]:
        """Write the items and return a result for each, in order.

        An item that may not be written yields its error, and nothing of it is written. Whatever is raised rolls
        the whole batch back: then the items come again, each alone.
        """


Call = Callable[[AsyncConnection], Awaitable[Any]]


class Calls(Work[Call, Any]):
    """Writes that are too rare to be grouped by table; each is a function that raises before it writes."""

    turn = 9

    async def apply(self, tx: AsyncConnection, items: Sequence[Call]) -> Sequence[Any]:
        """Run one after the other."""
        results: list[Any] = []
        for call in items:
            try:
                results.append(await call(tx))
            except AiopError as error:
                results.append(error)
        return results


@dataclass(slots=True)
class _Entry:
    work: Work[Any, Any]
    item: Any
    done: asyncio.Future[Any]

    def settle(self, result: Any) -> None:
        if self.done.done():  # the caller was cancelled
            return
        if isinstance(result, BaseException):
            self.done.set_exception(result)
        else:
            self.done.set_result(result)


class Writer:
    """Owns the writing connection. While one batch commits the next one gathers, so an idle writer adds no delay."""

    def __init__(self, dialect: Dialect, engine: AsyncEngine, ledger: Ledger, clock: Clock) -> None:
        """``ledger`` is settled at the end of each transaction."""
        self._dialect = dialect
        self._clock = clock
        self._engine = engine
        self._ledger = ledger
        self._connection: AsyncConnection | None = None
        self._queue: deque[_Entry] = deque()
        self._batch: list[_Entry] = []
        self._arrived = asyncio.Event()
        self._urgent = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("aiop.store")
        self.health: StorageUnavailable | None = None
        """Why the last batch could not be written, ``None`` if it was."""

    def start(self) -> None:
        """Begin to write; needs a running loop."""
        self._task = asyncio.create_task(self._run(), name="store-writer")
        self._task.add_done_callback(self._refuse_the_rest)

    async def aclose(self) -> None:
        """Write what was accepted, with one last try if the database is away, then let go of the connection."""
        self._closing = True
        self._arrived.set()
        self._urgent.set()
        try:
            if self._task is not None:
                [how] = await asyncio.gather(self._task, return_exceptions=True)
                if isinstance(how, Exception):
                    raise how
        finally:
            await self._disconnect()
            await self._engine.dispose()

    async def run(self, work: Work[Item, Result], item: Item) -> Result:
        """Have the item written; returns once it is durable, and raises its error.

        ``StorageUnavailable`` also if the writer is cancelled meanwhile: then nobody knows whether it was written.
        """
        if self._closing:
            raise StorageUnavailable("the store is closed")
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append(_Entry(work, item, done))
        self._arrived.set()
        if not work.patient:
            self._urgent.set()
        return await done

    async def _run(self) -> None:
        rest = _FIRST_PAUSE
        while self._queue or not self._closing:
            if not self._queue and self.health is None:
                await self._arrived.wait()
                self._arrived.clear()
                continue
            self._urgent.clear()
            self._batch = [self._queue.popleft() for _ in range(min(len(self._queue), _BATCH_LIMIT))]
            self._batch.sort(key=lambda entry: entry.work.turn)
            if await self._written(self._batch):
                rest = _FIRST_PAUSE
            elif not self._closing:
                # Not while somebody waits who must be told promptly.
                await pause(self._clock, rest, unless=self._urgent)
                rest = min(rest * 2, _LONGEST_PAUSE)

    def _refuse_the_rest(self, _: asyncio.Task[None]) -> None:
        """Let go of whoever waits still: a writer that was cancelled writes nothing any more."""
        if not self._closing:
            self._closing = True
            self.health = StorageUnavailable(_STOPPED)
        for entry in (*self._batch, *self._queue):
            entry.settle(StorageUnavailable(_STOPPED))
        self._batch.clear()
        self._queue.clear()

    async def _written(self, batch: list[_Entry]) -> bool:
        """Write the batch; after an outage put the patient part back in front, in its order."""
        try:
            results = await self._transact(batch)
        except Exception as error:
            await self._disconnect()
            full = self._dialect.is_full(error)
            outage = StorageUnavailable(f"the database cannot be written: {_sentence(error)}", full=full)
            self._ail(outage)
            for entry in reversed(batch):
                if entry.work.patient and not self._closing:
                    self._queue.appendleft(entry)
                else:
                    entry.settle(StorageUnavailable(str(outage), full=full))
            return False
        self._recover()
        for entry, result in zip(batch, results, strict=True):
            entry.settle(result)
        return True

    async def _transact(self, batch: list[_Entry]) -> list[Any]:
        connection = await self._connect()
        await self._dialect.tidy(connection)
        for _ in range(_TRIES):
            try:
                async with connection.begin():
                    if not batch:
                        await connection.execute(_PROBE)
                    return await self._together(connection, batch)
            except Exception as error:
                self._ledger.drop()
                if self._dialect.is_outage(error):
                    raise
                if not self._dialect.is_conflict(error):
                    break
        async with connection.begin():
            return await self._one_by_one(connection, batch)

    async def _together(self, tx: AsyncConnection, batch: list[_Entry]) -> list[Any]:
        results: list[Any] = []
        for work, entries in groupby(batch, key=lambda entry: entry.work):
            results.extend(await work.apply(tx, [entry.item for entry in entries]))
        await self._ledger.settle(tx)
        return results

    async def _one_by_one(self, tx: AsyncConnection, batch: list[_Entry]) -> list[Any]:
        """Find the item that cannot be written, and write the others."""
        results: list[Any] = []
        for entry in batch:
            try:
                async with tx.begin_nested():
                    results.extend(await entry.work.apply(tx, [entry.item]))
                    await self._ledger.settle(tx)
            except Exception as error:
                self._ledger.drop()
                if self._dialect.is_outage(error):
                    raise
                self._log.exception("a write was refused", kind=type(entry.work).__name__)
                refusal = AiopError(f"the database refused the write: {_sentence(error)}")
                refusal.__cause__ = error
                results.append(refusal)
        return results

    async def _connect(self) -> AsyncConnection:
        if self._connection is None:
            self._connection = await self._engine.connect()
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close()
            except (SQLAlchemyError, OSError):
                self._log.debug("a broken connection did not close")

    def _ail(self, outage: StorageUnavailable) -> None:
        if self.health is None:
            self._log.warning("storage is unavailable; what runs is kept until it is back", error=str(outage))
        self.health = outage

    def _recover(self) -> None:
        if self.health is not None:
            self._log.warning("storage is available again")
        self.health = None


def _sentence(error: BaseException) -> str:
    """Return the driver's own words, without the statement and its values."""
    return str(getattr(error, "orig", None) or error)

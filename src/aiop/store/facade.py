"""The store as one object."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiop.errors import StorageUnavailable
from aiop.interfaces import Clock
from aiop.store.agents import AgentPart
from aiop.store.audit import AuditPart
from aiop.store.auth import AuthPart
from aiop.store.cache import CachePart
from aiop.store.database import Database
from aiop.store.dialect import dialect_for
from aiop.store.figures import FigurePart
from aiop.store.operations import OperationsPart
from aiop.store.pipelines import PipelinePart
from aiop.store.reads import ReadPart
from aiop.store.runner import RunnerPart
from aiop.store.schema import upgrade
from aiop.store.secrets import SecretPart
from aiop.store.supervisor import SupervisorPart
from aiop.store.traces import TracePart

__all__ = ["SqlStore", "open_store"]


class SqlStore(
    RunnerPart,
    SupervisorPart,
    OperationsPart,
    ReadPart,
    FigurePart,
    TracePart,
    AuthPart,
    AgentPart,
    SecretPart,
    AuditPart,
    PipelinePart,
    CachePart,
):
    """``interfaces.Store`` on SQL."""

    @property
    def health(self) -> StorageUnavailable | None:
        """Why the last write failed, ``None`` if it did not."""
        return self._db.writer.health

    async def aclose(self) -> None:
        """Write what was accepted, then close."""
        await self._db.aclose()


@asynccontextmanager
async def open_store(
    url: str, *, clock: Clock, series_limit: int = 100, traced: bool = False
) -> AsyncIterator[SqlStore]:
    """Open the database at ``url``, created or brought to the newest schema first.

    At most ``series_limit`` workflows are counted by themselves in the tallies. With ``traced``, the trace of each
    execution that ends is due.
    Raises ``ValueError`` for a URL that no driver serves, ``StorageUnavailable`` if it cannot be opened.
    """
    await upgrade(url)
    db = Database(dialect_for(url), clock, series_limit=series_limit, traced=traced)
    db.writer.start()
    store = SqlStore(db)
    try:
        yield store
    finally:
        await store.aclose()

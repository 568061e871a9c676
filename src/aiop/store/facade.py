"""The store as one object."""

from __future__ import annotations

import zlib
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
from aiop.store.overview import OverviewPart
from aiop.store.pipelines import PipelinePart
from aiop.store.reads import ReadPart
from aiop.store.replicas import ReplicaPart
from aiop.store.runner import RunnerPart
from aiop.store.schema import make_ready
from aiop.store.secrets import SecretPart
from aiop.store.supervisor import SupervisorPart
from aiop.store.traces import TracePart

__all__ = ["SqlStore", "open_store"]

SHARDS = 32
"""Rows that each count is spread over, so that few replicas share one."""


class SqlStore(
    RunnerPart,
    SupervisorPart,
    OperationsPart,
    ReadPart,
    OverviewPart,
    FigurePart,
    TracePart,
    AuthPart,
    AgentPart,
    SecretPart,
    AuditPart,
    PipelinePart,
    CachePart,
    ReplicaPart,
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
    url: str, *, clock: Clock, series_limit: int = 100, traced: bool = False, replica: str = ""
) -> AsyncIterator[SqlStore]:
    """Open the database at ``url``, made ready first (see ``schema.make_ready``).

    At most ``series_limit`` workflows are counted by themselves in the tallies. With ``traced``, the trace of each
    execution that ends is due. ``replica`` is who opens it, where several do.
    Raises ``ValueError`` for a URL that no driver serves, ``SchemaUnfit``, ``StorageUnavailable``.
    """
    await make_ready(url)
    dialect = dialect_for(url)
    shard = zlib.crc32(replica.encode()) % SHARDS if dialect.is_shared else 0
    db = Database(dialect, clock, series_limit=series_limit, traced=traced, shard=shard)
    db.start()
    store = SqlStore(db)
    try:
        yield store
    finally:
        await store.aclose()

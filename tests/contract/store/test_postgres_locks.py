"""Two who write at once on PostgreSQL: whoever has waited for a lock goes by what is true then, not by what was."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.model.state import ExecutionStatus
from aiop.store import SqlStore, tables
from aiop.store.dialect import dialect_for
from contract.store.subject import (
    AGENT,
    Subject,
    submitted,
)
from postgres_lab import Postgres

pytestmark = pytest.mark.postgres

T = TypeVar("T")


@pytest.fixture
async def subject(postgres: Postgres) -> AsyncIterator[Subject]:
    """PostgreSQL alone."""
    made = Subject(await postgres.clear_database())
    yield made
    await made.aclose()


@asynccontextmanager
async def another(subject: Subject) -> AsyncIterator[AsyncConnection]:
    """A transaction of somebody else; commits at the end."""
    engine = dialect_for(subject.url).writing_engine()
    try:
        async with engine.begin() as tx:
            yield tx
    finally:
        await engine.dispose()


_IS_WAITED_FOR = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
)


async def held_up_by(tx: AsyncConnection, call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Begin a call; returns once it waits for a lock of ``tx``."""
    task = asyncio.ensure_future(call)
    while not task.done() and not await tx.scalar(_IS_WAITED_FOR):
        pass
    assert not task.done(), "it was not held up"
    return task


async def lock(tx: AsyncConnection, table: Any, *condition: Any) -> None:
    assert (await tx.execute(select(table).where(*condition).with_for_update())).all()


async def test_a_cancel_that_waited_for_a_claim_asks_the_owner(subject: Subject, store: SqlStore) -> None:
    execution = await submitted(store)
    async with another(subject) as claim:
        await lock(claim, tables.executions, tables.executions.c.id == execution)
        cancel = await held_up_by(claim, store.request_cancel(execution))
        await claim.execute(
            insert(tables.leases).values(execution_id=execution, owner="a", epoch=1, agent_id=AGENT),
        )

    assert await cancel is ExecutionStatus.PENDING
    assert await store.cancel_requests("a") == [execution]

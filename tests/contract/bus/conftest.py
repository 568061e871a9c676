"""Runs the suite on each bus."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from aiop.bus import LocalBus, PostgresBus
from aiop.interfaces import Bus


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(delay.total_seconds())


@asynccontextmanager
async def running(url: str) -> AsyncIterator[PostgresBus]:
    """A bus of another process, as it were."""
    bus = PostgresBus(url, RealClock())
    task = asyncio.create_task(bus.run())
    try:
        async with asyncio.timeout(20):
            await bus.listening.wait()
        yield bus
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(params=["local", pytest.param("postgres", marks=pytest.mark.postgres)])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    """Each bus in turn."""
    if request.param == "local":
        yield LocalBus()
        return
    async with running(await request.getfixturevalue("postgres").clear_database()) as made:
        yield made


@pytest.fixture
async def connect(postgres) -> AsyncIterator[Callable[[], Awaitable[PostgresBus]]]:
    """Make further buses on one database."""
    url = await postgres.clear_database()
    async with AsyncExitStack() as stack:

        async def make() -> PostgresBus:
            return await stack.enter_async_context(running(url))

        yield make

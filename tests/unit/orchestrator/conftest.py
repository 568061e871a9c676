from collections.abc import AsyncIterator

import pytest

from aiop.store import open_store
from unit.orchestrator.fleet_lab import Clock, Site


@pytest.fixture
async def site(tmp_path) -> AsyncIterator[Site]:
    clock = Clock()
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/aiop.db", clock=clock) as store:
        yield Site(store, clock)

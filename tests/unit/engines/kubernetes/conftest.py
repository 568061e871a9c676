"""A stand-in for the API server, and the adapter that speaks to it."""

from collections.abc import AsyncIterator

import pytest

from aiop.engines.kubernetes import KubernetesEngine
from api_server import ApiServer
from unit.engines.kubernetes.subject import engine_on


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with ApiServer().serving() as server:
        yield server


@pytest.fixture
async def engine(api: ApiServer) -> AsyncIterator[KubernetesEngine]:
    made = engine_on(api)
    yield made
    await made.aclose()

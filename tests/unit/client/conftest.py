"""Every behaviour of the client is checked on both of its forms."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import httpx
import pytest

from aiop.client import AsyncClient, Client, Retry

Handler = Callable[[httpx.Request], httpx.Response]

IMPATIENT = Retry(attempts=3, delay=0.0, jitter=0.0)


class Perform(Protocol):
    """Runs one use of the client against a handler; an iterator is read to its end."""

    def __call__(self, handler: Handler, use: Callable[[Any], Any], **options: Any) -> Any: ...


def _block(handler: Handler, use: Callable[[Any], Any], **options: Any) -> Any:
    with Client("http://aiop.test", transport=httpx.MockTransport(handler), **options) as client:
        result = use(client)
        return list(result) if inspect.isgenerator(result) else result


def _await(handler: Handler, use: Callable[[Any], Any], **options: Any) -> Any:
    async def read_all(items: AsyncIterator[Any]) -> list[Any]:
        return [item async for item in items]

    async def main() -> Any:
        async with AsyncClient("http://aiop.test", transport=httpx.MockTransport(handler), **options) as client:
            result = use(client)
            return await (read_all(result) if inspect.isasyncgen(result) else result)

    return asyncio.run(main())


@pytest.fixture(params=[_block, _await], ids=["blocking", "awaiting"])
def perform(request: pytest.FixtureRequest) -> Perform:
    def run(handler: Handler, use: Callable[[Any], Any], **options: Any) -> Any:
        return request.param(handler, use, **{"retry": IMPATIENT, "reconnect": IMPATIENT, **options})

    return run


@pytest.fixture
def workflow() -> dict[str, Any]:
    return {
        "id": "123e4567-e89b-12d3-a456-426614174000",
        "name": "Example Workflow",
        "description": None,
        "steps": [{"id": "step1", "container": {"image": "busybox"}}],
        "status": "pending",
        "created_at": "2025-03-01T12:00:00Z",
        "updated_at": None,
        "of_a_newer_service": True,
    }


@pytest.fixture
def execution() -> dict[str, Any]:
    return {
        "id": "123e4567-e89b-12d3-a456-426614174001",
        "workflow_id": "123e4567-e89b-12d3-a456-426614174000",
        "status": "completed",
        "steps": {"step1": {"id": "step1", "name": "Step 1", "status": "completed", "exit_code": 0}},
        "inputs": {},
        "outputs": {"result": "success"},
        "started_at": "2025-03-01T12:00:00Z",
        "completed_at": "2025-03-01T12:02:00Z",
    }

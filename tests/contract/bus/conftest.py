"""Runs the suite on each bus."""

import pytest

from aiop.bus import LocalBus
from aiop.interfaces import Bus


@pytest.fixture(params=["local"])
async def bus(request: pytest.FixtureRequest) -> Bus:
    """Each bus in turn."""
    return {"local": LocalBus}[request.param]()

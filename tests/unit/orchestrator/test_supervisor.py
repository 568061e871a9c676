"""The supervisor, on a store that answers in the order that a test wants."""

import asyncio
from datetime import timedelta

import pytest

from aiop.bus.local import LocalBus
from aiop.errors import LeaseLost
from aiop.interfaces import WORK, Lease
from aiop.orchestrator.runner import RunnerContext
from aiop.orchestrator.supervisor import Supervisor
from aiop.runtime.clock import SystemClock


class Store:
    """One execution, which is given out again and again."""

    def __init__(self):
        self.leases = 0
        self.loading = [asyncio.Event() for _ in range(3)]
        self.lost = asyncio.Event()

    async def adopt_own(self, owner, *, ttl):
        return []

    async def claim(self, owner, *, ttl, limit):
        if self.leases == 2:
            return []
        self.leases += 1
        return [Lease("e", owner, self.leases, "agent")]

    async def cancel_requests(self, owner):
        return []

    async def load(self, lease):
        """Never answer; whoever is cancelled hears of the lost lease when the test says so."""
        self.loading[lease.epoch].set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await self.lost.wait()
            raise LeaseLost(lease.execution) from None

    async def release(self, lease, *, displaced=False):
        pass


async def test_the_end_of_a_former_lease_takes_nothing_from_the_one_that_came_after_it():
    store, bus, clock = Store(), LocalBus(), SystemClock()
    context = RunnerContext(
        store=store, bus=bus, clock=clock, vault=None, log_limit=1, infrastructure_attempts=1, files=None
    )
    supervisor = Supervisor("here", context, store, bus, plans=None, places=None, ttl=timedelta(minutes=5))
    life = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(20):
        await store.loading[1].wait()
        bus.publish(WORK)
        await store.loading[2].wait()
        with bus.listen(WORK) as wakes:
            store.lost.set()
            await wakes.wait()  # the former one has ended

        assert supervisor.load == 1

        life.cancel()
        with pytest.raises(asyncio.CancelledError):
            await life

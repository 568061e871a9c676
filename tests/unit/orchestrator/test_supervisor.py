"""The supervisor, on a store that answers in the order that a test wants."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aiop.bus.local import LocalBus
from aiop.engines.fake import FakeEngine, FakeWorld, Script
from aiop.errors import LeaseLost
from aiop.interfaces import WORK, Lease, execution_topic
from aiop.orchestrator.gate import EngineGate
from aiop.orchestrator.place import Place
from aiop.orchestrator.plans import Plans
from aiop.orchestrator.runner import RunnerContext
from aiop.orchestrator.slots import Slots
from aiop.orchestrator.supervisor import Supervisor
from aiop.runtime.clock import SystemClock
from aiop.spec import VolumePolicy
from memory_store import MemoryStore


class Store:
    """One execution, which is given out again and again."""

    def __init__(self):
        self.released = []
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

    async def release(self, owner):
        self.released.append(owner)


class SlowStore(MemoryStore):
    """One execution, the cancel of which is requested when it has just been read."""

    def __init__(self):
        super().__init__()
        self.read, self.go_on = asyncio.Event(), asyncio.Event()
        self.lease = self.add("e", json.dumps({"name": "x", "steps": [STEP]}), datetime.now(UTC))
        self.requested, self.passed_on = False, asyncio.Event()

    async def adopt_own(self, owner, *, ttl):
        return [replace(self.lease, owner=owner)]

    async def claim(self, owner, *, ttl, limit):
        return []

    async def cancel_requests(self, owner):
        if not self.requested:
            return []
        self.passed_on.set()
        return ["e"]

    async def load(self, lease):
        record = await super().load(lease)
        self.read.set()
        await self.go_on.wait()
        return record

    async def release(self, owner):
        pass


STEP = {"id": "a", "container": {"image": "i"}}


class Places:
    """One engine, which runs steps until they are stopped."""

    def __init__(self, clock):
        world = FakeWorld(lambda *_: Script(gate=True), clock=clock)
        engine = FakeEngine(world)
        self.place_of_all = Place(
            engine=engine,
            gate=EngineGate(engine, clock),
            slots=Slots(1),
            patience=timedelta(hours=1),
            volumes=VolumePolicy(()),
            committed=lambda _: None,
            agent="one",
        )

    async def place(self, _):
        return self.place_of_all

    def is_deleted(self, _):
        return False


async def test_a_cancel_that_came_after_an_execution_was_read_is_heeded_before_anything_starts():
    store, bus, clock = SlowStore(), LocalBus(), SystemClock()
    context = RunnerContext(
        store=store, bus=bus, clock=clock, vault=None, log_limit=1, infrastructure_attempts=1, files=None
    )
    supervisor = Supervisor(
        "here", context, store, bus, plans=Plans().load, places=Places(clock), ttl=timedelta(minutes=5)
    )
    life = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(20):
        await store.read.wait()
        store.requested = True
        bus.publish(WORK)
        await store.passed_on.wait()
        with bus.listen(execution_topic("e")) as wakes:
            store.requested = False  # nobody asks twice
            store.go_on.set()
            while not store.executions["e"]["summary"].status.ended:
                await wakes.wait()

        assert store.executions["e"]["summary"].status == "cancelled"

        life.cancel()
        with pytest.raises(asyncio.CancelledError):
            await life


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
    assert store.released == ["here"]

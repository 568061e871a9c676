"""A site of the service, but for its API: the supervisor and the fleet on the real store, with engines that tests take
down and bring back.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from aiop.bus.local import LocalBus
from aiop.engines.fake import FakeEngine, FakeWorld, Script
from aiop.interfaces import AGENTS, WORK, NewExecution, NewWorkflow, execution_topic
from aiop.model.agent import AgentHealth, AgentRecord, EngineAddress, EngineType
from aiop.model.ids import AgentId, ExecutionId, VersionId, WorkflowId, new_id
from aiop.model.state import WaitCode
from aiop.orchestrator.fleet import EngineSource, Fleet
from aiop.orchestrator.plans import Plans
from aiop.orchestrator.runner import RunnerContext
from aiop.orchestrator.supervisor import Supervisor
from aiop.spec import VolumePolicy

GATED = Script(gate=True)


class Clock:
    """The real time, but for long waits: those last until the test says so."""

    def __init__(self) -> None:
        self._long: list[tuple[timedelta, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    offset = timedelta(0)

    async def sleep(self, delay: timedelta) -> None:
        if delay <= timedelta(0):
            await asyncio.sleep(0)
        elif delay < timedelta(minutes=1):
            # Pauses of the loops: as short as may be.
            await asyncio.sleep(min(delay.total_seconds(), 0.02))
        else:
            turn = asyncio.get_running_loop().create_future()
            self._long.append((delay, turn))
            await turn

    def skip(self, delay: timedelta) -> None:
        """Let so much time pass, for those who wait long."""
        self.offset += delay
        for _, turn in self._long:
            if not turn.done():
                turn.set_result(None)
        self._long.clear()


class NoVault:
    def seal(self, plain: bytes) -> bytes:
        return plain[::-1]

    def open(self, sealed: bytes) -> bytes:
        return sealed[::-1]


class Site:
    """The whole, but for the API."""

    def __init__(self, store, clock) -> None:
        self.store, self.clock, self.bus = store, clock, LocalBus()
        self.worlds: dict[str, FakeWorld] = {}
        self.engines: list[FakeEngine] = []
        self.unusable = {"nonsense"}

    def world(self, name: str) -> FakeWorld:
        return self.worlds.setdefault(name, FakeWorld(lambda *_: GATED, clock=self.clock))

    def build(self, agent: AgentRecord) -> FakeEngine:
        if agent.engine.endpoint in self.unusable:
            raise ValueError("no such engine")
        self.engines.append(FakeEngine(self.world(agent.engine.endpoint)))
        return self.engines[-1]

    async def register(self, name: str, *, world: str | None = None, **values) -> AgentRecord:
        self.world(world or name)
        agent = AgentRecord(
            AgentId(new_id()), name, self.clock.now(), engine=EngineAddress(EngineType.FAKE, world or name), **values
        )
        await self.store.add_agent(agent)
        self.bus.publish(AGENTS)
        return agent

    async def submit(self, steps: list[dict], requires: tuple[str, ...] = (), **options) -> ExecutionId:
        workflow, version = WorkflowId(new_id()), VersionId(new_id())
        document = json.dumps({"name": "x", "steps": steps})
        await self.store.create_workflow(NewWorkflow(workflow, version, "x", None, document))
        new = NewExecution(ExecutionId(new_id()), workflow, version, {}, options, requires=requires)
        await self.store.submit(new)
        self.bus.publish(WORK)
        return new.id

    async def ended(self, execution: ExecutionId):
        with self.bus.listen(execution_topic(execution)) as wakes:
            while not (found := await self.store.execution(execution)).status.ended:
                await wakes.wait()
        return found

    async def steps_wait(self, execution: ExecutionId, count: int) -> None:
        """Return once so many steps wait for their engine."""
        with self.bus.listen(execution_topic(execution)) as wakes:
            while True:
                found = await self.store.execution(execution)
                codes = [each.waiting.code for each in found.steps if each.waiting]
                if codes.count(WaitCode.ENGINE_UNAVAILABLE) == count:
                    return
                await wakes.wait()

    async def agent_noted(self, agent: AgentRecord, error: str) -> AgentRecord:
        with self.bus.listen(WORK) as wakes:
            while (found := await self.store.agent(agent.id)).error != error:
                await wakes.wait(timedelta(seconds=0.2))
        return found

    async def agent_is(self, agent: AgentRecord, health: AgentHealth) -> AgentRecord:
        with self.bus.listen(WORK) as wakes:
            while (found := await self.store.agent(agent.id)).health is not health:
                await wakes.wait(timedelta(seconds=0.2))
        return found


@asynccontextmanager
async def a_life(site: Site, *, patience: timedelta = timedelta(hours=1)) -> AsyncIterator[Fleet]:
    """One life of the service."""
    engines = EngineSource(lambda agent: agent.engine, site.build, lambda _: VolumePolicy(()))
    fleet = Fleet(site.store, site.bus, site.clock, engines, slots=50, patience=patience)
    context = RunnerContext(
        store=site.store,
        bus=site.bus,
        clock=site.clock,
        vault=NoVault(),
        log_limit=1 << 20,
        infrastructure_attempts=5,
        files=None,  # only pipelines have some
    )
    supervisor = Supervisor(
        "here", context, site.store, site.bus, plans=Plans().load, places=fleet, ttl=timedelta(minutes=5)
    )
    loops = [asyncio.create_task(supervisor.run()), asyncio.create_task(fleet.run())]
    try:
        yield fleet
        for loop in loops:
            assert not loop.done(), loop.exception()
        await fleet.drain()
    finally:
        for loop in loops:
            loop.cancel()
            await asyncio.wait({loop})
    assert [misuse for world in site.worlds.values() for misuse in world.ledger.misuses] == []


def step(name: str, **values) -> dict:
    return {"id": name, "container": {"image": "i"}, **values}


def running(world: FakeWorld, count: int):
    return world.until(lambda it: len(it.running()) == count)

"""Claims executions, keeps their leases, gives each a runner, and takes up again what a crash has left.

The bus wakes it; it also looks by itself, since a wake may get lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from aiop.errors import EngineRefused, InvalidRequest, LeaseLost, NotFound, StorageUnavailable
from aiop.interfaces import WORK, Bus, Clock, Lease, SupervisorStore, execution_topic
from aiop.model.ids import AgentId, ExecutionId
from aiop.model.records import ExecutionRecord
from aiop.model.state import Reason
from aiop.orchestrator.abandoned import abandoned
from aiop.orchestrator.place import Place
from aiop.orchestrator.runner import Displaced, Runner, RunnerContext
from aiop.orchestrator.tenure import Tenure
from aiop.spec import Plan

__all__ = ["Places", "Supervisor"]

LOOK_PERIOD = timedelta(seconds=2)
"""How often it looks for work without being woken."""

LAST_COMMIT_LIMIT = timedelta(seconds=5)
DEFECT_PAUSE = timedelta(seconds=1)
CLAIMS_AT_ONCE = 200
DEFECT_LIMIT = 3
"""How often an execution may bring its runner down before it fails with ``internal``."""

log = structlog.get_logger()


@dataclass(slots=True)
class _Charge:
    """An execution in our care."""

    lease: Lease
    tenure: Tenure | None = None
    task: asyncio.Task[None] | None = None
    runner: Runner | None = None
    cancelled: bool = False
    """Whether a cancel was requested; a runner that is made later is told."""


class Places(Protocol):
    """Where executions run; ``fleet.Fleet``."""

    async def place(self, agent: AgentId) -> Place | None:
        """Return where an agent's executions run, ``None`` if there is no such agent.

        Raises ``EngineRefused`` if its engine cannot be spoken to, and ``StorageUnavailable``.
        """

    def is_deleted(self, agent: AgentId) -> bool:
        """Whether executions placed on this agent are to be failed."""


class Supervisor:
    """One for a process. ``run`` until cancelled; cancelling it gives the leases back and leaves containers running."""

    def __init__(
        self,
        owner: str,
        context: RunnerContext,
        store: SupervisorStore,
        bus: Bus,
        *,
        plans: Callable[[ExecutionRecord], Plan],
        places: Places,
        ttl: timedelta,
        shared: bool = False,
        replicas: Callable[[], int] = lambda: 1,
    ) -> None:
        """``owner`` is the same after a restart; ``plans`` raises ``InvalidRequest`` for what cannot be run.

        Where the database is ``shared``, others may take over what we do not renew in time; ``replicas`` says how
        many claim.
        """
        self._owner = owner
        self._context = context
        self._store = store
        self._bus = bus
        self._plans = plans
        self._places = places
        self._ttl = ttl
        self._shared = shared
        self._replicas = replicas
        self._clock: Clock = context.clock
        self._charges: dict[ExecutionId, _Charge] = {}

    @property
    def load(self) -> int:
        """How many executions are in our care."""
        return len(self._charges)

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep(self._renew, self._ttl / 3))
                group.create_task(self._claim_forever())
        finally:
            await self._let_go()

    # --- claiming ----------------------------------------------------------------------------------------------

    async def _claim_forever(self) -> None:
        with self._bus.listen(WORK) as wakes:
            await self._until_stored(self._adopt_own)
            while True:
                await self._until_stored(self._claim)
                await self._until_stored(self._pass_on_cancels)
                self._pass_on_deletions()
                await wakes.wait(LOOK_PERIOD)

    async def _adopt_own(self) -> None:
        asked = self._clock.now()
        leases = await self._store.adopt_own(self._owner, ttl=self._ttl)
        if leases:
            log.info("executions_recovered", count=len(leases))
        for lease in leases:
            self._take_charge(lease, asked)

    async def _claim(self) -> None:
        full = True
        while full:
            asked = self._clock.now()
            # Some at a time, so that replicas that claim at once come to equal shares.
            limit = max(1, CLAIMS_AT_ONCE // self._replicas())
            leases = await self._store.claim(self._owner, ttl=self._ttl, limit=limit)
            for lease in leases:
                self._take_charge(lease, asked)
            full = len(leases) == limit

    async def _pass_on_cancels(self) -> None:
        if not self._charges:
            return
        for execution in await self._store.cancel_requests(self._owner):
            charge = self._charges.get(execution)
            if charge is None:
                continue
            charge.cancelled = True
            if charge.runner is not None:
                charge.runner.cancel()

    def _pass_on_deletions(self) -> None:
        for charge in self._charges.values():
            if charge.runner is not None and self._places.is_deleted(charge.lease.agent):
                charge.runner.end(Reason.AGENT_DELETED)

    async def _renew(self) -> None:
        if not self._charges:
            return
        before, asked = set(self._charges), self._clock.now()
        kept = set(await self._store.renew(self._owner, ttl=self._ttl))
        for execution in before - kept:
            charge = self._charges.get(execution)
            if charge is not None and charge.task is not None:
                log.warning("lease_lost", execution=execution)
                charge.task.cancel()
        for execution in kept:
            charge = self._charges.get(execution)
            if charge is not None and charge.tenure is not None:
                charge.tenure.extend(asked + self._ttl)

    async def _until_stored(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do ``work``; a database that is away is waited for."""
        while True:
            try:
                return await work()
            except StorageUnavailable as error:
                log.warning("store_unavailable", error=str(error))
                await self._clock.sleep(LOOK_PERIOD / 4)

    async def _keep(self, work: Callable[[], Awaitable[None]], period: timedelta) -> None:
        while True:
            await self._clock.sleep(period)
            await self._until_stored(work)

    # --- one execution -------------------------------------------------------------------------------------------

    def _take_charge(self, lease: Lease, asked: datetime) -> None:
        former = self._charges.get(lease.execution)
        if former is not None and former.task is not None:
            former.task.cancel()  # its lease is over, as there is this one
        charge = _Charge(lease, Tenure(self._clock, asked + self._ttl) if self._shared else None)
        self._charges[lease.execution] = charge
        charge.task = asyncio.create_task(self._care_for(charge), name=f"execution {lease.execution}")

    async def _care_for(self, charge: _Charge) -> None:
        execution = charge.lease.execution
        defects = 0
        try:
            while True:
                try:
                    await self._run(charge)
                except Displaced:
                    await self._until_stored(lambda: self._store.displace(charge.lease))
                    return
                except (LeaseLost, NotFound):
                    log.warning("execution_lost", execution=execution)
                    return
                except StorageUnavailable as error:
                    log.warning("store_unavailable", execution=execution, error=str(error))
                except Exception as error:
                    defects += 1
                    log.exception("runner_failed", execution=execution)
                    if defects >= DEFECT_LIMIT:
                        sentence = f"a defect of the service: {type(error).__name__}"
                        await self._fail(charge.lease, Reason.INTERNAL, sentence)
                        return
                else:
                    return
                await self._clock.sleep(DEFECT_PAUSE)
        finally:
            if self._charges.get(execution) is charge:
                del self._charges[execution]
            self._bus.publish(WORK)

    async def _run(self, charge: _Charge) -> None:
        record = await self._context.store.load(charge.lease)
        if record.summary.status.ended:
            return
        place, reason, why = None, Reason.AGENT_DELETED, "its agent was deleted"
        try:
            place = await self._places.place(charge.lease.agent)
        except EngineRefused as error:
            reason, why = Reason.ENGINE_LOST, f"its agent cannot be used: {error}"
        if place is None:
            if charge.cancelled or record.summary.cancel_requested_at is not None:
                reason, why = Reason.CANCELLED, "cancelled on request"
            await self._fail(charge.lease, reason, why)
            return
        try:
            plan = self._plans(record)
            runner = Runner(charge.lease, record, plan, self._context, place, tenure=charge.tenure)
        except InvalidRequest as error:
            faults = "; ".join(f"{fault.field}: {fault.message}" for fault in error.faults)
            await self._fail(charge.lease, Reason.INTERNAL, f"the definition cannot be run: {faults}")
            return
        except ValueError as error:
            await self._fail(charge.lease, Reason.INTERNAL, f"sealed values cannot be opened: {error}")
            return
        charge.runner = runner
        if charge.cancelled:
            runner.cancel()
        try:
            await runner.run()
        finally:
            charge.runner = None

    async def _fail(self, lease: Lease, reason: Reason, error: str) -> None:
        """End an execution that no runner can run."""
        record = await self._context.store.load(lease)
        changes = abandoned(record, reason=reason, error=error, now=self._clock.now())
        await self._context.store.commit(lease, changes)
        self._bus.publish(execution_topic(lease.execution))

    async def _let_go(self) -> None:
        """End all runners and give their leases back, so that another replica can go on at once."""
        tasks = [charge.task for charge in self._charges.values() if charge.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            # Bounded: a database that is away must not hold up the end; what is not committed is on the engine.
            await asyncio.wait(tasks, timeout=LAST_COMMIT_LIMIT.total_seconds())
        try:
            await self._store.release(self._owner)
        except StorageUnavailable as error:
            log.warning("leases_not_released", error=str(error))

"""Random interleavings of owners and users come to what a simple model comes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiop.errors import InvalidState, LeaseLost
from aiop.interfaces import Changes, ExecutionChange, ExecutionQuery, Lease, WorkflowQuery
from aiop.model.ids import ExecutionId
from aiop.model.state import ExecutionStatus
from contract.store.subject import AGENT, START, Subject, a_step, a_workflow, an_event, an_execution

EXECUTIONS = 3
OWNERS = ("a", "b")
TTL = timedelta(seconds=10)

executions = st.integers(0, EXECUTIONS - 1)
commits = st.tuples(
    st.just("commit"),
    executions,
    st.booleans(),
    st.sampled_from([None, ExecutionStatus.RUNNING, ExecutionStatus.RUNNING, *ExecutionStatus]),
    st.lists(st.sampled_from(["x", "y", "z"]), max_size=2),
)
commands = st.one_of(
    commits,
    commits,
    st.tuples(st.just("claim"), st.sampled_from(OWNERS), st.integers(1, EXECUTIONS)),
    st.tuples(st.just("release"), st.sampled_from(OWNERS)),
    st.tuples(st.just("adopt"), st.sampled_from(OWNERS)),
    st.tuples(st.just("renew"), st.sampled_from(OWNERS)),
    st.tuples(st.just("cancel"), executions),
    st.tuples(st.just("wait"), st.integers(1, 11)),
    st.tuples(st.just("settle")),
)


@dataclass
class Row:
    """What the model knows of one execution."""

    status: ExecutionStatus = ExecutionStatus.PENDING
    owner: str | None = None
    epoch: int = 0
    cancel_requested: bool = False
    steps: dict[str, int] = field(default_factory=dict)
    events: int = 1


class Model:
    """The contract as a few dictionaries."""

    def __init__(self) -> None:
        self.rows = [Row() for _ in range(EXECUTIONS)]
        self.time = 0.0
        self.expires = dict.fromkeys(OWNERS, 0.0)
        """Of all that an owner holds, whenever it took it."""

    def holds(self, at: int, owner: str | None, epoch: int) -> bool:
        row = self.rows[at]
        return not row.status.ended and row.owner == owner is not None and row.epoch == epoch

    def take(self, at: int, owner: str) -> int:
        row = self.rows[at]
        row.owner, row.epoch = owner, row.epoch + 1
        self.hold(owner)
        return row.epoch

    def hold(self, owner: str) -> None:
        self.expires[owner] = self.time + TTL.total_seconds()

    def claim(self, owner: str, limit: int) -> list[tuple[int, int]]:
        gone = {None} | {other for other, expires in self.expires.items() if expires <= self.time and other != owner}
        free = [at for at, row in enumerate(self.rows) if not row.status.ended and row.owner in gone]
        # What was placed before comes first.
        free.sort(key=lambda at: self.rows[at].epoch == 0)
        return [(at, self.take(at, owner)) for at in free[:limit]]

    def adopt(self, owner: str) -> list[tuple[int, int]]:
        own = [at for at, row in enumerate(self.rows) if row.owner == owner and not row.status.ended]
        return [(at, self.take(at, owner)) for at in own]

    def cancel(self, at: int) -> ExecutionStatus | None:
        row = self.rows[at]
        if row.status.ended:
            return None
        row.cancel_requested = True
        if row.epoch == 0:
            row.status, row.events = ExecutionStatus.CANCELLED, 3
        return row.status


@asynccontextmanager
async def fresh() -> AsyncIterator[Subject]:
    with TemporaryDirectory() as directory:
        subject = Subject(f"sqlite+aiosqlite:///{Path(directory)}/aiop.db")
        yield subject
        await subject.aclose()


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(commands, max_size=40))
def test_random_interleavings_equal_the_model(script: list[Any]) -> None:
    asyncio.run(Play().run(script))


class Play:
    """Runs a script on the store and on the model. Commits are awaited only when another kind of call follows."""

    def __init__(self) -> None:
        self.model = Model()
        self.pending: list[tuple[asyncio.Future[None], bool]] = []
        self.leases: list[list[Lease]] = []
        self.written = 0

    async def run(self, script: list[Any]) -> None:
        async with fresh() as self.subject:
            self.store = await self.subject.open()
            self.workflow = a_workflow()
            await self.store.create_workflow(self.workflow)
            self.ids = [await self.store.submit(an_execution(self.workflow)) for _ in range(EXECUTIONS)]
            self.leases = [[Lease(execution, "nobody", 1, AGENT)] for execution in self.ids]
            for name, *arguments in script:
                if name != "commit":
                    await self.settle()
                await getattr(self, name)(*arguments)
            await self.settle()
            await self.compare()

    async def settle(self) -> None:
        pending, self.pending = self.pending, []
        answers = await asyncio.gather(*(each for each, _ in pending), return_exceptions=True)
        for answer, (_, accepted) in zip(answers, pending, strict=True):
            assert answer is None if accepted else isinstance(answer, LeaseLost)

    async def commit(self, at: int, stale: bool, status: ExecutionStatus | None, steps: list[str]) -> None:
        lease = self.leases[at][0 if stale else -1]
        row = self.model.rows[at]
        self.written += 1
        changes = Changes(
            execution=None if status is None else ExecutionChange(status, START, START if status.ended else None),
            steps=[a_step(step, attempt=self.written) for step in steps],
            events=[an_event(row.events + 1)],
        )
        accepted = self.model.holds(at, lease.owner, lease.epoch)
        self.pending.append((asyncio.ensure_future(self.store.commit(lease, changes)), accepted))
        if accepted:
            row.steps |= dict.fromkeys(steps, self.written)
            row.events += 1
            row.status = status or row.status

    def remember(self, leases: list[Lease] | Any, expected: list[tuple[int, int]], owner: str) -> None:
        assert list(leases) == [Lease(self.ids[at], owner, epoch, AGENT) for at, epoch in expected]
        for lease in leases:
            self.leases[self.ids.index(lease.execution)].append(lease)

    async def claim(self, owner: str, limit: int) -> None:
        self.remember(await self.store.claim(owner, ttl=TTL, limit=limit), self.model.claim(owner, limit), owner)

    async def adopt(self, owner: str) -> None:
        self.remember(await self.store.adopt_own(owner, ttl=TTL), self.model.adopt(owner), owner)

    async def renew(self, owner: str) -> None:
        held = [at for at, row in enumerate(self.model.rows) if row.owner == owner and not row.status.ended]
        self.model.hold(owner)
        assert sorted(await self.store.renew(owner, ttl=TTL)) == sorted(self.ids[at] for at in held)

    async def release(self, owner: str) -> None:
        for row in self.model.rows:
            if row.owner == owner:
                row.owner = None
        await self.store.release(owner)

    async def cancel(self, at: int) -> None:
        expected = self.model.cancel(at)
        try:
            status = await self.store.request_cancel(self.ids[at])
        except InvalidState:
            assert expected is None
        else:
            assert status is expected

    async def wait(self, seconds: int) -> None:
        self.model.time += seconds
        await self.subject.clock.advance(seconds=seconds)

    async def compare(self) -> None:
        for execution, row in zip(self.ids, self.model.rows, strict=True):
            stored = await self.store.execution(execution)
            assert stored.status is row.status
            assert (stored.cancel_requested_at is not None) == row.cancel_requested
            assert {step.step: step.attempt for step in stored.steps} == row.steps
            events = await self.store.events(execution)
            assert [event.seq for event in events] == list(range(1, row.events + 1))
        for status, count in (await self.store.counts()).items():
            assert count == sum(row.status is status for row in self.model.rows)
            assert (
                await self.store.executions(ExecutionQuery(status=status, workflow=self.workflow.id))
            ).total == count
        [listed] = (await self.store.workflows(WorkflowQuery())).items
        assert listed.status is self.model.rows[-1].status
        for owner in OWNERS:
            asked = {
                ExecutionId(self.ids[at])
                for at, row in enumerate(self.model.rows)
                if row.owner == owner and row.cancel_requested and not row.status.ended
            }
            assert set(await self.store.cancel_requests(owner)) == asked

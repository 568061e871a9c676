"""Requests to cancel, and what owners see of them."""

import asyncio
from dataclasses import replace

import pytest

from aiop.errors import InvalidState, LeaseLost, NotFound
from aiop.interfaces import Changes
from aiop.model.records import EventType
from aiop.model.state import ExecutionStatus, Reason
from aiop.store import SqlStore
from contract.store.subject import START, TTL, Subject, an_event, claimed, ended, running, submitted


async def test_what_nobody_has_claimed_is_cancelled_at_once(subject: Subject, store: SqlStore) -> None:
    execution = await submitted(store, sealed=b"cipher of the unclaimed")
    await subject.clock.advance(seconds=3)

    assert await store.request_cancel(execution) is ExecutionStatus.CANCELLED

    stored = await store.execution(execution)
    assert (stored.status, stored.reason) == (ExecutionStatus.CANCELLED, Reason.CANCELLED)
    assert stored.completed_at == stored.cancel_requested_at == subject.clock.now()
    assert stored.started_at is None
    events = await store.events(execution)
    assert [(event.seq, event.type) for event in events] == [
        (1, EventType.EXECUTION_SUBMITTED),
        (2, EventType.EXECUTION_CANCEL_REQUESTED),
        (3, EventType.EXECUTION_FINISHED),
    ]
    assert (events[2].data["status"], events[2].at) == ("cancelled", subject.clock.now())
    assert await store.claim("a", ttl=TTL, limit=1) == []
    await subject.aclose()
    assert b"cipher of the unclaimed" not in await subject.contents()


async def test_the_owner_is_asked_and_numbers_the_events_itself(store: SqlStore) -> None:
    lease = await claimed(store)
    await store.commit(lease, running())

    assert await store.request_cancel(lease.execution) is ExecutionStatus.RUNNING

    assert await store.cancel_requests("a") == [lease.execution]
    assert (await store.load(lease)).summary.cancel_requested_at == START
    await store.commit(lease, Changes(events=[an_event(2)]))
    assert [event.seq for event in await store.events(lease.execution)] == [1, 2]


async def test_a_second_request_changes_nothing(subject: Subject, store: SqlStore) -> None:
    lease = await claimed(store)
    await store.request_cancel(lease.execution)
    await subject.clock.advance(seconds=3)

    assert await store.request_cancel(lease.execution) is ExecutionStatus.PENDING
    assert (await store.execution(lease.execution)).cancel_requested_at == START


async def test_what_was_claimed_once_is_left_to_the_next_owner(store: SqlStore) -> None:
    lease = await claimed(store, owner="a")
    await store.release("a")

    assert await store.request_cancel(lease.execution) is ExecutionStatus.PENDING

    assert await store.cancel_requests("a") == []
    [taken] = await store.claim("b", ttl=TTL, limit=1)
    assert await store.cancel_requests("b") == [taken.execution]


async def test_an_ended_execution_cannot_be_cancelled(store: SqlStore) -> None:
    lease = await claimed(store)
    await store.request_cancel(lease.execution)
    await store.commit(lease, ended())

    with pytest.raises(InvalidState):
        await store.request_cancel(lease.execution)
    assert await store.cancel_requests("a") == []


async def test_what_does_not_exist_is_not_found(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        await store.request_cancel("no such id")


async def test_a_cancel_and_a_claim_at_once_agree_on_who_ends_it(store: SqlStore) -> None:
    executions = [await submitted(store) for _ in range(20)]

    *cancels, first, second = await asyncio.gather(
        *(store.request_cancel(execution) for execution in executions[:10]),
        store.claim("a", ttl=TTL, limit=20),
        store.claim("b", ttl=TTL, limit=20),
    )

    held = {lease.execution: lease for lease in (*first, *second)}
    for execution, status in zip(executions, cancels, strict=False):
        assert (execution in held) == (status is ExecutionStatus.PENDING)
        if execution in held:
            await store.commit(held[execution], running())
    with pytest.raises(LeaseLost):
        await store.commit(replace(held[executions[15]], owner="c"), running())

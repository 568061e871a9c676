"""One session for new attempts; lost ones are replaced, and old ones closed once nobody needs them."""

import asyncio
from typing import ClassVar

import pytest

from aiop.engines.dagger.sessions import Sessions
from aiop.errors import EngineUnavailable


class FakeSession:
    opened: ClassVar[list["FakeSession"]] = []
    failure: ClassVar[Exception | None] = None

    def __init__(self) -> None:
        self.alive = True
        self.closed = False

    @classmethod
    async def open(cls, endpoint: str | None, *, cli: str | None) -> "FakeSession":
        await asyncio.sleep(0)
        if cls.failure is not None:
            raise cls.failure
        cls.opened.append(cls())
        return cls.opened[-1]

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[FakeSession]:
    monkeypatch.setattr("aiop.engines.dagger.sessions.Session", FakeSession)
    monkeypatch.setattr(FakeSession, "opened", [])
    monkeypatch.setattr(FakeSession, "failure", None)
    return FakeSession.opened


async def test_all_who_ask_at_once_share_one(opened: list[FakeSession]) -> None:
    sessions = Sessions(None)
    found = await asyncio.gather(sessions.current(), sessions.enter(), sessions.enter())
    assert set(found) == set(opened)
    assert len(opened) == 1
    await sessions.aclose()
    assert opened[0].closed


async def test_a_lost_one_is_replaced_and_closed_when_its_last_attempt_has_left(opened: list[FakeSession]) -> None:
    sessions = Sessions(None)
    first = await sessions.enter()
    opened[0].alive = False
    second = await sessions.enter()
    assert second is not first
    assert not opened[0].closed
    sessions.leave(first)
    await asyncio.sleep(0)
    assert opened[0].closed
    await sessions.aclose()


async def test_after_many_attempts_another_takes_over(opened: list[FakeSession]) -> None:
    sessions = Sessions(None, uses=2)
    first, again, other = [await sessions.enter() for _ in range(3)]
    assert first is again
    assert first is not other
    sessions.leave(first)
    await asyncio.sleep(0)
    assert not opened[0].closed
    sessions.leave(again)
    await asyncio.sleep(0)
    assert [session.closed for session in opened] == [True, False]
    await sessions.aclose()
    assert opened[1].closed


async def test_an_old_one_that_nobody_is_in_is_closed_at_once(opened: list[FakeSession]) -> None:
    sessions = Sessions(None, uses=1)
    sessions.leave(await sessions.enter())
    await sessions.enter()
    await asyncio.sleep(0)
    assert [session.closed for session in opened] == [True, False]
    await sessions.aclose()


async def test_one_that_could_not_be_opened_is_tried_again(
    opened: list[FakeSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions(None)
    monkeypatch.setattr(FakeSession, "failure", EngineUnavailable("away"))
    with pytest.raises(EngineUnavailable):
        await sessions.current()
    monkeypatch.setattr(FakeSession, "failure", None)
    assert await sessions.current() is opened[0]
    await sessions.aclose()


async def test_who_gives_up_waiting_does_not_end_the_opening(opened: list[FakeSession]) -> None:
    sessions = Sessions(None)
    waiting = asyncio.create_task(sessions.current())
    await asyncio.sleep(0)
    waiting.cancel()
    assert await sessions.current() is opened[0]
    assert len(opened) == 1
    await sessions.aclose()


async def test_who_is_in_one_when_all_are_closed_may_leave_it_afterwards(opened: list[FakeSession]) -> None:
    sessions = Sessions(None)
    session = await sessions.enter()
    await sessions.aclose()
    sessions.leave(session)
    assert opened[0].closed

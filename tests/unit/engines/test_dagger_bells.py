"""Which requests go together, seen from the calls that they make."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from aiop.engines.dagger.bells import Bells
from aiop.engines.dagger.wrapping import Bell


class Calls:
    """A session and all that is described with it: a call is a list of names, and ends when the test says so."""

    empty = None

    def __init__(self) -> None:
        self.begun: list[list[str]] = []
        self.ends: list[asyncio.Future[None]] = []
        self._begins = asyncio.Event()

    @contextmanager
    def calls(self) -> Iterator[None]:
        yield

    def with_user(self, _user: str) -> "Calls":
        return self

    def with_mounted_cache(self, _place: str, _desk: object, source: object) -> "Calls":
        return self

    def with_exec(self, arguments: list[str]) -> "Calls":
        self.begun.append([word.rpartition("/")[2] for word in arguments[4::2]])
        return self

    async def sync(self) -> None:
        self.ends.append(asyncio.get_running_loop().create_future())
        self._begins.set()
        await self.ends[-1]

    async def begins(self, number: int) -> None:
        """Return once so many calls have begun."""
        async with asyncio.timeout(5):
            while len(self.ends) < number:
                self._begins.clear()
                await self._begins.wait()


class Asked:
    def __init__(self) -> None:
        self.bells = Bells()
        self.calls = Calls()

    def ring(self, *names: str, calls: Calls | None = None) -> list[asyncio.Task[None]]:
        there: Any = calls or self.calls
        desk: Any = None
        return [
            asyncio.create_task(self.bells.ring(there, there, desk, Bell(name, timedelta(seconds=1)))) for name in names
        ]


@pytest.fixture
def asked() -> Asked:
    return Asked()


async def test_what_is_asked_for_at_once_goes_together(asked: Asked) -> None:
    rung = asked.ring("a", "b", "c")
    await asked.calls.begins(1)
    asked.calls.ends[0].set_result(None)
    await asyncio.gather(*rung)
    assert asked.calls.begun == [["a", "b", "c"]]


async def test_what_comes_while_others_are_rung_for_goes_together_after_them(asked: Asked) -> None:
    rung = asked.ring("a")
    await asked.calls.begins(1)
    rung += asked.ring("b")
    await asyncio.sleep(0)
    rung += asked.ring("c")
    await asyncio.sleep(0)
    assert asked.calls.begun == [["a"]]
    asked.calls.ends[0].set_result(None)
    await asked.calls.begins(2)
    assert (rung[0].done(), rung[1].done()) == (True, False)
    asked.calls.ends[1].set_result(None)
    await asyncio.gather(*rung)
    assert asked.calls.begun == [["a"], ["b", "c"]]


async def test_sessions_do_not_wait_for_each_other(asked: Asked) -> None:
    other = Calls()
    rung = [*asked.ring("a"), *asked.ring("b", calls=other)]
    await asked.calls.begins(1)
    await other.begins(1)
    for calls in (asked.calls, other):
        calls.ends[0].set_result(None)
    await asyncio.gather(*rung)


async def test_more_than_a_container_should_mount_takes_another(asked: Asked) -> None:
    names = [str(number) for number in range(40)]
    rung = asked.ring(*names)
    for number in range(2):
        await asked.calls.begins(number + 1)
        asked.calls.ends[number].set_result(None)
    await asyncio.gather(*rung)
    assert asked.calls.begun == [names[:32], names[32:]]


async def test_a_failure_is_told_to_all_who_were_part_of_it_and_to_nobody_else(asked: Asked) -> None:
    rung = asked.ring("a", "b")
    await asked.calls.begins(1)
    rung += asked.ring("c")
    await asyncio.sleep(0)
    asked.calls.ends[0].set_exception(RuntimeError("lost"))
    await asked.calls.begins(2)
    asked.calls.ends[1].set_result(None)
    results = await asyncio.gather(*rung, return_exceptions=True)
    assert [str(result) for result in results] == ["lost", "lost", "None"]


async def test_who_does_not_wait_any_more_leaves_others_their_round(asked: Asked) -> None:
    gone, left = asked.ring("a", "b")
    await asked.calls.begins(1)
    gone.cancel()
    await asyncio.wait({gone})
    asked.calls.ends[0].set_result(None)
    await left


async def test_nothing_is_kept_of_a_session_that_is_done_with(asked: Asked) -> None:
    [rung] = asked.ring("a")
    await asked.calls.begins(1)
    asked.calls.ends[0].set_result(None)
    await rung
    await asyncio.sleep(0)
    assert asked.bells._rounds == {}

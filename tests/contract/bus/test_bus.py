"""What listeners may count on."""

import asyncio
from datetime import timedelta

from aiop.interfaces import Bus

SOON = timedelta(milliseconds=20)
LATE = timedelta(seconds=30)
NOW = timedelta(0)


async def test_a_publication_wakes_who_waits(bus: Bus) -> None:
    with bus.listen("topic") as listener:
        waiting = asyncio.ensure_future(listener.wait(LATE))
        await asyncio.sleep(0)
        assert not waiting.done()

        bus.publish("topic")

        assert await waiting is True


async def test_a_publication_before_the_wait_counts(bus: Bus) -> None:
    with bus.listen("topic") as listener:
        bus.publish("topic")
        assert await listener.wait(NOW) is True


async def test_a_publication_before_the_listener_does_not_count(bus: Bus) -> None:
    bus.publish("topic")
    with bus.listen("topic") as listener:
        assert await listener.wait(SOON) is False


async def test_many_publications_are_one_wake(bus: Bus) -> None:
    with bus.listen("topic") as listener:
        for _ in range(5):
            bus.publish("topic")
        assert await listener.wait(LATE) is True
        assert await listener.wait(SOON) is False


async def test_a_publication_after_the_wake_is_another(bus: Bus) -> None:
    with bus.listen("topic") as listener:
        for _ in range(3):
            bus.publish("topic")
            assert await listener.wait(LATE) is True


async def test_all_listeners_of_the_topic_wake_and_no_others(bus: Bus) -> None:
    with bus.listen("topic") as first, bus.listen("topic") as second, bus.listen("other") as other:
        bus.publish("topic")
        assert await first.wait(LATE) is True
        assert await second.wait(LATE) is True
        assert await other.wait(SOON) is False


async def test_nothing_in_time_is_false(bus: Bus) -> None:
    with bus.listen("topic") as listener:
        assert await listener.wait(SOON) is False


async def test_a_wait_without_a_limit_lasts_until_the_publication(bus: Bus) -> None:
    with bus.listen("topic") as listener:
        waiting = asyncio.ensure_future(listener.wait())
        assert await asyncio.wait([waiting], timeout=SOON.total_seconds()) == (set(), {waiting})
        bus.publish("topic")
        assert await waiting is True


async def test_a_cancelled_wait_loses_no_wake(bus: Bus) -> None:
    with bus.listen("topic") as listener:
        waiting = asyncio.ensure_future(listener.wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        bus.publish("topic")
        assert await listener.wait(LATE) is True


async def test_a_listener_may_end_while_another_of_the_topic_listens(bus: Bus) -> None:
    with bus.listen("topic") as outer:
        with bus.listen("topic"):
            pass
        bus.publish("topic")
        assert await outer.wait(LATE) is True


async def test_a_publication_without_listeners_is_no_error(bus: Bus) -> None:
    with bus.listen("topic"):
        pass
    bus.publish("topic")

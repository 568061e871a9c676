"""What listeners in other processes may count on."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from aiop.bus import PostgresBus
from contract.bus.conftest import running
from postgres_lab import Postgres, connected

pytestmark = pytest.mark.postgres

Connect = Callable[[], Awaitable[PostgresBus]]
LATE = timedelta(seconds=30)
SOON = timedelta(milliseconds=50)


@pytest.fixture
async def pair(connect: Connect) -> tuple[PostgresBus, PostgresBus]:
    return await connect(), await connect()


async def test_a_publication_wakes_listeners_of_the_topic_elsewhere(pair: tuple[PostgresBus, PostgresBus]) -> None:
    here, there = pair
    with there.listen("topic") as listener, there.listen("other") as other:
        await listener.wait(SOON)  # they are woken once as they connect
        here.publish("topic")
        assert await listener.wait(LATE) is True
        assert await other.wait(SOON) is False


async def test_each_of_many_topics_arrives(pair: tuple[PostgresBus, PostgresBus]) -> None:
    here, there = pair
    with there.listen("first") as first, there.listen("last") as last:
        for topic in ("first", *map(str, range(2000)), "last"):
            here.publish(topic)
        assert await first.wait(LATE) is True
        assert await last.wait(LATE) is True


async def test_a_topic_of_any_length_and_any_characters_arrives(pair: tuple[PostgresBus, PostgresBus]) -> None:
    here, there = pair
    for topic in ("x" * 20_000, "it's a \u00fcml\u00e4ut  with \\ and %", "two words"):
        with there.listen(topic) as listener:
            here.publish(topic)
            assert await listener.wait(LATE) is True


async def test_a_publisher_does_not_wake_itself_twice(connect: Connect) -> None:
    here = await connect()
    with here.listen("topic") as listener:
        here.publish("topic")
        assert await listener.wait(LATE) is True
        assert await listener.wait(SOON) is False


async def test_a_lost_connection_is_made_again_and_wakes_everybody(connect: Connect, postgres: Postgres) -> None:
    here, there = await connect(), await connect()
    with there.listen("anything") as listener:
        await listener.wait(SOON)
        await end_connections(postgres)
        assert await listener.wait(LATE) is True
        await asyncio.gather(here.listening.wait(), there.listening.wait())
        here.publish("anything")
        assert await listener.wait(LATE) is True


async def test_what_is_published_without_a_connection_is_sent_with_the_next(
    connect: Connect, postgres: Postgres
) -> None:
    here, there = await connect(), await connect()
    with there.listen("topic") as listener, there.listen("unrelated") as unrelated:
        await end_connections(postgres)
        here.publish("topic")
        await asyncio.gather(here.listening.wait(), there.listening.wait())
        while not await unrelated.wait(SOON):
            pass
        assert await listener.wait(LATE) is True


async def test_publishing_and_listening_go_on_within_the_process_while_the_database_is_away() -> None:
    bus = PostgresBus("postgresql://aiop@127.0.0.1:1/none", clock=StuckClock())
    task = asyncio.create_task(bus.run())
    with bus.listen("topic") as listener:
        bus.publish("topic")
        assert await listener.wait(LATE) is True
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_stopped_bus_leaves_no_connection(postgres: Postgres) -> None:
    url = await postgres.new_database(tables=False)
    async with running(url):
        pass
    async with connected(postgres.url("postgres")) as look:
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"
        assert await look.fetchval(count, url.rpartition("/")[2]) == 0


async def end_connections(postgres: Postgres) -> None:
    async with connected(postgres.url("postgres")) as admin:
        await admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'aiop bus'"
        )


class StuckClock:
    async def sleep(self, delay: timedelta) -> None:
        await asyncio.Event().wait()

"""Who of several replicas sees to what one is to see to."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiop.errors import StorageUnavailable
from aiop.interfaces import Beat
from aiop.model.replica import Replica, ReplicaRole
from aiop.orchestrator.roster import Roster

NOW = datetime(2025, 3, 1, tzinfo=UTC)
TTL = timedelta(seconds=9)
DUTIES = [f"engine {n}" for n in range(1000)]


def a_replica(name: str, role: ReplicaRole = ReplicaRole.ALL) -> Replica:
    return Replica(name, role, "1", "0001", NOW)


@dataclass
class Place:
    """Store and clock in one."""

    alive: list[Replica] = field(default_factory=list)
    time: datetime | None = None
    away: bool = False
    left: list[str] = field(default_factory=list)
    turns: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> datetime:
        return NOW

    async def sleep(self, delay: timedelta) -> None:
        assert delay == TTL / 3
        self.turns.set()
        await asyncio.sleep(0)

    async def beat(self, replica: Replica, *, ttl: timedelta) -> Beat:
        if self.away:
            raise StorageUnavailable("away")
        return Beat(self.time, self.alive)

    async def leave(self, replica: str) -> None:
        self.left.append(replica)


async def rosters(place: Place) -> list[Roster]:
    made = [Roster(each, place, place, ttl=TTL) for each in place.alive]
    for roster in made:
        await roster.beat()
    return made


async def test_each_duty_is_that_of_one_replica_and_all_have_some() -> None:
    made = await rosters(Place([a_replica(name) for name in "abcd"]))
    owners = Counter(n for duty in DUTIES for n, roster in enumerate(made) if roster.mine(duty))
    assert owners.total() == len(DUTIES)
    assert min(owners.values()) > len(DUTIES) / 4 / 2


async def test_if_one_goes_only_its_duties_move() -> None:
    place = Place([a_replica(name) for name in "abc"])
    made = await rosters(place)
    before = {duty: [roster.mine(duty) for roster in made] for duty in DUTIES}
    place.alive = place.alive[:2]
    for roster in made[:2]:
        await roster.beat()
    for duty in DUTIES:
        now = [roster.mine(duty) for roster in made[:2]]
        assert sum(now) == 1
        assert before[duty][2] or now == before[duty][:2]


async def test_who_only_answers_requests_has_no_duties() -> None:
    made = await rosters(Place([a_replica("a"), a_replica("b", ReplicaRole.API)]))
    assert all(made[0].mine(duty) and not made[1].mine(duty) for duty in DUTIES)
    assert [roster.running for roster in made] == [1, 1]


async def test_whoever_only_answers_requests_is_company_too() -> None:
    place = Place([a_replica("a"), a_replica("b", ReplicaRole.API)])
    assert [roster.alone for roster in await rosters(place)] == [False, False]
    place.alive = place.alive[:1]
    assert [roster.alone for roster in await rosters(place)] == [True]


async def test_one_alone_has_all_duties_before_it_has_heard_of_anybody() -> None:
    place = Place()
    assert Roster(a_replica("a"), place, place, ttl=TTL).mine("history")


async def test_the_database_is_asked_for_its_time() -> None:
    place, compared = Place([a_replica("a")], time=NOW + TTL), []
    roster = Roster(place.alive[0], place, place, ttl=TTL, compare=lambda *times: compared.append(times))
    await roster.beat()
    place.time = None
    await roster.beat()
    assert compared == [(NOW + TTL, NOW, NOW)]


async def test_it_goes_on_when_the_database_is_away_and_leaves_in_the_end() -> None:
    place = Place([a_replica("a")], away=True)
    task = asyncio.create_task(Roster(place.alive[0], place, place, ttl=TTL).run())
    for _ in range(3):
        place.turns.clear()
        await place.turns.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert place.left == ["a"]

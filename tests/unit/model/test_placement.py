"""Places are dealt out to whoever has the smallest part of its own taken."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from aiop.model.agent import AgentHealth, AgentRecord
from aiop.model.ids import AgentId
from aiop.model.placement import FreePlaces

AGENT = AgentRecord(AgentId("a"), "a", datetime(2026, 1, 1, tzinfo=UTC), max_load=4, health=AgentHealth.ONLINE)
WORDS = st.lists(st.sampled_from(["gpu", "big"]), unique=True, max_size=2)


@st.composite
def agents(draw: st.DrawFn) -> list[AgentRecord]:
    return [
        replace(
            AGENT,
            id=AgentId(f"agent{n}"),
            capabilities=tuple(draw(WORDS)),
            max_load=draw(st.integers(1, 4)),
            load=draw(st.integers(0, 5)),
            health=draw(st.sampled_from([AgentHealth.ONLINE, AgentHealth.ONLINE, AgentHealth.OFFLINE])),
            deleted=draw(st.sampled_from([False, False, True])),
        )
        for n in range(draw(st.integers(0, 6)))
    ]


def looked_for(every: list[AgentRecord], requires: list[str]) -> AgentRecord | None:
    """Look through all of them."""
    free = [
        each
        for each in every
        if set(requires) <= set(each.capabilities)
        and each.health is AgentHealth.ONLINE
        and not each.deleted
        and each.load < each.max_load
    ]
    return min(free, key=lambda each: (each.load / each.max_load, each.load, each.id), default=None)


@given(agents(), st.lists(WORDS, max_size=30))
def test_each_place_is_where_a_look_through_all_agents_finds_it(
    every: list[AgentRecord], wishes: list[list[str]]
) -> None:
    places = FreePlaces(every)
    for requires in wishes:
        expected = looked_for(every, requires)
        first, taken = places.first(requires), places.take(requires)
        assert first is taken
        assert (taken and taken.id) == (expected and expected.id)
        every = [replace(each, load=each.load + 1) if expected is each else each for each in every]

"""What engines can do bears on placement."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aiop.engines.dagger import DaggerEngine
from aiop.engines.docker import DockerEngine
from aiop.engines.fake import FakeEngine
from aiop.engines.kubernetes import KubernetesEngine
from aiop.engines.oci.engine import OciEngine
from aiop.model.agent import LACKING, Ability, AgentHealth, AgentRecord, EngineAddress, EngineType
from aiop.model.ids import AgentId
from aiop.model.placement import FreePlaces, capable

AGENT = AgentRecord(AgentId("a"), "a", datetime(2026, 1, 1, tzinfo=UTC), health=AgentHealth.ONLINE)
DAGGER = replace(AGENT, id=AgentId("d"), engine=EngineAddress(EngineType.DAGGER))
ENGINES = {
    EngineType.DAGGER: DaggerEngine.capabilities,
    EngineType.DOCKER: DockerEngine.capabilities,
    EngineType.FAKE: FakeEngine().capabilities,
    EngineType.KUBERNETES: KubernetesEngine.capabilities,
    EngineType.OCI: OciEngine.capabilities,
}


@pytest.mark.parametrize("engine", EngineType)
def test_what_placement_knows_of_an_engine_is_what_the_engine_says(engine: EngineType) -> None:
    lacking = {ability for ability in Ability if not getattr(ENGINES[engine], ability)}
    assert LACKING.get(engine, frozenset()) == lacking


def test_an_execution_goes_where_its_limits_can_be_had() -> None:
    wanted = ["containerized_workflow", Ability.MEMORY_LIMIT.word]
    assert FreePlaces([DAGGER, AGENT]).take(wanted) is AGENT
    assert capable([DAGGER], wanted) == []


def test_what_an_engine_was_seen_without_counts_like_what_its_type_lacks() -> None:
    poor = replace(AGENT, id=AgentId("p"), lacks=frozenset({Ability.MEMORY_LIMIT}))
    assert capable([poor, AGENT], [Ability.MEMORY_LIMIT.word]) == [AGENT]
    assert capable([poor, AGENT], [Ability.CPU_LIMIT.word]) == [poor, AGENT]


def test_without_limits_any_will_do() -> None:
    assert capable([DAGGER, AGENT], ["containerized_workflow"]) == [DAGGER, AGENT]

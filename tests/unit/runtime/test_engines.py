"""Which engine an agent has by the settings."""

import pytest

from aiop.config import Settings
from aiop.model.agent import EngineAddress, EngineType
from aiop.runtime.engines import assumed_engine, default_engine


@pytest.mark.parametrize("endpoint", [None, "unix:///run/dagger/engine.sock", "tcp://engine:1234"])
def test_the_engine_of_the_service_can_be_a_dagger_engine(endpoint: str | None) -> None:
    settings = Settings(engine="dagger", dagger_endpoint=endpoint)
    assert default_engine(settings) == EngineAddress(EngineType.DAGGER, endpoint)


def test_docker_is_found_where_its_own_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker:2375")
    assert default_engine(Settings(engine="docker")) == EngineAddress(EngineType.DOCKER, "tcp://docker:2375")
    assert default_engine(Settings(engine="dagger")) == EngineAddress(EngineType.DAGGER)


def test_agents_that_name_no_engine_are_written_down_with_one_that_lacks_something() -> None:
    assert assumed_engine(EngineAddress(EngineType.DAGGER)) == EngineAddress(EngineType.DAGGER)
    assert assumed_engine(EngineAddress(EngineType.DOCKER)) is None


@pytest.mark.parametrize(
    ("faults", "endpoint", "chosen"),
    [
        ([], None, EngineType.OCI),
        (["crun is not installed"], None, EngineType.DOCKER),
        ([], "unix:///run/docker.sock", EngineType.DOCKER),
    ],
)
def test_the_embedded_engine_is_taken_where_it_can_run_unless_a_docker_engine_is_named(
    monkeypatch: pytest.MonkeyPatch, faults: list[str], endpoint: str | None, chosen: EngineType
) -> None:
    monkeypatch.setattr("aiop.engines.oci.host.shortcomings", lambda: faults)
    assert default_engine(Settings(docker_endpoint=endpoint)).type is chosen

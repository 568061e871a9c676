"""The cluster as an engine."""

import pytest

from aiop.engines.kubernetes import KubernetesEngine
from aiop.errors import EngineRefused, EngineUnavailable
from api_server import ApiServer, failure
from unit.engines.kubernetes.subject import engine_on


async def test_a_cluster_tells_who_it_is(engine: KubernetesEngine) -> None:
    info = await engine.check()
    assert (info.type, info.version, info.detail["namespace"]) == ("kubernetes", "1.34.4", "steps")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_cluster_that_does_not_let_us_in_is_refused(
    api: ApiServer, engine: KubernetesEngine, status: int
) -> None:
    refusal = [lambda request: failure(status, "not for you")] * 2
    api.faults.extend(refusal)
    with pytest.raises(EngineRefused, match="not for you"):
        await engine.check()


async def test_a_cluster_that_is_not_there_is_unavailable(api: ApiServer) -> None:
    api.url = "http://127.0.0.1:1"
    engine = engine_on(api)
    with pytest.raises(EngineUnavailable):
        await engine.check()
    await engine.aclose()

"""The cluster as an engine."""

import asyncio

import pytest

from aiop.engines.kubernetes import KubernetesEngine
from aiop.errors import EngineRefused, EngineUnavailable
from aiop.model.definition import PullPolicy
from aiop.model.run import Credentials
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


# --- images -------------------------------------------------------------------------------------------------


async def test_an_image_is_looked_up_with_the_login_that_its_registry_asks_for(
    api: ApiServer, engine: KubernetesEngine
) -> None:
    login = Credentials("registry.example", "user", "s3cret-login")
    asking = asyncio.create_task(engine.resolve("registry.example/i", pull=PullPolicy.MISSING, credentials=login))
    await api.called("POST", "/secrets")
    [name] = api.pods
    await api.called("PATCH", f"/pods/{name}")
    secrets = [{"name": secret} for secret in api.secrets]
    assert api.pods[name]["spec"]["imagePullSecrets"] == secrets
    api.end(name, 128, reason="StartError", message="no such file or directory")
    assert await asking == "sha256:abc"
    assert api.pods == {}


async def test_an_image_is_looked_up_once(api: ApiServer, engine: KubernetesEngine) -> None:
    asking = [asyncio.create_task(engine.resolve("image", pull=PullPolicy.MISSING, credentials=None)) for _ in range(2)]
    await api.called("POST", "/pods")
    [name] = api.pods
    assert await engine.attempts() == []
    api.end(name, 128, reason="StartError", message="no such file or directory")
    assert await asyncio.gather(*asking) == ["sha256:abc", "sha256:abc"]
    assert api.calls.count(("POST", "/pods")) == 1


async def test_two_services_in_one_namespace_look_an_image_up_by_themselves(api: ApiServer) -> None:
    engines = [engine_on(api), engine_on(api, installation="there")]
    asking = [
        asyncio.create_task(engine.resolve("image", pull=PullPolicy.MISSING, credentials=None)) for engine in engines
    ]
    await api.called("POST", "/pods", times=2)
    assert len(api.pods) == 2
    for name in list(api.pods):
        api.end(name, 128, reason="StartError", message="no such file or directory")
    assert await asyncio.gather(*asking) == ["sha256:abc", "sha256:abc"]
    for engine in engines:
        await engine.aclose()

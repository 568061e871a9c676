"""An attempt from its start to its removal."""

import asyncio
from datetime import timedelta

from aiohttp import web

from aiop.engines.kubernetes import KubernetesEngine
from aiop.engines.kubernetes.names import pod_name
from aiop.model.records import Stream
from aiop.model.state import Reason
from api_server import ApiServer
from unit.engines.kubernetes.subject import RUN, Heard, a_key, began, engine_on, log_of

GRACE = timedelta(seconds=3)


async def test_a_pod_that_ends_gives_its_outcome_and_is_removed(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, "out", f"{key.layer}eerr", end="3 - n ")
    heard = await began(api, engine, key)
    outcome = await engine.wait(key)
    assert (outcome.exit_code, outcome.reason, outcome.image_digest) == (3, Reason.EXIT_CODE, "sha256:abc")
    assert heard.text == {Stream.STDOUT: b"out\n", Stream.STDERR: b"err\n"}
    await engine.remove(key)
    assert api.pods == {}


async def test_a_no_op_that_is_never_seen_running_gives_its_outcome(api: ApiServer, engine: KubernetesEngine) -> None:
    key, heard = a_key(), Heard()
    api.logs[pod_name(key)] = log_of(key)
    starting = asyncio.create_task(engine.start(key, RUN, heard))
    await api.called("POST", "/pods")
    api.end(pod_name(key))
    await starting
    assert (await engine.wait(key)).succeeded


async def test_a_second_start_makes_no_second_pod(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key)
    await began(api, engine, key)
    again = engine_on(api)
    await again.start(key, RUN, Heard())
    assert (await again.wait(key)).succeeded
    assert len(api.pods) == 1
    await again.aclose()


async def test_a_creation_whose_answer_was_lost_is_not_repeated(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    first = asyncio.create_task(engine.start(key, RUN, Heard()))
    await api.called("POST", "/pods")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    api.run(pod_name(key))
    await engine.start(key, RUN, Heard())
    assert api.calls.count(("POST", "/pods")) <= 2
    assert len(api.pods) == 1


async def test_what_is_stopped_keeps_its_outcome_until_it_is_removed(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    name = pod_name(key)
    api.logs[name] = log_of(key, end=None)
    await began(api, engine, key)
    stopping = asyncio.create_task(engine.stop(key, grace=GRACE))
    await api.called("DELETE", f"/pods/{name}")
    assert not stopping.done()
    api.end(name, 143)
    await stopping
    assert (await engine.wait(key)).exit_code == 143
    await engine.remove(key)
    assert api.pods == {}


async def test_the_log_of_what_is_stopped_is_not_read_again_when_the_node_has_deleted_it(
    api: ApiServer, engine: KubernetesEngine
) -> None:
    key = a_key()
    name = pod_name(key)
    api.logs[name] = log_of(key, "up", end=None)
    heard = await began(api, engine, key)
    await api.called("GET", f"/pods/{name}/log")
    api.logs[name] = b"unable to retrieve container logs for containerd://abc"
    stopping = asyncio.create_task(engine.stop(key, grace=GRACE))
    await api.called("DELETE", f"/pods/{name}")
    api.end(name, 137)
    await stopping
    outcome = await engine.wait(key)
    assert (outcome.exit_code, outcome.log_gap) == (137, None)
    assert heard.text[Stream.STDOUT] == b"up\n"


async def test_what_has_succeeded_stays_so_if_its_pod_goes_before_that_is_collected(
    api: ApiServer, engine: KubernetesEngine
) -> None:
    key = a_key()
    name = pod_name(key)
    api.logs[name] = log_of(key)

    def delete(request: web.Request) -> None:
        if request.path.endswith("/log") and name in api.pods:
            api.delete(name)

    api.faults.append(delete)
    await began(api, engine, key)
    assert (await engine.wait(key)).succeeded


async def test_only_pods_of_this_installation_are_listed(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key("_Step-")
    await began(api, engine, key)
    assert await engine.attempts() == [key]

"""What a watch of the API can do."""

import asyncio

import pytest

from aiop.engines.kubernetes import ClusterAccess, KubernetesEngine
from aiop.engines.kubernetes.client import KubernetesClient
from aiop.engines.kubernetes.names import pod_name
from aiop.engines.kubernetes.watch import PodWatch
from aiop.errors import EngineUnavailable, StepLost
from aiop.model.records import Stream
from api_server import ApiServer, failure
from unit.engines.kubernetes.subject import RUN, Heard, a_key, began, log_of


async def test_one_watch_serves_all_pods_and_nothing_polls(api: ApiServer, engine: KubernetesEngine) -> None:
    keys = [a_key() for _ in range(5)]
    for key in keys:
        api.logs[pod_name(key)] = log_of(key)
    starting = [asyncio.create_task(engine.start(key, RUN, Heard())) for key in keys]
    await api.called("POST", "/pods", times=5)
    for key in keys:
        api.end(pod_name(key))
    await asyncio.gather(*starting)
    assert all(outcome.succeeded for outcome in await asyncio.gather(*map(engine.wait, keys)))
    assert api.calls.count(("GET", "/pods?watch")) == 1
    assert api.calls.count(("GET", "/pods")) == 1


async def test_a_watch_that_is_cut_goes_on_where_it_was(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    starting = asyncio.create_task(engine.start(key, RUN, Heard()))
    await api.called("POST", "/pods")
    await api.called("GET", "/pods?watch")
    api.send({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "150"}}})
    api.version = 150
    api.cut()
    await api.called("GET", "/pods?watch", times=2)
    api.run(pod_name(key))
    await starting
    assert api.watched_from[1] == "150"
    assert api.calls.count(("GET", "/pods")) == 1


@pytest.mark.parametrize("way", ["answer", "event"])
async def test_a_watch_that_is_too_old_begins_anew_with_a_list(
    api: ApiServer, engine: KubernetesEngine, way: str
) -> None:
    key = a_key()
    starting = asyncio.create_task(engine.start(key, RUN, Heard()))
    await api.called("POST", "/pods")
    await api.called("GET", "/pods?watch")
    if way == "answer":
        api.send({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "120"}}})
        api.faults.append(lambda request: failure(410, "too old") if request.query.get("watch") else None)
    else:
        api.send({"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}})
    api.cut()
    # What has happened meanwhile no watch will tell.
    api.run(pod_name(key))
    await starting
    assert api.calls.count(("GET", "/pods")) == 2


async def test_a_pod_that_vanished_unseen_is_lost(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, end=None)
    await began(api, engine, key)
    del api.pods[pod_name(key)]
    api.version += 1
    api.send({"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}})
    with pytest.raises(StepLost):
        await engine.wait(key)


async def test_an_event_that_comes_late_changes_nothing(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key)
    heard = await began(api, engine, key)
    old = {**api.pods[pod_name(key)], "metadata": {**api.pods[pod_name(key)]["metadata"], "resourceVersion": "1"}}
    api.send({"type": "MODIFIED", "object": {**old, "status": {"phase": "Pending"}}})
    api.send({"type": "DELETED", "object": old})
    api.end(pod_name(key))
    assert (await engine.wait(key)).succeeded
    assert heard.text[Stream.STDOUT] == b""


async def test_where_the_api_does_not_answer_who_waits_is_told(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    starting = asyncio.create_task(engine.start(key, RUN, Heard()))
    await api.called("POST", "/pods")
    await api.called("GET", "/pods?watch")
    api.send({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "120"}}})
    api.faults.append(lambda request: failure(503, "apiserver is starting") if request.query.get("watch") else None)
    api.cut()
    with pytest.raises(EngineUnavailable, match="starting"):
        await starting
    api.run(pod_name(key))
    assert await engine.start(key, RUN, Heard()) is not None


async def test_where_the_api_says_what_cannot_be_read_who_waits_is_told(api: ApiServer) -> None:
    client = KubernetesClient(ClusterAccess(kubeconfig=api.kubeconfig))
    watch = PodWatch(client, "a=b")
    waiting = asyncio.create_task(watch.until("pod", lambda pod: pod is not None))
    await api.called("GET", "/pods?watch")
    for line in api.watches:
        line.put_nowait(b"<html>\n")
    with pytest.raises(EngineUnavailable, match="cannot be read"):
        await waiting
    await watch.open()
    await watch.aclose()
    await client.aclose()

"""What a pod can come to."""

import asyncio

import pytest

from aiop.engines.kubernetes import KubernetesEngine
from aiop.engines.kubernetes.names import pod_name
from aiop.errors import EngineRefused, RegistryUnavailable, StartDelayed, StepLost
from aiop.model.ids import StepKey
from aiop.model.records import Stream
from aiop.model.run import ContainerRun, VolumeMount
from aiop.model.state import Reason
from api_server import ApiServer, container, failure
from unit.engines.kubernetes.subject import RUN, Heard, a_key, began, log_of


async def test_what_cannot_be_scheduled_is_told_once_in_the_clusters_words(
    api: ApiServer, engine: KubernetesEngine
) -> None:
    key, words = a_key(), "0/1 nodes are available: 1 Insufficient cpu."
    starting = asyncio.create_task(engine.start(key, RUN, Heard()))
    await api.called("POST", "/pods")
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
    api.change(pod_name(key), conditions=[condition])
    with pytest.raises(StartDelayed, match="Insufficient cpu"):
        await starting
    again = asyncio.create_task(engine.start(key, RUN, Heard()))
    await api.called("POST", "/pods", times=2)
    api.run(pod_name(key))
    assert await again is not None


async def test_a_claim_that_is_not_there_fails_the_start(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    run = ContainerRun("image", command=("true",), mounts=(VolumeMount("data", "/data", read_only=False),))
    starting = asyncio.create_task(engine.start(key, run, Heard()))
    await api.called("POST", "/pods")
    words = '0/1 nodes are available: persistentvolumeclaim "data" not found.'
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
    api.change(pod_name(key), conditions=[condition])
    assert await starting is None
    outcome = await engine.wait(key)
    assert (outcome.reason, outcome.exit_code) == (Reason.START_FAILED, None)
    assert "data" in (outcome.error or "")
    assert api.pods == {}


@pytest.mark.parametrize("why", ["ErrImagePull", "ImagePullBackOff"])
async def test_an_image_that_is_refused_is_an_outcome(api: ApiServer, engine: KubernetesEngine, why: str) -> None:
    key = a_key()
    starting = asyncio.create_task(engine.start(key, RUN, Heard()))
    await api.called("POST", "/pods")
    waiting = {"reason": why, "message": "pull access denied, repository does not exist"}
    api.change(pod_name(key), containerStatuses=[container(waiting=waiting)])
    assert await starting is None
    outcome = await engine.wait(key)
    assert outcome.reason is Reason.IMAGE_PULL
    assert outcome.error == f"{why}: {waiting['message']}"
    # It must not begin after it was given up.
    assert api.pods == {}


async def test_a_registry_that_is_away_may_come_back(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    starting = asyncio.create_task(engine.start(key, RUN, Heard()))
    await api.called("POST", "/pods")
    waiting = {"reason": "ErrImagePull", "message": "dial tcp 10.0.0.1:443: connect: connection refused"}
    api.change(pod_name(key), containerStatuses=[container(waiting=waiting)])
    with pytest.raises(RegistryUnavailable, match="connection refused"):
        await starting
    await began_again(api, engine, key)


async def began_again(api: ApiServer, engine: KubernetesEngine, key: StepKey) -> None:
    again = asyncio.create_task(engine.start(key, RUN, Heard()))
    await api.called("POST", "/pods", times=2)
    api.run(pod_name(key))
    assert await again is not None


TROUBLE = {
    "CreateContainerError": StartDelayed,
    "CreateContainerConfigError": StartDelayed,
    "ErrImagePull": RegistryUnavailable,
}


@pytest.mark.parametrize("why", TROUBLE)
async def test_what_the_trouble_of_a_node_keeps_from_beginning_may_begin_later(
    api: ApiServer, engine: KubernetesEngine, why: str
) -> None:
    key = a_key()
    starting = asyncio.create_task(engine.start(key, RUN, Heard()))
    await api.called("POST", "/pods")
    waiting = {"reason": why, "message": "error reading from server: EOF"}
    api.change(pod_name(key), containerStatuses=[container(waiting=waiting)])
    with pytest.raises(TROUBLE[why], match="error reading from server"):
        await starting
    await began_again(api, engine, key)


LOST = {
    "evicted": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."},
    "not admitted": {"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough resource: cpu"},
    "node away": {
        "conditions": [
            {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager", "message": "taint"}
        ]
    },
    "preempted": {
        "phase": "Failed",
        "conditions": [
            {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "preempting"}
        ],
        "containerStatuses": [container(terminated={"exitCode": 143, "reason": "Error"})],
    },
    "not started by a node in trouble": {
        "phase": "Failed",
        "containerStatuses": [
            container(terminated={"exitCode": 128, "reason": "StartError", "message": "create shim: context canceled"})
        ],
    },
    "unknown to the node": {
        "phase": "Failed",
        "containerStatuses": [container(terminated={"exitCode": 137, "reason": "ContainerStatusUnknown"})],
    },
}


@pytest.mark.parametrize("how", LOST)
async def test_what_the_cluster_takes_away_is_a_lost_step(api: ApiServer, engine: KubernetesEngine, how: str) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, "begun", end=None)
    await began(api, engine, key)
    api.change(pod_name(key), **{"containerStatuses": [], **LOST[how]})
    with pytest.raises(StepLost):
        await engine.wait(key)


async def test_what_a_command_reported_stands_where_the_node_does_not_know(
    api: ApiServer, engine: KubernetesEngine
) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, "begun", end="0 - m ")
    await began(api, engine, key)
    api.end(pod_name(key), 255, reason="Unknown", message="o dj0xCg==\n.\n")
    outcome = await engine.wait(key)
    assert (outcome.exit_code, outcome.reason, outcome.error) == (0, None, None)
    assert outcome.output_file is not None
    assert outcome.output_file.content == b"v=1\n"


async def test_outputs_that_a_node_has_lost_are_a_lost_step(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, "begun", end="0 - m ")
    await began(api, engine, key)
    api.end(pod_name(key), 255, reason="Unknown")
    with pytest.raises(StepLost):
        await engine.wait(key)


async def test_a_memory_limit_that_was_reached_is_its_own_reason(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, end=None)
    await began(api, engine, key)
    api.end(pod_name(key), 137, reason="OOMKilled")
    outcome = await engine.wait(key)
    assert (outcome.exit_code, outcome.reason) == (137, Reason.OOM_KILLED)


async def test_a_deadline_of_the_cluster_is_a_timeout(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, end=None)
    await began(api, engine, key)
    api.change(pod_name(key), reason="DeadlineExceeded", message="Pod was active longer than specified deadline")
    api.end(pod_name(key), 137)
    outcome = await engine.wait(key)
    assert outcome.reason is Reason.TIMEOUT
    assert "longer than specified" in (outcome.error or "")


@pytest.mark.parametrize("first", ["stdout", "stderr"])
async def test_the_streams_of_a_log_end_in_any_order(api: ApiServer, engine: KubernetesEngine, first: str) -> None:
    key = a_key()
    marks = (f"{key.layer}r 3 e n ", f"{key.layer}elast", f"{key.layer}e{key.layer}f")
    api.logs[pod_name(key)] = log_of(key, *(marks if first == "stdout" else (*marks[1:], marks[0])), end=None)
    heard = await began(api, engine, key)
    outcome = await engine.wait(key)
    assert (outcome.exit_code, outcome.log_gap) == (3, None)
    assert heard.text[Stream.STDERR] == b"last\n"


async def test_a_log_that_lacks_the_end_of_one_stream_says_so(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, end="3 e n ")
    await began(api, engine, key)
    api.end(pod_name(key), 3)
    assert (await engine.wait(key)).log_gap == "the end of the log is missing"


TOLD = "143 -t n "
"""The report of a command whose container was told to end."""


@pytest.mark.parametrize("how", ["evicted", "preempted"])
async def test_whoever_told_a_container_to_end_is_asked_of_the_cluster(
    api: ApiServer, engine: KubernetesEngine, how: str
) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, "begun", end=TOLD)
    await began(api, engine, key)
    waiting = asyncio.create_task(engine.wait(key))
    await api.called("GET", f"/pods/{pod_name(key)}/log")
    api.change(pod_name(key), **{**LOST[how], "containerStatuses": [container(terminated={"exitCode": 143})]})
    with pytest.raises(StepLost):
        await waiting


async def test_a_command_that_was_told_to_end_by_a_deadline_is_a_timeout(
    api: ApiServer, engine: KubernetesEngine
) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, "begun", end=TOLD)
    await began(api, engine, key)
    waiting = asyncio.create_task(engine.wait(key))
    await api.called("GET", f"/pods/{pod_name(key)}/log")
    api.change(pod_name(key), reason="DeadlineExceeded", message="Pod was active longer than specified deadline")
    api.end(pod_name(key), 143)
    outcome = await waiting
    assert (outcome.exit_code, outcome.reason) == (143, Reason.TIMEOUT)
    assert "longer than specified" in (outcome.error or "")


async def test_a_command_that_told_itself_to_end_has_an_exit_code(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, "begun", end=TOLD)
    await began(api, engine, key)
    api.end(pod_name(key), 143)
    outcome = await engine.wait(key)
    assert (outcome.exit_code, outcome.reason) == (143, Reason.EXIT_CODE)


async def test_what_is_killed_from_outside_is_lost(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, "begun", end=None)
    await began(api, engine, key)
    api.end(pod_name(key), 137)
    with pytest.raises(StepLost, match="from outside"):
        await engine.wait(key)


async def test_an_image_without_a_shell_is_run_as_it_is(api: ApiServer, engine: KubernetesEngine) -> None:
    key, heard = a_key(), Heard()
    name = pod_name(key)
    starting = asyncio.create_task(engine.start(key, RUN, heard))
    await api.called("POST", "/pods")
    api.end(name, 128, reason="StartError", message='exec: "/bin/sh": stat /bin/sh: no such file or directory')
    await api.called("POST", "/pods", times=2)
    assert api.pods[name]["spec"]["containers"][0]["command"] == ["true"]
    api.logs[name] = b"2030-01-01T00:00:00Z plain\n"
    api.end(name, message="x=1")
    await starting
    outcome = await engine.wait(key)
    assert (outcome.exit_code, heard.text[Stream.STDOUT]) == (0, b"plain\n")
    assert outcome.output_file is not None
    assert outcome.output_file.content == b"x=1"


async def test_a_command_that_is_not_there_could_not_be_started(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, end="127 - r exec /no/such: not found")
    await began(api, engine, key)
    outcome = await engine.wait(key)
    assert (outcome.exit_code, outcome.reason) == (127, Reason.START_FAILED)
    assert outcome.error == "exec /no/such: not found"


async def test_a_quota_that_is_used_up_is_waited_for(api: ApiServer, engine: KubernetesEngine) -> None:
    words = "pods is forbidden: exceeded quota: team, requested: pods=1, used: pods=9, limited: pods=9"
    api.faults.append(lambda request: failure(403, words) if request.method == "POST" else None)
    with pytest.raises(StartDelayed, match="exceeded quota"):
        await engine.start(a_key(), RUN, Heard())


async def test_who_may_not_make_pods_is_refused(api: ApiServer, engine: KubernetesEngine) -> None:
    words = 'pods is forbidden: User "x" cannot create resource "pods"'
    api.faults.append(lambda request: failure(403, words) if request.method == "POST" else None)
    with pytest.raises(EngineRefused, match="cannot create"):
        await engine.start(a_key(), RUN, Heard())

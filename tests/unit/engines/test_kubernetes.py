"""The adapter against a stand-in for the API server: what a watch can do, what a pod can come to, what is asked."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from aiop.engines.kubernetes import ClusterAccess, KubernetesEngine
from aiop.engines.kubernetes.names import pod_name
from aiop.errors import EngineRefused, EngineUnavailable, RegistryUnavailable, StartDelayed, StepLost
from aiop.model.agent import PodSettings
from aiop.model.definition import Resources
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.records import Stream
from aiop.model.run import ContainerRun, Credentials, HostMount, VolumeMount
from aiop.model.state import Reason
from api_server import ApiServer, container, failure

GRACE = timedelta(seconds=3)
RUN = ContainerRun("image", command=("true",))


class Heard:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.text = {Stream.STDOUT: b"", Stream.STDERR: b""}

    def __call__(self, stream: Stream, data: bytes, at: object) -> None:
        self.text[stream] += data


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with ApiServer().serving() as server:
        yield server


def engine_on(api: ApiServer, **settings: Any) -> KubernetesEngine:
    return KubernetesEngine(
        access=ClusterAccess(kubeconfig=api.kubeconfig), installation="here", settings=PodSettings(**settings)
    )


@pytest.fixture
async def engine(api: ApiServer) -> AsyncIterator[KubernetesEngine]:
    made = engine_on(api)
    yield made
    await made.aclose()


def a_key(step: str = "step") -> StepKey:
    return StepKey(ExecutionId(str(uuid4())), StepId(step))


def log_of(key: StepKey, *lines: str, end: str | None = "0 0 n ") -> bytes:
    """A log as the API gives it, of a wrapped command."""
    texts = [f"{key.layer}b", *lines, *([f"{key.layer}r {end}"] if end is not None else [])]
    return "".join(f"2030-01-01T00:00:00.{number:09}Z {text}\n" for number, text in enumerate(texts)).encode()


async def began(api: ApiServer, engine: KubernetesEngine, key: StepKey, run: ContainerRun = RUN) -> Heard:
    """Start, and have the container run."""
    heard, name = Heard(), pod_name(key)
    starting = asyncio.create_task(engine.start(key, run, heard))
    await api.called("POST", "/pods")
    api.run(name)
    assert await starting is not None
    return heard


# --- an attempt ---------------------------------------------------------------------------------------------


async def test_a_pod_that_ends_gives_its_outcome_and_is_removed(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key()
    api.logs[pod_name(key)] = log_of(key, "out", f"{key.layer}eerr", end="3 0 n ")
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


# --- the watch ----------------------------------------------------------------------------------------------


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


# --- what a pod can come to ---------------------------------------------------------------------------------


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
    api.logs[pod_name(key)] = log_of(key, end="127 0 r exec /no/such: not found")
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


# --- stop and remove ----------------------------------------------------------------------------------------


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


async def test_only_pods_of_this_installation_are_listed(api: ApiServer, engine: KubernetesEngine) -> None:
    key = a_key("_Step-")
    await began(api, engine, key)
    assert await engine.attempts() == [key]


# --- what a pod is ------------------------------------------------------------------------------------------


async def made(api: ApiServer, run: ContainerRun, **settings: Any) -> dict[str, Any]:
    """The pod that a start makes."""
    engine, key = engine_on(api, **settings), a_key()
    try:
        await began(api, engine, key, run)
        return api.pods[pod_name(key)]
    finally:
        await engine.aclose()


async def test_a_pod_can_do_no_more_than_it_needs(api: ApiServer) -> None:
    spec = (await made(api, RUN))["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["restartPolicy"] == "Never"
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False
    assert spec["volumes"] == []


async def test_secrets_are_in_no_pod_and_are_there_before_it_is_scheduled(api: ApiServer) -> None:
    run = ContainerRun(
        "image",
        command=("true",),
        environment={"TOKEN": "s3cret-word", "PLAIN": "$(TOKEN) $$"},
        files={"/etc/key": b"s3cret-key"},
        secret_environment=frozenset({"TOKEN"}),
        credentials=Credentials("registry.example", "user", "s3cret-login"),
    )
    pod = await made(api, run)
    assert "s3cret" not in repr(pod)
    assert pod["spec"].get("schedulingGates") is None
    environment = {entry["name"]: entry for entry in pod["spec"]["containers"][0]["env"]}
    assert environment["TOKEN"]["valueFrom"]["secretKeyRef"]["key"] == "variable0"
    assert environment["PLAIN"]["value"] == "$$(TOKEN) $$$$"
    name = pod["metadata"]["name"]
    assert set(api.secrets) == {name, f"{name}-pull"}
    assert pod["spec"]["imagePullSecrets"] == [{"name": f"{name}-pull"}]
    for secret in api.secrets.values():
        assert secret["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
    order = [path for method, path in api.calls if method in ("POST", "PATCH")]
    assert order == ["/pods", "/secrets", "/secrets", f"/pods/{name}"]


async def test_limits_are_asked_for_and_granted(api: ApiServer) -> None:
    run = ContainerRun("image", command=("true",), resources=Resources(cpu_millis=500, memory_bytes=1024, gpus=2))
    resources = (await made(api, run))["spec"]["containers"][0]["resources"]
    assert resources["limits"] == resources["requests"] == {"cpu": "500m", "memory": "1024", "nvidia.com/gpu": "2"}


async def test_an_agent_says_where_its_pods_go(api: ApiServer) -> None:
    toleration = (("key", "gpu"), ("operator", "Exists"))
    spec = (await made(
        api,
        RUN,
        node_selector=(("disk", "fast"),),
        tolerations=(toleration,),
        service_account="steps",
        image_pull_secrets=("registry",),
        priority_class="low",
    ))["spec"]  # fmt: skip
    assert spec["nodeSelector"] == {"disk": "fast"}
    assert spec["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert (spec["serviceAccountName"], spec["priorityClassName"]) == ("steps", "low")
    assert spec["imagePullSecrets"] == [{"name": "registry"}]


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (ContainerRun("image", command=("x",), mounts=(HostMount("/tmp", "/t", read_only=True),)), "host_paths"),
        (ContainerRun("image", command=("x",), user="worker"), "numbers only"),
        (ContainerRun("image", command=("x",), mounts=(VolumeMount("My_Data", "/d", read_only=True),)), "My_Data"),
        (ContainerRun("image", command=("x",), files={"/f": bytes(2_000_000)}), "larger"),
    ],
)
async def test_what_no_pod_can_be_made_of_fails_the_start(
    api: ApiServer, engine: KubernetesEngine, run: ContainerRun, words: str
) -> None:
    key = a_key()
    assert await engine.start(key, run, Heard()) is None
    outcome = await engine.wait(key)
    assert outcome.reason is Reason.START_FAILED
    assert words in (outcome.error or "")
    assert api.pods == {}


# --- the engine ---------------------------------------------------------------------------------------------


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

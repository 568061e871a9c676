"""What is asked of the cluster for a step."""

from typing import Any

import pytest

from aiop.engines.kubernetes import KubernetesEngine
from aiop.engines.kubernetes.names import pod_name
from aiop.model.definition import Resources
from aiop.model.run import ContainerRun, Credentials, HostMount, VolumeMount
from aiop.model.state import Reason
from api_server import ApiServer
from unit.engines.kubernetes.subject import RUN, Heard, a_key, began, engine_on


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

"""Where a cluster puts pods, what it gives them, and how it takes them away again."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from aiop.engines.kubernetes.names import pod_name
from aiop.errors import StartDelayed, StepLost
from aiop.model.definition import PullPolicy, Resources
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun, HostMount, VolumeMount
from aiop.model.state import Reason
from contract.engine.subject import GRACE, KubernetesSubject, Output
from kubernetes_lab import KubernetesLab

pytestmark = pytest.mark.kubernetes

Make = Callable[..., KubernetesSubject]


@pytest.fixture
async def subject_with(kubernetes_lab: KubernetesLab, tmp_path: Path) -> AsyncIterator[Make]:
    """Make an engine whose pods are set so."""
    subjects = []

    def make(**settings: Any) -> KubernetesSubject:
        subjects.append(KubernetesSubject(kubernetes_lab, directory=tmp_path, **settings))
        return subjects[-1]

    yield make
    for subject in subjects:
        await subject.aclose()


async def begun(subject: KubernetesSubject, run: ContainerRun | None = None) -> tuple[StepKey, Output]:
    """Start what runs until it is told to end, and wait until it is up."""
    key, output = subject.key(), Output()
    while True:
        with contextlib.suppress(StartDelayed):
            await subject.engine.start(key, run or subject.run("echo up; sleep infinity"), output)
            break
    await output.shows(b"up\n")
    return key, output


# --- where, and with what -----------------------------------------------------------------------------------------


async def test_pods_are_made_as_the_agent_says(subject_with: Make, kubernetes_lab: KubernetesLab) -> None:
    lab, name, taint = kubernetes_lab, f"aiop-{uuid4().hex[:8]}", f"aiop.test/{uuid4().hex[:8]}"
    lab.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 7},
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": "runc"},
    )
    lab.kubectl("taint", "node", lab.node, f"{taint}=x:NoSchedule")
    try:
        settings = {
            "service_account": name,
            "priority_class": name,
            "runtime_class": name,
            "node_selector": (("kubernetes.io/hostname", lab.node),),
        }
        refused = subject_with(**settings)
        key = refused.key()
        with pytest.raises(StartDelayed, match=r"Unschedulable: 0/1 nodes are available: .*untolerated taint"):
            await refused.engine.start(key, refused.run("true"), Output())
        await refused.engine.stop(key, grace=GRACE)
        taken = subject_with(**settings, tolerations=((("key", taint), ("operator", "Exists")),))
        key, _ = await begun(taken, taken.run("ls /var/run/secrets/kubernetes.io || echo up; sleep infinity"))
        pod = lab.get("pod", pod_name(key))["spec"]
        made = {field: pod[field] for field in ("serviceAccountName", "priorityClassName", "runtimeClassName")}
        assert set(made.values()) == {name}
        assert (pod["priority"], pod["nodeName"]) == (7, lab.node)
        assert "serviceAccountToken" not in json.dumps(pod)
    finally:
        lab.kubectl("taint", "node", lab.node, f"{taint}-")
        for kind in ("priorityclass", "runtimeclass"):
            lab.kubectl("delete", kind, name)


async def test_what_asks_for_more_than_there_is_waits_in_the_clusters_words(subject_with: Make) -> None:
    subject = subject_with()
    for resources, words in (
        (Resources(cpu_millis=1_000_000), "Insufficient cpu"),
        (Resources(gpus=999), r"Insufficient nvidia\.com/gpu"),
    ):
        key = subject.key()
        with pytest.raises(StartDelayed, match=f"Unschedulable: 0/1 nodes are available: 1 {words}"):
            await subject.engine.start(key, subject.run("true", resources=resources), Output())
        await subject.engine.stop(key, grace=GRACE)
        assert pod_name(key) not in subject.lab.names("pods")


async def test_gpus_are_counted_by_the_cluster(subject_with: Make, kubernetes_lab: KubernetesLab) -> None:
    # No plugin hands one over here: the node is said to have two, which is what the scheduler goes by.
    lab, subject = kubernetes_lab, subject_with()
    lab.set_capacity("nvidia.com/gpu", "2")
    try:
        both = subject.run("echo up; sleep infinity", resources=Resources(gpus=2))
        first, _ = await begun(subject, both)
        limits = lab.get("pod", pod_name(first))["spec"]["containers"][0]["resources"]
        assert limits == {"limits": {"nvidia.com/gpu": "2"}, "requests": {"nvidia.com/gpu": "2"}}
        second, output = subject.key(), Output()
        with pytest.raises(StartDelayed, match=r"Insufficient nvidia\.com/gpu"):
            await subject.engine.start(second, both, output)
        starting = asyncio.create_task(subject.engine.start(second, both, output))
        await subject.engine.stop(first, grace=GRACE)
        await subject.engine.remove(first)
        await starting
        await output.shows(b"up\n")
    finally:
        lab.set_capacity("nvidia.com/gpu", None)


async def test_an_empty_directory_is_the_pods_own(subject_with: Make) -> None:
    subject = subject_with()
    mounts = (VolumeMount("emptyDir", "/a", read_only=False), VolumeMount("emptyDir", "/b", read_only=False))
    run = ContainerRun(
        subject.image, ("sh", "-c", "ls -A /a /b; echo x >/a/x; ls -A /a /b"), mounts=mounts, user="1000:1000"
    )
    for _ in range(2):
        output = Output()
        assert (await subject.outcome(run, output)).exit_code == 0
        assert output.stdout == b"/a:\n\n/b:\n/a:\nx\n\n/b:\n"


async def test_directories_of_the_node_are_the_agents_to_allow(subject_with: Make, tmp_path: Path) -> None:
    subject = subject_with(host_paths=False)
    mounts = (HostMount(str(tmp_path), "/data", read_only=True),)
    outcome = await subject.outcome(subject.run("true", mounts=mounts))
    assert (outcome.exit_code, outcome.reason) == (None, Reason.START_FAILED)
    assert "host_paths" in (outcome.error or "")


async def test_a_claim_that_is_not_there_fails_the_start_in_the_clusters_words(subject_with: Make) -> None:
    subject = subject_with()
    run = ContainerRun(subject.image, ("true",), mounts=(VolumeMount("no-such", "/data", read_only=False),))
    outcome = await subject.outcome(run)
    assert (outcome.exit_code, outcome.reason) == (None, Reason.START_FAILED)
    assert 'persistentvolumeclaim "no-such" not found' in (outcome.error or "")


@pytest.mark.parametrize("level", ["baseline", "restricted"])
async def test_a_namespace_may_refuse_what_it_does_not_like(subject_with: Make, level: str) -> None:
    subject = subject_with()
    label = "pod-security.kubernetes.io/enforce"
    subject.lab.kubectl("label", "namespace", subject.lab.namespace, f"{label}={level}")
    try:
        outcome = await subject.outcome(subject.run("true"))
    finally:
        subject.lab.kubectl("label", "namespace", subject.lab.namespace, f"{label}-")
    if level == "baseline":
        assert outcome.succeeded
    else:
        assert (outcome.exit_code, outcome.reason) == (None, Reason.START_FAILED)
        assert 'violates PodSecurity "restricted' in (outcome.error or "")


async def test_two_services_may_look_up_one_image_at_once(subject_with: Make) -> None:
    subject = subject_with()
    engines = [subject.engine, *(subject.restarted() for _ in range(3))]
    asked = (engine.resolve(subject.image, pull=PullPolicy.MISSING, credentials=None) for engine in engines)
    digests = set(await asyncio.gather(*asked))
    assert len(digests) == 1
    assert digests.pop().startswith("sha256:")


# --- taken away ---------------------------------------------------------------------------------------------------


async def test_what_is_evicted_by_request_is_a_lost_step(subject_with: Make) -> None:
    subject = subject_with()
    key, _ = await begun(subject)
    waiting = asyncio.create_task(subject.engine.wait(key))
    subject.lab.evict(pod_name(key))
    with pytest.raises(StepLost):
        await waiting


async def test_what_a_node_evicts_is_a_lost_step_in_the_clusters_words(subject_with: Make) -> None:
    subject = subject_with()
    limit = {"type": "Container", "default": {"ephemeral-storage": "1Mi"}}
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": [limit]}}
    subject.lab.apply(body)
    try:
        text = "echo up; head -c 20000000 /dev/zero >/large; sleep infinity"
        key, _ = await begun(subject, subject.run(text))
    finally:
        subject.lab.kubectl("delete", "limitrange", "small")
    with pytest.raises(StepLost, match=r"ephemeral"):
        await subject.engine.wait(key)


async def test_what_has_to_make_room_is_a_lost_step(subject_with: Make, kubernetes_lab: KubernetesLab) -> None:
    lab, name = kubernetes_lab, f"aiop-{uuid4().hex[:8]}"
    lab.apply({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 9})
    lab.set_capacity("nvidia.com/gpu", "1")
    try:
        low, high = subject_with(), subject_with(priority_class=name)
        run = low.run("echo up; sleep infinity", resources=Resources(gpus=1))
        key, _ = await begun(low, run)
        waiting = asyncio.create_task(low.engine.wait(key))
        await begun(high, run)
        with pytest.raises(StepLost):
            await waiting
    finally:
        lab.set_capacity("nvidia.com/gpu", None)
        lab.kubectl("delete", "priorityclass", name)


async def test_a_deadline_of_the_cluster_is_a_timeout_in_its_words(subject_with: Make) -> None:
    subject = subject_with()
    key, _ = await begun(subject)
    change = '{"spec": {"activeDeadlineSeconds": 1}}'
    subject.lab.kubectl("patch", "pod", pod_name(key), "--type", "merge", "--patch", change)
    outcome = await subject.engine.wait(key)
    assert outcome.reason is Reason.TIMEOUT
    assert (outcome.error or "").startswith("DeadlineExceeded: ")

"""What only a Kubernetes cluster does, or does in a way of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aiop.engines.kubernetes import ClusterAccess, KubernetesEngine
from aiop.engines.kubernetes.names import pod_name
from aiop.errors import EngineRefused, RegistryUnavailable, StartDelayed, StepLost
from aiop.model.agent import PodSettings
from aiop.model.definition import PullPolicy
from aiop.model.run import ContainerRun, Credentials
from aiop.model.state import Reason
from contract.engine.subject import GRACE, KubernetesSubject, Output
from kubernetes_lab import KubernetesLab

pytestmark = pytest.mark.kubernetes

RIGHTS = Path(__file__).parents[3] / "deploy" / "kubernetes" / "identity.yaml"


@pytest.fixture
async def subject(kubernetes_lab: KubernetesLab, tmp_path: Path) -> AsyncIterator[KubernetesSubject]:
    made = KubernetesSubject(kubernetes_lab, directory=tmp_path)
    yield made
    await made.aclose()


def as_account(lab: KubernetesLab, name: str) -> str:
    """A kubeconfig of a new service account."""
    lab.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
    document = yaml.safe_load(lab.text)
    document["users"] = [{"name": "u", "user": {"token": lab.kubectl("create", "token", name).strip()}}]
    return yaml.safe_dump(document)


def give_rights(lab: KubernetesLab, account: str) -> None:
    """Give the account the rights on steps that we ship."""
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(RIGHTS.read_text()))
    [rules] = [document["rules"] for document in documents if document["kind"] == "Role" and "pods" in str(document)]
    lab.apply(
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": account}, "rules": rules},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": account},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": lab.namespace}],
        },
    )


async def test_the_rights_that_we_ship_are_enough(subject: KubernetesSubject) -> None:
    lab = subject.lab
    kubeconfig = as_account(lab, "least")
    give_rights(lab, "least")
    access = ClusterAccess(kubeconfig, namespace=lab.namespace)
    subject.engine = KubernetesEngine(access=access, installation="contract-tests", settings=PodSettings())
    subject.engines.append(subject.engine)
    await subject.engine.check()
    run = subject.run(
        "cat /etc/given; echo up; sleep infinity",
        files={"/etc/given": b"given\n"},
        credentials=Credentials("registry.example", "user", "password"),
    )
    key, output = subject.key(), Output()
    await subject.engine.start(key, run, output)
    await output.shows(b"given\nup\n")
    await subject.engine.stop(key, grace=GRACE)
    assert (await subject.engine.wait(key)).exit_code == 143
    assert key in await subject.engine.attempts()
    await subject.engine.remove(key)
    large = await subject.outcome(subject.run("head -c 100000 /dev/zero >/l", output_paths={"l": "/l"}))
    assert large.outputs["l"].content == bytes(100_000)


async def test_who_has_no_rights_is_refused(subject: KubernetesSubject) -> None:
    access = ClusterAccess(as_account(subject.lab, "nobody"), namespace=subject.lab.namespace)
    engine = KubernetesEngine(access=access, installation="contract-tests", settings=PodSettings())
    with pytest.raises(EngineRefused, match="cannot list resource"):
        await engine.check()
    await engine.aclose()


async def test_secrets_go_with_their_pod(subject: KubernetesSubject) -> None:
    key = subject.key()
    run = subject.run(
        "echo $TOKEN", environment={"TOKEN": "s3cret-word"}, secret_environment=frozenset({"TOKEN"}), user="1000"
    )
    output = Output()
    await subject.engine.start(key, run, output)
    assert "s3cret-word" not in subject.lab.kubectl("get", "pod", pod_name(key), "-o", "json")
    await subject.engine.wait(key)
    assert output.stdout == b"s3cret-word\n"
    assert pod_name(key) in subject.lab.names("secrets")
    await subject.engine.remove(key)
    subject.lab.kubectl("wait", "--for=delete", f"secret/{pod_name(key)}", "--timeout=60s")


async def test_what_no_node_can_take_says_so_in_the_clusters_words(
    kubernetes_lab: KubernetesLab, tmp_path: Path
) -> None:
    subject = KubernetesSubject(kubernetes_lab, directory=tmp_path, node_selector=(("no-such", "node"),))
    key, run = subject.key(), subject.run("true")
    with pytest.raises(StartDelayed, match="nodes are available"):
        await subject.engine.start(key, run, Output())
    await subject.engine.stop(key, grace=GRACE)
    assert pod_name(key) not in kubernetes_lab.names("pods")
    await subject.aclose()


async def test_a_registry_that_is_not_there_may_come_back(subject: KubernetesSubject) -> None:
    key = subject.key()
    with pytest.raises(RegistryUnavailable, match="connection refused"):
        await subject.engine.start(key, ContainerRun("127.0.0.1:1/x:1", command=("true",)), Output())
    assert pod_name(key) not in subject.lab.names("pods")
    with pytest.raises(RegistryUnavailable):
        await subject.engine.resolve("127.0.0.1:1/x:1", pull=PullPolicy.MISSING, credentials=None)


async def test_an_image_that_cannot_be_named_is_refused(subject: KubernetesSubject) -> None:
    outcome = await subject.outcome(ContainerRun("Not An Image", command=("true",)))
    assert (outcome.exit_code, outcome.reason) in [(None, Reason.IMAGE_PULL), (None, Reason.START_FAILED)]


async def test_a_pod_that_somebody_deletes_is_a_lost_step(subject: KubernetesSubject) -> None:
    key, output = subject.key(), Output()
    await subject.engine.start(key, subject.run("echo up; sleep infinity"), output)
    await output.shows(b"up\n")
    waiting = asyncio.create_task(subject.engine.wait(key))
    subject.lab.kubectl("delete", "pod", pod_name(key), "--wait=false")
    with pytest.raises(StepLost):
        await waiting


async def test_a_step_without_a_command_runs_as_the_image_says(subject: KubernetesSubject) -> None:
    output = Output()
    outcome = await subject.outcome(
        ContainerRun(subject.image, args=("sh", "-c", "echo a; echo x=1 >$AIOP_OUTPUT")), output
    )
    assert (outcome.exit_code, output.stdout) == (0, b"a\n")
    assert outcome.output_file is not None
    assert outcome.output_file.content == b"x=1\n"


async def test_long_lines_of_both_streams_stay_apart(subject: KubernetesSubject) -> None:
    output = Output()
    text = "head -c 100000 /dev/zero | tr '\\0' o; head -c 5000 /dev/zero | tr '\\0' e >&2; echo; echo >&2"
    await subject.outcome(subject.run(text), output)
    assert (output.stdout, output.stderr) == (b"o" * 100_000 + b"\n", b"e" * 5000 + b"\n")


async def test_a_pod_bears_its_key(subject: KubernetesSubject) -> None:
    key = subject.key("_Odd-Step_")
    await subject.engine.start(key, subject.run("true"), Output())
    pod = subject.lab.get("pod", pod_name(key))
    assert pod["metadata"]["labels"]["aiop.execution"] == key.execution
    assert pod["metadata"]["labels"]["aiop.step"] == "Odd-Step"
    assert json.dumps(pod).count("serviceAccountToken") == 0
    assert key in await subject.engine.attempts()


async def test_what_a_cluster_would_put_something_else_for_stays_as_it_is(subject: KubernetesSubject) -> None:
    output = Output()
    run = subject.run("echo '$$ $(A)' \"$A\"; kill -9 $$", environment={"A": "a$$b$(A)$"})
    assert (await subject.outcome(run, output)).exit_code == 137
    assert output.stdout == b"$$ $(A) a$$b$(A)$\n"


async def test_a_container_that_wrote_much_is_there_until_its_log_was_read(subject: KubernetesSubject) -> None:
    key, output = subject.key(), Output()
    text = "echo x=1 >$AIOP_OUTPUT; seq 1 100000"
    await subject.engine.start(key, subject.run(text), output)
    outcome = await subject.engine.wait(key)
    # With outputs it stays for as long as it takes.
    assert subject.lab.get("pod", pod_name(key))["status"]["phase"] == "Running"
    assert (outcome.exit_code, outcome.log_gap) == (0, None)
    assert outcome.output_file is not None
    assert outcome.output_file.content == b"x=1\n"
    assert output.stdout == b"".join(b"%d\n" % number for number in range(1, 100_001))

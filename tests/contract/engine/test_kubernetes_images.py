"""What a node pulls from a registry that asks for a password."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from aiop.engines.kubernetes.names import pod_name
from aiop.errors import ImageRefused
from aiop.model.definition import PullPolicy
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun, Credentials
from aiop.model.state import Reason
from contract.engine.registry import PASSWORD, USER
from contract.engine.subject import KubernetesSubject, Output
from docker_lab import busybox_root
from image_lab import ImageLab, layer, member
from kubernetes_lab import KubernetesLab

pytestmark = pytest.mark.kubernetes


@pytest.fixture
async def subject(kubernetes_lab: KubernetesLab, tmp_path: Path) -> AsyncIterator[KubernetesSubject]:
    made = KubernetesSubject(kubernetes_lab, directory=tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
def image(image_lab: ImageLab) -> str:
    """One that no node has seen."""
    name = uuid4().hex
    return image_lab.image(f"{name}:1", busybox_root(), layer(member("unique", name.encode())))


def run(image: str, credentials: Credentials | None) -> ContainerRun:
    return ContainerRun(image, command=("true",), credentials=credentials)


def secrets_are_gone(subject: KubernetesSubject, key: StepKey) -> None:
    subject.lab.kubectl("wait", "--for=delete", f"secret/{pod_name(key)}-pull", "--timeout=60s")


async def test_an_image_is_pulled_with_credentials_that_go_with_the_pod(
    subject: KubernetesSubject, image_lab: ImageLab, image: str
) -> None:
    key = subject.key()
    await subject.engine.start(key, run(image, Credentials(image_lab.host, USER, PASSWORD)), Output())
    outcome = await subject.engine.wait(key)
    assert outcome.succeeded, outcome
    assert outcome.image_digest == image_lab.digest(image)
    assert f"{pod_name(key)}-pull" in subject.lab.names("secrets")
    assert PASSWORD not in subject.lab.kubectl("get", "pod", pod_name(key), "-o", "json")
    await subject.engine.remove(key)
    secrets_are_gone(subject, key)


async def test_a_host_written_as_an_address_is_the_same_registry(
    subject: KubernetesSubject, image_lab: ImageLab, image: str
) -> None:
    credentials = Credentials(f"http://{image_lab.host}/v2/", USER, PASSWORD)
    assert (await subject.outcome(run(image, credentials))).succeeded


@pytest.mark.parametrize("registry", [None, "other.example"], ids=["the registry's", "another's"])
async def test_wrong_credentials_are_refused_in_the_clusters_words(
    subject: KubernetesSubject, image_lab: ImageLab, image: str, registry: str | None
) -> None:
    key = subject.key()
    password = "wrong-password" if registry is None else PASSWORD
    await subject.engine.start(key, run(image, Credentials(registry or image_lab.host, USER, password)), Output())
    outcome = await subject.engine.wait(key)
    assert (outcome.exit_code, outcome.reason) == (None, Reason.IMAGE_PULL)
    assert (outcome.error or "").startswith("ErrImagePull: ")
    assert "unauthorized" in (outcome.error or "").lower() or "no basic auth" in (outcome.error or "")
    assert password not in (outcome.error or "")
    assert image_lab.registry.manifests_asked(image.partition("/")[2]) == 0
    assert pod_name(key) not in subject.lab.names("pods")
    secrets_are_gone(subject, key)


async def test_an_image_that_is_not_there_is_refused_in_the_clusters_words(
    subject: KubernetesSubject, image_lab: ImageLab
) -> None:
    absent = f"{image_lab.host}/{uuid4().hex}:1"
    outcome = await subject.outcome(run(absent, Credentials(image_lab.host, USER, PASSWORD)))
    assert (outcome.exit_code, outcome.reason) == (None, Reason.IMAGE_PULL)
    assert (outcome.error or "").startswith("ErrImagePull: ")
    assert "not found" in (outcome.error or "")


async def test_a_digest_is_looked_up_with_credentials(
    subject: KubernetesSubject, image_lab: ImageLab, image: str
) -> None:
    right = Credentials(image_lab.host, USER, PASSWORD)
    with pytest.raises(ImageRefused, match="ErrImagePull"):
        await subject.engine.resolve(image, pull=PullPolicy.MISSING, credentials=None)
    found = await subject.engine.resolve(image, pull=PullPolicy.MISSING, credentials=right)
    assert found == image_lab.digest(image)

"""Images on the embedded engine, from a real registry that asks for a password: as on Docker."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiop.engines.oci.engine import OciEngine
from aiop.engines.oci.images import ImageStore
from aiop.errors import ImageRefused, RegistryUnavailable
from aiop.model.definition import PullPolicy
from aiop.model.run import ContainerRun, Credentials, Outcome
from aiop.model.state import Reason
from aiop.runtime.clock import SystemClock
from contract.engine.registry import PASSWORD, USER
from contract.engine.subject import GRACE, OciSubject, Output
from docker_lab import busybox_root
from image_lab import ImageLab
from oci_lab import OciLab

pytestmark = pytest.mark.oci


class Fresh(OciSubject):
    """An engine whose image store is empty."""

    def __init__(self, lab: OciLab, store: ImageStore, directory: Path) -> None:
        super().__init__(lab, directory=directory)
        self.store = store
        self.engine = OciEngine(root=self.root, installation=lab.installation, images=store)
        self.engines.append(self.engine)


@pytest.fixture
async def on_oci(oci_lab: OciLab, tmp_path: Path) -> AsyncIterator[Fresh]:
    store = ImageStore(tmp_path / "images", SystemClock())
    await store.open()
    made = Fresh(oci_lab, store, tmp_path)
    yield made
    await made.aclose()


def right(image_lab: ImageLab) -> Credentials:
    return Credentials(image_lab.host, USER, PASSWORD)


def run(image: str, credentials: Credentials | None, *command: str) -> ContainerRun:
    return ContainerRun(image, command=command or ("true",), credentials=credentials)


def assert_refused(outcome: Outcome, *secrets: str) -> None:
    assert (outcome.exit_code, outcome.reason) == (None, Reason.IMAGE_PULL)
    assert outcome.error
    assert not any(secret in outcome.error for secret in secrets)


async def test_an_image_is_pulled_with_its_credentials_and_its_digest_is_that_of_the_registry(
    on_oci: Fresh, image_lab: ImageLab
) -> None:
    image = image_lab.image("pulled:1", busybox_root(), config={"Env": ["FROM_IMAGE=yes"], "WorkingDir": "/tmp"})
    output = Output()
    outcome = await on_oci.outcome(run(image, right(image_lab), "sh", "-c", "echo $FROM_IMAGE; pwd"), output)
    assert (outcome.succeeded, output.stdout) == (True, b"yes\n/tmp\n")
    assert outcome.image_digest == image_lab.digest(image)
    assert image_lab.digest(image) == await on_oci.engine.resolve(image, pull=PullPolicy.MISSING, credentials=None)


async def test_what_the_registry_refuses_is_an_outcome_that_shows_no_secret(on_oci: Fresh, image_lab: ImageLab) -> None:
    image = image_lab.image("refused:1", busybox_root())
    assert_refused(
        await on_oci.outcome(run(image, Credentials(image_lab.host, USER, "wrong-password"))), "wrong-password"
    )
    assert_refused(await on_oci.outcome(run(image, Credentials("other.example", USER, PASSWORD))), PASSWORD)
    assert_refused(await on_oci.outcome(run(f"{image_lab.host}/no/such:1", right(image_lab))), PASSWORD)
    assert_refused(await on_oci.outcome(run("Not An Image", None)))
    with pytest.raises(ImageRefused):
        await on_oci.engine.resolve(f"{image_lab.host}/no/such:1", pull=PullPolicy.ALWAYS, credentials=right(image_lab))


async def test_a_registry_that_cannot_be_reached_is_a_fault_of_the_infrastructure(on_oci: Fresh) -> None:
    with pytest.raises(RegistryUnavailable):
        await on_oci.engine.start(on_oci.key(), run("127.0.0.1:1/some/image:1", None), Output())


async def test_many_containers_share_one_pull(on_oci: Fresh, image_lab: ImageLab) -> None:
    image = image_lab.image("many:1", busybox_root())
    outcomes = await asyncio.gather(*(on_oci.outcome(run(image, right(image_lab))) for _ in range(4)))
    assert all(outcome.succeeded for outcome in outcomes)
    assert image_lab.registry.manifests_asked("many:1") == 1


async def test_an_image_stays_as_long_as_a_container_has_it(on_oci: Fresh, image_lab: ImageLab) -> None:
    image, key, output = image_lab.image("stays:1", busybox_root()), on_oci.key(), Output()
    await on_oci.engine.start(key, run(image, right(image_lab), "sh", "-c", "echo on; exec sleep 60"), output)
    await output.shows(b"on")
    assert (await on_oci.store.prune(0)).images == 0
    await on_oci.engine.stop(key, grace=GRACE)
    await on_oci.engine.wait(key)
    await on_oci.engine.remove(key)
    assert (await on_oci.store.prune(0)).images == 1

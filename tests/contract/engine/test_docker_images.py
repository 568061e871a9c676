"""Pulling, from a real registry that asks for a password."""

import asyncio

import pytest

from aiop.errors import ImageRefused, RegistryUnavailable
from aiop.model.definition import PullPolicy
from aiop.model.run import ContainerRun, Credentials, Outcome
from aiop.model.state import Reason
from contract.engine.registry import PASSWORD, USER, DockerRegistry
from contract.engine.subject import DockerSubject, Output

pytestmark = pytest.mark.docker


def right(registry: DockerRegistry) -> Credentials:
    return Credentials(registry.host, USER, PASSWORD)


def run(image: str, credentials: Credentials | None = None, pull: PullPolicy = PullPolicy.MISSING) -> ContainerRun:
    return ContainerRun(image, command=("true",), credentials=credentials, pull=pull)


async def test_an_image_is_pulled_with_its_credentials(on_docker: DockerSubject, registry: DockerRegistry) -> None:
    image = await registry.push("pulled:1")
    outcome = await on_docker.outcome(run(image, right(registry)))
    assert outcome.succeeded
    assert outcome.image_digest is not None
    assert outcome.image_digest.startswith("sha256:")
    await registry.forget(image)


async def test_a_host_written_as_an_address_is_the_same_registry(
    on_docker: DockerSubject, registry: DockerRegistry
) -> None:
    image = await registry.push("address:1")
    credentials = Credentials(f"http://{registry.host}/v2/", USER, PASSWORD)
    assert (await on_docker.outcome(run(image, credentials))).succeeded
    await registry.forget(image)


def assert_refused(outcome: Outcome, *secrets: str) -> None:
    assert (outcome.exit_code, outcome.reason) == (None, Reason.IMAGE_PULL)
    assert outcome.error
    assert not any(secret in outcome.error for secret in secrets)


async def test_a_wrong_password_is_an_outcome_that_does_not_show_it(
    on_docker: DockerSubject, registry: DockerRegistry
) -> None:
    image = await registry.push("wrong:1")
    outcome = await on_docker.outcome(run(image, Credentials(registry.host, USER, "wrong-password")))
    assert_refused(outcome, "wrong-password", USER)


async def test_credentials_of_another_registry_are_not_sent(on_docker: DockerSubject, registry: DockerRegistry) -> None:
    image = await registry.push("another:1")
    assert_refused(await on_docker.outcome(run(image, Credentials("other.example", USER, PASSWORD))), PASSWORD)
    assert registry.manifests_asked("another:1") == 0


async def test_an_image_that_the_registry_lacks_is_an_outcome(
    on_docker: DockerSubject, registry: DockerRegistry
) -> None:
    outcome = await on_docker.outcome(run(f"{registry.host}/no/such:1", right(registry)))
    assert_refused(outcome, PASSWORD)


async def test_a_name_that_is_no_image_is_an_outcome(on_docker: DockerSubject) -> None:
    outcome = await on_docker.outcome(run("Not An Image"))
    assert outcome.exit_code is None
    assert outcome.reason in (Reason.IMAGE_PULL, Reason.START_FAILED)


async def test_a_registry_that_cannot_be_reached_is_a_fault_of_the_infrastructure(on_docker: DockerSubject) -> None:
    with pytest.raises(RegistryUnavailable):
        await on_docker.engine.start(on_docker.key(), run("127.0.0.1:1/some/image:1"), Output())


async def test_many_waiters_share_one_pull(on_docker: DockerSubject, registry: DockerRegistry) -> None:
    alone, shared = await registry.push("alone:1"), await registry.push("shared:1")
    await on_docker.outcome(run(alone, right(registry)))
    outcomes = await asyncio.gather(*(on_docker.outcome(run(shared, right(registry))) for _ in range(6)))
    assert all(outcome.succeeded for outcome in outcomes)
    assert registry.manifests_asked("shared:1") == registry.manifests_asked("alone:1") == 1
    await registry.forget(alone)
    await registry.forget(shared)


async def test_a_cancelled_waiter_leaves_the_pull_to_the_others(
    on_docker: DockerSubject, registry: DockerRegistry
) -> None:
    image = await registry.push("cancelled:1")
    key = on_docker.key()
    first = asyncio.create_task(on_docker.engine.start(key, run(image, right(registry)), Output()))
    second = asyncio.create_task(on_docker.outcome(run(image, right(registry))))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).succeeded
    assert first.cancelled() or (await asyncio.gather(first, return_exceptions=True))
    await on_docker.engine.remove(key)
    await registry.forget(image)


async def test_an_image_that_is_there_is_pulled_only_if_asked(
    on_docker: DockerSubject, registry: DockerRegistry
) -> None:
    image = await registry.push("there:1")
    await on_docker.outcome(run(image, right(registry)))
    asked = registry.manifests_asked("there:1")
    assert (await on_docker.outcome(run(image))).succeeded
    assert registry.manifests_asked("there:1") == asked
    assert (await on_docker.outcome(run(image, right(registry), PullPolicy.ALWAYS))).succeeded
    assert registry.manifests_asked("there:1") > asked
    await registry.forget(image)


async def test_the_digest_that_would_run_is_that_of_the_registry(
    on_docker: DockerSubject, registry: DockerRegistry
) -> None:
    image = await registry.push("resolved:1")
    digest = await on_docker.engine.resolve(image, pull=PullPolicy.MISSING, credentials=right(registry))
    outcome = await on_docker.outcome(run(image, right(registry)))
    assert digest == outcome.image_digest
    assert digest.startswith("sha256:")
    await registry.forget(image)


async def test_an_image_that_is_refused_has_no_digest(on_docker: DockerSubject, registry: DockerRegistry) -> None:
    for pull in PullPolicy:
        with pytest.raises(ImageRefused):
            await on_docker.engine.resolve(f"{registry.host}/no/such:1", pull=pull, credentials=right(registry))

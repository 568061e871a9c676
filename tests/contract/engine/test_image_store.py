"""The image store of the embedded engine, on a real registry that asks for a password."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aiop.engines.oci.images import ImageConfig, ImageStore
from aiop.engines.oci.images.skopeo import Skopeo
from aiop.errors import EngineUnavailable, ImageRefused, RegistryUnavailable, TooLarge
from aiop.interfaces import Clock
from aiop.model.definition import PullPolicy
from aiop.model.run import Credentials
from aiop.overlay import Stack
from aiop.runtime.clock import SystemClock
from contract.engine.registry import PASSWORD, USER
from image_lab import PACKERS, ImageLab, directory, image_layout, layer, many_platforms, member

pytestmark = pytest.mark.oci

MISSING, ALWAYS = PullPolicy.MISSING, PullPolicy.ALWAYS


class Subject:
    """A store in a directory of its own, and what is asked of it often."""

    def __init__(self, image_lab: ImageLab, root: Path, *, clock: Clock | None = None, **settings: Any) -> None:
        self.root = root
        self.right = Credentials(image_lab.host, USER, PASSWORD)
        self.make = lambda: ImageStore(root, clock or SystemClock(), **settings)
        self.store = self.make()

    async def pull(self, image: str, policy: PullPolicy = MISSING) -> "Seen":
        return Seen(await self.store.resolve(image, pull=policy, credentials=self.right))

    async def restart(self) -> None:
        await self.store.aclose()
        self.store = self.make()
        await self.store.open()


class Seen:
    """An image, with the view of its layers."""

    def __init__(self, image) -> None:
        self.image = image
        self.digest = image.digest
        self.config = image.config
        self.stack = Stack([os.path.realpath(path) for path in image.layers])

    @property
    def files(self) -> dict[str, bytes | None]:
        return {node.path: Path(node.real[0]).read_bytes() if node.is_file else None for node in self.stack.walk()}


@pytest.fixture
async def subject(image_lab: ImageLab, tmp_path: Path) -> AsyncIterator[Subject]:
    """An empty store."""
    made = Subject(image_lab, tmp_path / "images")
    await made.store.open()
    yield made
    await made.store.aclose()


FILE = layer(directory("etc"), member("etc/name", b"one"))
ONE_FILE = {"etc": None, "etc/name": b"one"}


async def stream(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


class MovedClock(SystemClock):
    """Is moved by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = super().now()

    def now(self) -> datetime:
        return self.moment


async def test_an_image_is_pulled_with_its_files_its_configuration_and_its_digest(image_lab, subject) -> None:
    config = {
        "Entrypoint": ["/bin/sh"], "Cmd": ["-c", "true"], "Env": ["A=b"], "User": "worker", "WorkingDir": "/tmp",
        "Volumes": {"/data": {}, "/cache": {}}, "StopSignal": "SIGINT", "Labels": {"a": "b"},
    }  # fmt: skip
    image = image_lab.image("whole:1", FILE, config=config)
    seen = await subject.pull(image)
    assert seen.digest == image_lab.digest(image)
    assert seen.files == ONE_FILE
    assert seen.config == ImageConfig(
        entrypoint=("/bin/sh",), cmd=("-c", "true"), env=("A=b",), user="worker", working_dir="/tmp",
        volumes=("/cache", "/data"), stop_signal="SIGINT", labels={"a": "b"},
    )  # fmt: skip


@pytest.mark.parametrize("packed", PACKERS)
async def test_layers_may_be_packed_in_any_way(image_lab, subject, packed) -> None:
    image = image_lab.image(f"packed{packed.replace('+', '-')}:1", FILE, packed=packed)
    assert (await subject.pull(image)).files == ONE_FILE


async def test_of_several_platforms_the_one_of_this_machine_is_taken_and_the_digest_is_that_of_all(image_lab, subject):
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    layers = {name: [layer(member("name", name.encode()))] for name in (machine, "s390x", "mips64le")}
    image = image_lab.push("platforms:1", many_platforms(image_lab.scratch(), layers))
    seen = await subject.pull(image)
    assert seen.files == {"name": machine.encode()}
    assert seen.digest == image_lab.digest(image)


async def test_an_image_for_no_platform_of_ours_is_refused(image_lab, subject) -> None:
    image = image_lab.push("elsewhere:1", many_platforms(image_lab.scratch(), {"mips64le": [FILE], "s390x": [FILE]}))
    with pytest.raises(ImageRefused, match="no image found"):
        await subject.pull(image)


async def test_an_image_that_is_there_is_asked_for_only_if_it_must_be(image_lab, subject) -> None:
    image = image_lab.image("there:1", FILE)
    first = await subject.pull(image)
    other = image_lab.image("there:1", layer(member("other")))
    asked = image_lab.registry.manifests_asked("there:1")
    assert (await subject.pull(image)).digest == first.digest
    assert image_lab.registry.manifests_asked("there:1") == asked
    assert (await subject.pull(image, ALWAYS)).digest == image_lab.digest(other) != first.digest
    assert (await subject.pull(image)).digest == image_lab.digest(other)


async def test_a_digest_names_one_image_for_all_time(image_lab, subject) -> None:
    image = image_lab.image("fixed:1", FILE)
    digest = image_lab.digest(image)
    name = f"{image_lab.host}/fixed@{digest}"
    image_lab.image("fixed:1", layer(member("other")))
    assert (await subject.pull(name)).files == ONE_FILE
    with pytest.raises(ImageRefused):
        await subject.pull(f"{image_lab.host}/fixed@sha256:{'0' * 64}")


async def test_what_was_pulled_by_its_tag_is_there_by_its_digest(image_lab, subject) -> None:
    image = image_lab.image("both:1", FILE)
    seen = await subject.pull(image)
    found = await subject.store.resolve(f"{image_lab.host}/both@{seen.digest}", pull=MISSING, credentials=None)
    assert found == seen.image


async def test_layers_are_shared_between_images(image_lab, subject) -> None:
    one = await subject.pull(image_lab.image("sharing:1", FILE, layer(member("one"))))
    two = await subject.pull(image_lab.image("sharing:2", FILE, layer(member("two"))))
    assert one.image.layers[-1] == two.image.layers[-1]
    assert one.image.layers[0] != two.image.layers[0]


async def test_an_image_without_layers_is_empty(image_lab, subject) -> None:
    assert (await subject.pull(image_lab.image("empty:1"))).files == {}


async def test_a_wrong_password_is_refused_and_not_shown(image_lab, subject) -> None:
    image = image_lab.image("wrong:1", FILE)
    for credentials in (Credentials(image_lab.host, USER, "wrong-password"), None):
        with pytest.raises(ImageRefused, match="unauthorized") as refusal:
            await subject.store.resolve(image, pull=MISSING, credentials=credentials)
        assert not any(secret in str(refusal.value) for secret in ("wrong-password", USER))


async def test_credentials_of_another_registry_are_not_sent(image_lab, subject) -> None:
    image = image_lab.image("another:1", FILE)
    with pytest.raises(ImageRefused):
        await subject.store.resolve(image, pull=MISSING, credentials=Credentials("other.example", USER, PASSWORD))
    assert image_lab.registry.manifests_asked("another:1") == 0


async def test_credentials_are_in_a_private_file_while_they_are_needed_and_nowhere_else(
    image_lab, subject, monkeypatch
):
    image, seen = image_lab.image("private:1", FILE), []
    run = Skopeo.run

    async def spy(self, *arguments, **more):
        files = [Path(argument) for argument in arguments if "auth-" in argument]
        seen.extend((stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) for file in files)
        assert PASSWORD not in " ".join(arguments)
        return await run(self, *arguments, **more)

    monkeypatch.setattr(Skopeo, "run", spy)
    await subject.pull(image)
    assert seen == [(0o600, 0o700), (0o600, 0o700)]
    assert not [path for path in subject.root.rglob("*") if "auth" in path.name]
    assert not list((subject.root / "t").iterdir())


async def test_logins_of_the_user_of_the_service_are_not_used(image_lab, subject, monkeypatch, tmp_path) -> None:
    (tmp_path / ".docker").mkdir()
    auth = {"auths": {image_lab.host: {"auth": "dGVzdGVyOnJpZ2h0LXBhc3N3b3Jk"}}}
    (tmp_path / ".docker/config.json").write_text(json.dumps(auth))
    monkeypatch.setenv("HOME", str(tmp_path))
    image = image_lab.image("logins:1", FILE)
    with pytest.raises(ImageRefused):
        await subject.store.resolve(image, pull=MISSING, credentials=None)


async def test_an_image_that_the_registry_lacks_is_refused_in_its_words(image_lab, subject) -> None:
    with pytest.raises(ImageRefused, match="manifest unknown"):
        await subject.pull(f"{image_lab.host}/no/such:1")


async def test_a_registry_that_cannot_be_reached_is_no_refusal(subject) -> None:
    with pytest.raises(RegistryUnavailable, match="connection refused"):
        await subject.pull("127.0.0.1:1/some/image:1")


async def test_many_waiters_share_one_pull(image_lab, subject) -> None:
    image = image_lab.image("shared:1", FILE)
    found = await asyncio.gather(*(subject.pull(image) for _ in range(20)))
    assert len({seen.digest for seen in found}) == 1
    assert image_lab.registry.manifests_asked("shared:1") == 1


async def test_a_cancelled_waiter_leaves_the_pull_to_the_others(image_lab, subject) -> None:
    image = image_lab.image("cancelled:1", FILE)
    first, second = (asyncio.create_task(subject.pull(image)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).files
    assert first.cancelled()
    assert image_lab.registry.manifests_asked("cancelled:1") == 1


async def test_images_outlive_a_restart(image_lab, subject) -> None:
    image = image_lab.image("restart:1", FILE)
    seen = await subject.pull(image)
    asked = image_lab.registry.manifests_asked("restart:1")
    await subject.restart()
    assert (await subject.pull(image)).image == seen.image
    assert image_lab.registry.manifests_asked("restart:1") == asked


async def test_what_is_held_stays_through_clean_up_and_restart(image_lab, subject) -> None:
    one, two = image_lab.image("held:1", FILE), image_lab.image("held:2", FILE, layer(member("two")))
    held, free = await subject.pull(one), await subject.pull(two)
    await subject.store.hold(held.digest, "aiop-attempt")
    await subject.restart()
    pruned = await subject.store.prune(0)
    assert (pruned.images, pruned.size) == (1, len(layer(member("two"))))
    assert held.files
    assert not any(path.exists() for path in free.image.layers[:-1])
    await subject.store.release("aiop-attempt")
    assert (await subject.store.prune(0)).images == 1
    with pytest.raises(EngineUnavailable):
        await subject.store.hold(held.digest, "aiop-late")
    assert (await subject.pull(one)).image.config == held.config


async def test_a_root_file_system_becomes_an_image(subject) -> None:
    config = ImageConfig(cmd=("sh",), env=("A=b",), user="1000", volumes=("/data",))
    for number, packed in enumerate(PACKERS):
        kept = await subject.store.import_root(stream(PACKERS[packed](FILE)), f"made:{number}", config)
        assert (kept.names[-1], kept.imported, kept.digest) == (f"made:{number}", True, kept.id)
        found = Seen(await subject.store.resolve(f"made:{number}", pull=MISSING, credentials=None))
        assert (found.files, found.digest, found.config) == (ONE_FILE, kept.digest, config)


async def test_equal_root_file_systems_are_one_image(subject) -> None:
    made = [await subject.store.import_root(stream(FILE), name, ImageConfig()) for name in ("same:1", "same:2")]
    assert made[0].digest == made[1].digest
    assert [image.names for image in subject.store.list()] == [("same:1", "same:2")]


@pytest.mark.parametrize(
    "content", [b"no archive at all" * 100, PACKERS["+gzip"](FILE)[:-9], PACKERS["+zstd"](FILE)[:-1], FILE[:700]]
)
async def test_what_is_no_archive_is_refused_and_leaves_nothing(subject, content) -> None:
    with pytest.raises(ImageRefused):
        await subject.store.import_root(stream(content), "broken:1", ImageConfig())
    with pytest.raises(ImageRefused):
        await subject.store.import_archive(stream(content), "broken:1")
    assert not list((subject.root / "t").iterdir())
    assert subject.store.list() == []


async def test_an_archive_that_holds_more_than_the_limit_is_refused(image_lab, tmp_path) -> None:
    subject = Subject(image_lab, tmp_path / "images", limit=4 * len(FILE))
    await subject.store.open()
    zeros = layer(member("zeros", bytes(8 * len(FILE))))
    for content in (zeros, PACKERS["+gzip"](zeros), PACKERS["+zstd"](zeros)):
        with pytest.raises(TooLarge):
            await subject.store.import_root(stream(content), "large:1", ImageConfig())
        with pytest.raises(TooLarge):
            await subject.store.import_archive(stream(content), "large:1")
    assert not list((subject.root / "t").iterdir())


@pytest.mark.parametrize("packed", PACKERS)
async def test_archives_of_docker_and_of_oci_tools_are_taken(image_lab, subject, packed) -> None:
    source = image_layout(image_lab.scratch(), [FILE], {"Cmd": ["sh"]})
    docker, oci = (image_lab.archive(kind, source, "some/tool:2") for kind in ("docker-archive", "oci-archive"))
    [kept] = await subject.store.import_archive(stream(PACKERS[packed](docker)), None)
    assert kept.names == ("some/tool:2",)
    [again] = await subject.store.import_archive(stream(PACKERS[packed](oci)), "another:1")
    assert again.names == ("another:1", "some/tool:2")
    assert again.digest == kept.digest == kept.id
    found = Seen(await subject.store.resolve("some/tool:2", pull=MISSING, credentials=None))
    assert (found.files, found.config.cmd) == (ONE_FILE, ("sh",))


async def test_an_archive_that_names_nothing_needs_a_name(image_lab, subject) -> None:
    archive = image_lab.archive("oci-archive", image_layout(image_lab.scratch(), [FILE]), "unseen:1")
    with pytest.raises(ImageRefused, match="give it a name"):
        await subject.store.import_archive(stream(archive), None)


async def test_what_was_imported_goes_only_if_that_is_said(subject) -> None:
    await subject.store.import_root(stream(FILE), "imported:1", ImageConfig())
    assert (await subject.store.prune(0)).images == 0
    assert (await subject.store.prune(0, imported=True)).images == 1


async def test_beyond_the_limit_what_was_used_least_recently_goes_by_itself(image_lab, tmp_path) -> None:
    clock = MovedClock()
    subject = Subject(image_lab, tmp_path / "images", limit=70_000, clock=clock)
    await subject.store.open()
    names = [image_lab.image(f"limited:{number}", layer(member(str(number), bytes(20_000)))) for number in range(3)]
    for name in names:
        await subject.pull(name)
        clock.moment += timedelta(minutes=2)
    await subject.store.tidied()
    left = {name for image in subject.store.list() for name in image.names if "@" not in name}
    assert left == set(names[1:])
    await subject.store.aclose()

"""Artifacts in a bucket: what is carried is what it was, what is damaged is not taken, what is gone is said."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aiop.artifacts import Bucket, BucketPlace, SharedArtifacts
from aiop.errors import ArtifactLost, StorageUnavailable
from aiop.model.artifacts import Garbage
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.overlay import Stack, make_whiteout
from s3_lab import S3Lab
from trees import details, plant, raw, shape
from unit.artifacts.conftest import StillClock

EXECUTION = ExecutionId("0190163d-8694-739b-aea5-966c26f8ad91")
LONG = timedelta(hours=2)


def key(step: str = "step") -> StepKey:
    return StepKey(EXECUTION, StepId(step))


class Services:
    """Those that share one place; each has a directory of its own."""

    def __init__(self, lab: S3Lab, directory: Path, clock: StillClock) -> None:
        self.lab = lab
        self.place = lab.place()
        self._directory = directory
        self._clock = clock
        self._open: list[SharedArtifacts] = []

    async def open(self, name: str, *, cache: int = 0) -> SharedArtifacts:
        made = SharedArtifacts(self._directory / name, self._clock, Bucket(self.place), cache_limit=cache)
        await made.open()
        self._open.append(made)
        return made

    def keys(self, kind: str = "") -> list[str]:
        return sorted(key for key in self.lab.keys(self.place) if key.startswith(kind))

    async def aclose(self) -> None:
        for each in self._open:
            await each.aclose()


@pytest.fixture
async def services(s3_lab: S3Lab, tmp_path: Path, clock: StillClock) -> AsyncIterator[Services]:
    made = Services(s3_lab, tmp_path, clock)
    yield made
    await made.aclose()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")
async def test_a_layer_is_elsewhere_exactly_what_it_was(services: Services) -> None:
    here, there = await services.open("here"), await services.open("there")
    below = await here.prepare(key("below"), source=None, layers=[], target="/w")
    plant(Path(below.upper), {"gone": "x", "d/kept": "x"})
    await here.seal(key("below"))
    workspace = await here.prepare(key(), source=None, layers=[key("below").layer], target="/w")
    upper = plant(Path(workspace.upper), {"f": "1", "deep/er/g": "22", "l": "-> nowhere", "e": None, "ü \udcff": "3"})
    make_whiteout(str(upper / "gone"))
    (upper / "f").chmod(0o4711)
    os.chown(upper / "deep", 5, 6)
    os.lchown(upper / "l", 7, 8)
    os.utime(upper / "deep/er/g", ns=(1, 1_234_567_890_123_456_789))
    (upper / "deep/er").chmod(0o500)
    attributes = {"user.text": "wörd\n=".encode(), "user.bytes": bytes(range(256))}
    try:
        for name, value in attributes.items():
            os.setxattr(upper / "f", name, value)
    except OSError:  # a file system without them
        attributes = {}
    sealed = await here.seal(key())
    assert await there.layer(sealed.id) == sealed
    assert not there._layers.path(sealed.id).exists()
    seen = await there.prepare(key("next"), source=None, layers=[key("below").layer, sealed.id], target="/w")
    assert raw(Path(seen.lowers[0])) == raw(upper)
    assert details(Stack(seen.lowers)) == details(Stack([str(upper), *workspace.lowers]))
    assert (Path(seen.lowers[0]) / "deep/er/g").stat().st_mtime_ns == 1_234_567_890_123_456_789
    assert {name: os.getxattr(Path(seen.lowers[0]) / "f", name) for name in attributes} == attributes


async def test_a_large_layer_is_carried_in_parts(services: Services) -> None:
    here, there = await services.open("here"), await services.open("there")
    workspace = await here.prepare(key(), source=None, layers=[], target="/w")
    content = os.urandom(20 * 1024 * 1024)
    (Path(workspace.upper) / "big").write_bytes(content)
    layer = await here.seal(key())
    assert len(services.keys("l/")) == 2
    seen = await there.prepare(key("next"), source=None, layers=[layer.id], target="/w")
    assert (Path(seen.lowers[0]) / "big").read_bytes() == content


async def test_of_two_that_seal_one_layer_the_first_has_sealed_it(services: Services) -> None:
    one, other = await services.open("one"), await services.open("other")
    for service, text in ((one, "first"), (other, "second")):
        workspace = await service.prepare(key(), source=None, layers=[], target="/w")
        plant(Path(workspace.upper), {"f": text})
    first = await one.seal(key())
    assert await other.seal(key()) == first
    assert await other.seal(key()) == first
    seen = await other.prepare(key("next"), source=None, layers=[first.id], target="/w")
    assert shape(Path(seen.lowers[0])) == {"f": "first"}


async def test_a_layer_that_is_open_here_and_was_sealed_elsewhere_is_taken_from_there(services: Services) -> None:
    frozen, other = await services.open("frozen"), await services.open("other")
    for service, text in ((frozen, "half"), (other, "whole")):
        workspace = await service.prepare(key(), source=None, layers=[], target="/w")
        plant(Path(workspace.upper), {"f": text})
    layer = await other.seal(key())
    seen = await frozen.prepare(key("next"), source=None, layers=[layer.id], target="/w")
    assert shape(Path(seen.lowers[0])) == {"f": "whole"}


async def test_what_is_wanted_by_many_at_once_is_fetched_once(services: Services, monkeypatch) -> None:
    here, there = await services.open("here"), await services.open("there")
    source = plant(services._directory / "source", {f"f{number}": str(number) for number in range(50)})
    taken = await here.snapshot(str(source))
    fetched: list[str] = []
    get = Bucket.get

    def counted(self: Bucket, name: str, *, start: int = 0):  # type: ignore[no-untyped-def]
        fetched.append(name)
        return get(self, name, start=start)

    monkeypatch.setattr(Bucket, "get", counted)
    steps = [there.prepare(key(f"s{number}"), source=taken.id, layers=[], target="/w") for number in range(8)]
    for workspace in await asyncio.gather(*steps):
        assert shape(Path(workspace.lowers[-1])) == shape(source)
    assert len(fetched) == 1
    assert there._locks == {}


async def test_a_source_that_is_taken_again_is_not_written_again(services: Services, clock: StillClock) -> None:
    here, there = await services.open("here"), await services.open("there")
    source = plant(services._directory / "source", {"f": "1"})
    taken = await here.snapshot(str(source))
    await there.snapshot(str(source))
    await here.snapshot(str(source))
    assert len(services.keys("s/")) == 1
    # A sweep may take an old copy for garbage before the store hears of who was given it now.
    clock.pass_by(timedelta(hours=13))
    await there.snapshot(str(source))
    assert len(services.keys("s/")) == 2
    clock.pass_by(timedelta(hours=2))
    for _ in range(2):
        await here.held()
        await here.discard(Garbage())
    assert len(services.keys("s/")) == 1
    assert await (await services.open("third")).read(taken.id, "f", limit=1) == b"1"


# --- damage and loss ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [b"", b"nothing of ours", b"cut", b"other"])
async def test_what_is_damaged_in_the_bucket_is_not_taken(services: Services, tmp_path: Path, damage: bytes) -> None:
    here, there = await services.open("here"), await services.open("there")
    taken = await here.snapshot(str(plant(tmp_path / "source", {"f": "1" * 1000, "g": "2"})))
    plant(Path((await here.prepare(key(), source=None, layers=[], target="/w")).upper), {"f": "1" * 1000})
    layer = await here.seal(key())
    plant(Path((await here.prepare(key("two"), source=None, layers=[], target="/w")).upper), {"f": "3" * 1000})
    await here.seal(key("two"))
    stored = await here.keep_output(EXECUTION, "o", "f", source=None, layers=[layer.id], target="/w")
    other = await here.snapshot(str(plant(tmp_path / "other", {"f": "1" * 999, "g": "2"})))
    assert stored is not None
    objects = services.lab.keys(services.place)
    heads = {name: content.split(b"\n", 1) for name, content in objects.items() if name.startswith("l/")}
    (strange,) = (content for name, content in objects.items() if name.startswith(f"s/{other.id}"))
    for name, content in objects.items():
        bad = {b"cut": content[:-30], b"other": content}.get(damage, damage)
        if damage == b"other" and name.startswith(f"s/{taken.id}"):
            bad = strange
        elif damage == b"other" and name.startswith(f"l/{layer.id}"):
            bad = heads[name][0] + b"\n" + heads[f"l/{key('two').layer}/head"][1]
        elif damage == b"other" and name.startswith("o/"):
            bad = content[::-1].replace(b"1", b"2")
        services.lab.write(services.place, name, bad)
    with pytest.raises(ArtifactLost):
        await there.read(taken.id, "f", limit=2000)
    with pytest.raises(ArtifactLost):
        await there.prepare(key("next"), source=None, layers=[layer.id], target="/w")
    with pytest.raises(ArtifactLost):
        [piece async for piece in there.read_output(EXECUTION, "o")]
    assert list(there._disk.drafts.iterdir()) == []


_HALF = """
import sys
from aiop.artifacts import Bucket, BucketPlace

def pieces():
    for _ in range(40):
        yield bytes(1024 * 1024)
    print("half", flush=True)
    sys.stdin.read()

Bucket(BucketPlace(sys.argv[1], endpoint=sys.argv[2])).put("k", pieces())
"""


def test_what_was_being_written_when_the_service_was_killed_is_not_there(s3_lab: S3Lab) -> None:
    place = s3_lab.place()
    command = [sys.executable, "-c", _HALF, place.url, str(place.endpoint)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.kill()
    assert list(s3_lab.keys(place)) == []
    bucket = Bucket(place)
    assert bucket.get("k") is None
    bucket.put("k", [b"whole"])
    assert s3_lab.keys(place) == {"k": b"whole"}


def test_a_bucket_that_cannot_be_used_says_why_and_not_how_it_is_opened(s3_lab: S3Lab, tmp_path: Path) -> None:
    keys = tmp_path / "credentials"
    name, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    keys.write_text(f"[default]\naws_access_key_id = {name}\naws_secret_access_key = {secret}\n")
    none = tmp_path / "none"
    broken = tmp_path / "broken"
    broken.write_text("file-secret")
    cases = [
        (BucketPlace("s3://there-is-no-such-bucket/x", endpoint=s3_lab.endpoint), "does not exist"),
        (BucketPlace("s3://aiop-tests/x", endpoint="http://127.0.0.1:1"), "s3://aiop-tests/x cannot be used"),
        (BucketPlace("s3://aiop-tests/x", endpoint=s3_lab.endpoint, credentials_file=none), "No such file"),
        (BucketPlace("s3://aiop-tests/x", endpoint=s3_lab.endpoint, credentials_file=broken), "not in the form"),
        (BucketPlace("https://aiop-tests/x"), "is written s3://bucket/prefix"),
        (BucketPlace("s3://name:secret@aiop-tests/x"), "is written s3://bucket/prefix"),
    ]
    for place, words in cases:
        for call in (Bucket.check, lambda bucket: bucket.put("k", [b"x"]), lambda bucket: bucket.get("k")):
            with pytest.raises(StorageUnavailable, match=words) as caught:
                call(Bucket(place, patience=timedelta(seconds=0)))
            said = str(caught.value)
            assert "\n" not in said
            assert not any(each in said for each in (secret, "file-secret", "name:secret"))
    Bucket(BucketPlace("s3://aiop-tests/x", endpoint=s3_lab.endpoint, credentials_file=keys)).check()


class _Heedless(BaseHTTPRequestHandler):
    """An S3 server that holds nothing and takes everything, whatever the conditions."""

    def do_GET(self) -> None:
        self._answer(b"<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount></ListBucketResult>")

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("ETag", '"e"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_ignores_conditions_is_found_out_at_the_start(s3_lab: S3Lab) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Heedless) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(StorageUnavailable, match="ignores conditional writes"):
                Bucket(BucketPlace("s3://b/x", endpoint=f"http://127.0.0.1:{server.server_port}")).check()
        finally:
            server.shutdown()
            thread.join()


# --- the cache ----------------------------------------------------------------------------------------------


async def test_the_cache_is_bounded_and_fetches_again(services: Services, tmp_path: Path, clock: StillClock) -> None:
    here = await services.open("here", cache=150)
    layers = []
    for number in range(3):
        plant(Path((await here.prepare(key(f"s{number}"), source=None, layers=[], target="/w")).upper), {"f": "x" * 90})
        layers.append(await here.seal(key(f"s{number}")))
        clock.pass_by(timedelta(minutes=1))
    taken = await here.snapshot(str(plant(tmp_path / "source", {"f": "1" * 30})))
    await here.discard(Garbage())
    assert len(here._layers.held()) == 3  # all were used lately
    clock.pass_by(LONG)
    await here.layer(layers[0].id)
    await here.discard(Garbage())
    # The two that were used least recently; then it fits.
    assert [layer for layer, _ in here._layers.held()] == [layers[0].id]
    assert await here.read(taken.id, "f", limit=30) == b"1" * 30
    seen = await here.prepare(key("next"), source=None, layers=[layers[1].id], target="/w")
    assert shape(Path(seen.lowers[0])) == {"f": "x" * 90}


async def test_what_an_open_layer_lies_on_stays(services: Services, tmp_path: Path, clock: StillClock) -> None:
    here = await services.open("here")
    taken = await here.snapshot(str(plant(tmp_path / "source", {"f": "1"})))
    plant(Path((await here.prepare(key("below"), source=taken.id, layers=[], target="/w")).upper), {"g": "2"})
    below = await here.seal(key("below"))
    workspace = await here.prepare(key(), source=taken.id, layers=[below.id], target="/w")
    for _ in range(2):
        clock.pass_by(LONG)
        await here.discard(Garbage())
    assert shape(Path(workspace.lowers[0])) == {"g": "2"}
    assert shape(Path(workspace.lowers[1])) == {"f": "1"}
    await here.seal(key())
    for _ in range(2):
        clock.pass_by(LONG)
        await here.discard(Garbage())
    assert here._layers.held() == []
    assert here._snapshots.held() == []


async def test_what_the_bucket_does_not_have_stays(services: Services, clock: StillClock, monkeypatch) -> None:
    here = await services.open("here")

    def refused(self: Bucket, name: str, content: bytes) -> bool:
        raise StorageUnavailable("not now")

    plant(Path((await here.prepare(key(), source=None, layers=[], target="/w")).upper), {"f": "1"})
    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "create", refused)
        with pytest.raises(StorageUnavailable, match="not now"):
            await here.seal(key())
    clock.pass_by(LONG)
    await here.discard(Garbage())
    layer = await here.seal(key())
    assert await (await services.open("there")).layer(layer.id) == layer

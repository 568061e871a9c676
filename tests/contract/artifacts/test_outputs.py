"""Named outputs: read out of the stack, kept when the layers are gone."""

import contextlib
import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from aiop.errors import ArtifactLost, SourceRefused
from aiop.interfaces import Artifacts
from aiop.model.artifacts import OutputKind, StoredOutput
from aiop.model.ids import ExecutionId, LayerId, StepId, StepKey
from aiop.overlay import make_whiteout
from contract.artifacts.subject import services
from trees import Shape, plant

EXECUTION = ExecutionId("0190163d-8694-739b-aea5-966c26f8ad91")
TARGET = "/workspace"


class Kept:
    """Two layers, and outputs of them."""

    def __init__(self, artifacts: Artifacts) -> None:
        self.artifacts = artifacts
        self.layers: list[LayerId] = []

    async def layer(self, shape: Shape, *removed: str) -> None:
        key = StepKey(EXECUTION, StepId(f"s{len(self.layers)}"))
        workspace = await self.artifacts.prepare(key, source=None, layers=self.layers, target=TARGET)
        upper = plant(Path(workspace.upper), shape)
        for path in removed:
            make_whiteout(str(upper / path))
        self.layers.append((await self.artifacts.seal(key)).id)

    async def keep(self, name: str, path: str) -> StoredOutput | None:
        return await self.artifacts.keep_output(EXECUTION, name, path, source=None, layers=self.layers, target=TARGET)

    async def read(self, name: str, start: int = 0) -> bytes:
        return b"".join([piece async for piece in self.artifacts.read_output(EXECUTION, name, start=start)])


@pytest.fixture
async def kept(artifacts: Artifacts) -> Kept:
    made = Kept(artifacts)
    await made.layer({"f": "old", "gone": "x", "d/a": "1", "d/b": "2", "l": "-> d/a", "abs": f"-> {TARGET}/d/b"})
    await made.layer({"f": "new", "d/c": "3", "out": "-> ../../etc/passwd", "host": "-> /etc/passwd"}, "gone", "d/a")
    return made


@pytest.mark.parametrize(
    ("path", "content"),
    [("f", b"new"), (f"{TARGET}/f", b"new"), ("./d//b", b"2"), ("abs", b"2"), ("d/../d/c", b"3")],
)
async def test_a_file_is_kept_as_the_topmost_layer_has_it(kept: Kept, path: str, content: bytes) -> None:
    stored = await kept.keep("one", path)
    assert stored == StoredOutput(OutputKind.FILE, len(content), hashlib.sha256(content).hexdigest())
    assert await kept.read("one") == content


async def test_a_directory_is_kept_as_it_is_seen(kept: Kept) -> None:
    stored = await kept.keep("dir", "d")
    data = await kept.read("dir")
    assert stored == StoredOutput(OutputKind.DIRECTORY, len(data), hashlib.sha256(data).hexdigest())
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        assert [member.name for member in archive] == ["d", "d/b", "d/c"]
        file = archive.extractfile("d/c")
        assert file is not None
        assert file.read() == b"3"


async def test_the_whole_workspace_can_be_an_output(kept: Kept) -> None:
    await kept.keep("all", TARGET)
    with tarfile.open(fileobj=io.BytesIO(await kept.read("all")), mode="r:gz") as archive:
        assert {member.name for member in archive} == {
            f"workspace{path}" for path in ("", "/f", "/d", "/d/b", "/d/c", "/l", "/abs", "/out", "/host")
        }
        assert archive.getmember("workspace/host").linkname == "/etc/passwd"


async def test_the_same_directory_is_the_same_archive(kept: Kept) -> None:
    one, other = await kept.keep("one", "d"), await kept.keep("other", "d")
    assert one == other
    assert gzip.decompress(await kept.read("one"))


@pytest.mark.parametrize("path", ["none", "gone", "d/a", "f/x", "l", f"{TARGET}/none"])
async def test_what_is_not_there_is_no_output(kept: Kept, path: str) -> None:
    assert await kept.keep("none", path) is None
    with pytest.raises(ArtifactLost):
        await kept.read("none")


@pytest.mark.parametrize("path", ["out", "host", "../f", "/etc/passwd", "d/../../x", f"{TARGET}/../etc/passwd"])
async def test_what_leads_out_of_the_workspace_is_refused(kept: Kept, path: str) -> None:
    with pytest.raises(SourceRefused, match="leads out"):
        await kept.keep("bad", path)


async def test_an_output_is_read_from_any_byte_on(kept: Kept) -> None:
    await kept.layer({"big": "0123456789" * 100_000})
    await kept.keep("big", "big")
    assert await kept.read("big", start=999_995) == b"56789"
    assert await kept.read("big", start=2_000_000) == b""


async def test_an_output_outlives_its_layers_and_is_kept_once(kept: Kept) -> None:
    stored = await kept.keep("one", "f")
    for layer in kept.layers:
        for each in services(kept.artifacts):
            each._layers.delete(layer)
    assert await kept.keep("one", "f") == stored
    assert await kept.read("one") == b"new"


async def test_what_another_attempt_leaves_takes_the_place_of_the_first(kept: Kept) -> None:
    await kept.keep("one", "f")
    await kept.layer({"f": "newer"})
    stored = await kept.keep("one", "f")
    assert stored is not None
    assert stored.size == 5
    assert await kept.read("one") == b"newer"
    await kept.layer({}, "f")
    assert await kept.keep("one", "f") is None
    with pytest.raises(ArtifactLost):
        await kept.read("one")


@pytest.mark.parametrize("name", ["../../x", "a/b", "\0", "ü" * 300, ""])
async def test_the_name_of_an_output_is_not_a_path(kept: Kept, name: str) -> None:
    assert await kept.keep(name, "f") is not None
    assert await kept.read(name) == b"new"
    for each in services(kept.artifacts):
        assert {path.name for path in each._disk.outputs.iterdir()} <= {EXECUTION}


async def test_a_file_that_nobody_may_read_can_be_an_output(kept: Kept) -> None:
    if os.geteuid() != 0:
        pytest.skip("who is not root cannot read such a file, and the tests of CI are root's")
    await kept.layer({"private": "x"})
    for each in services(kept.artifacts):
        with contextlib.suppress(FileNotFoundError):
            each._layers.path(kept.layers[-1]).joinpath("u/private").chmod(0)
    assert await kept.keep("private", "private") is not None

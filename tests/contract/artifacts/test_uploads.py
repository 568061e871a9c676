"""Archives that are sent: taken as sources, and harmless."""

import gzip
import io
import os
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import zstandard

from aiop.artifacts import LocalArtifacts
from aiop.artifacts.archives import ArchiveLimits
from aiop.errors import NotFound, SourceRefused, TooLarge
from aiop.interfaces import Artifacts
from aiop.model.ids import UploadId
from contract.artifacts.conftest import Opening
from contract.artifacts.test_snapshots import tree
from tars import Member, pieces, tar
from trees import plant, shape


async def files(artifacts: Artifacts, upload: UploadId) -> dict[str, str | None]:
    return shape(await tree(artifacts, (await artifacts.uploaded(upload)).id))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
async def test_an_archive_is_the_same_source_as_the_directory(
    artifacts: Artifacts, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    content = {"a": "1", "d/b": "2" * 5000, "l": "-> /etc/passwd", ".gitignore": "*.o", "e": None}
    directory = plant(tmp_path / "source", content)
    (directory / "a").chmod(0o755)
    plant(directory, {"left.o": "out"})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(directory, ".")
    upload = await artifacts.upload(pieces(pack(buffer.getvalue())))
    assert await artifacts.uploaded(upload) == await artifacts.snapshot(str(directory))
    assert await files(artifacts, upload) == {**content, "d": None}


async def test_directories_that_an_archive_leaves_out_are_made(artifacts: Artifacts) -> None:
    upload = await artifacts.upload(pieces(tar([("./d/e/f", b"x"), ("d//g", b"y")])))
    assert await files(artifacts, upload) == {"d": None, "d/e": None, "d/e/f": "x", "d/g": "y"}


async def test_the_last_of_two_members_of_one_name_counts(artifacts: Artifacts) -> None:
    members: list[Member] = [("f", b"1"), ("l", "-> f"), ("f", b"2"), ("l", b"3"), ("h", "=> f")]
    assert await files(artifacts, await artifacts.upload(pieces(tar(members)))) == {"f": "2", "l": "3", "h": "2"}


HOSTILE: list[tuple[list[Member], str]] = [
    ([("../x", b"")], r"\.\./x leads out"),
    ([("d/../../x", b"")], "leads out"),
    ([("/etc/x", b"")], "/etc/x leads out"),
    ([("..", None)], "leads out"),
    ([("l", "-> .."), ("l/x", b"")], "l/x lies behind"),
    ([("l", "-> /tmp"), ("l/x/y", b"")], "l/x/y lies behind"),
    ([("l", "-> ."), ("l", None)], "lies behind"),
    ([("d", None), ("d", "-> /tmp"), ("d/x", b"")], "there twice"),
    ([("f", b""), ("f/x", b"")], "lies behind"),
    ([("h", "=> /etc/passwd")], "leads out"),
    ([("h", "=> ../x")], "leads out"),
    ([("h", "=> later"), ("later", b"")], "no file before it"),
    ([("l", "-> /etc/passwd"), ("h", "=> l")], "no file before it"),
    ([(".", b"")], "no name"),
    ([("n" * 300, b"")], "cannot be unpacked"),
]


@pytest.mark.parametrize(("members", "words"), HOSTILE)
async def test_what_would_leave_the_archive_is_refused_by_name(
    artifacts: Artifacts, tmp_path: Path, members: list[Member], words: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SourceRefused, match=words):
        await artifacts.upload(pieces(tar(members)))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
async def test_devices_and_pipes_are_refused(artifacts: Artifacts, kind: bytes) -> None:
    with pytest.raises(SourceRefused, match="dev is neither"):
        await artifacts.upload(pieces(tar([("dev", b"")], kind=kind)))


WHOLE = tar([("f", os.urandom(20_000)), ("g", b"x")])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive at all" * 100,
        WHOLE[:15_000],
        gzip.compress(WHOLE)[:15_000],
        gzip.compress(WHOLE)[:-4] + b"1234",
        zstandard.compress(WHOLE)[:15_000],
        b"\x1f\x8b" + b"x" * 100,
        b"PK\x03\x04" + b"x" * 1000,
    ],
)
async def test_what_is_no_whole_archive_is_refused(service: LocalArtifacts, data: bytes) -> None:
    with pytest.raises(SourceRefused, match="the archive cannot be read"):
        await service.upload(pieces(data))
    assert list(service._disk.drafts.iterdir()) == []


@pytest.mark.parametrize("kind", ["local", "bucket"])
async def test_an_archive_is_bounded(opening: Opening, kind: str) -> None:
    artifacts = await opening(kind, ArchiveLimits(packed=20_000, unpacked=3000, members=3))
    for data, words in [
        (bytes(20_001), "larger than 20000"),
        (gzip.compress(tar([("f", bytes(3001))])), "more than 3000 bytes"),
        (tar([("f", bytes(2000)), ("g", bytes(2000))]), "more than 3000 bytes"),
        (tar([(str(number), b"") for number in range(4)]), "more than 3 members"),
    ]:
        with pytest.raises(TooLarge, match=words):
            await artifacts.upload(pieces(data))
    assert list(artifacts._disk.drafts.iterdir()) == []


async def test_a_header_of_any_size_is_not_read_into_memory(artifacts: Artifacts) -> None:
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE):
        info = tarfile.TarInfo("header")
        info.type, info.size = kind, 1024**3
        with pytest.raises(SourceRefused, match="a header is larger"):
            await artifacts.upload(pieces(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048)))


async def test_a_sender_that_goes_away_leaves_nothing(service: LocalArtifacts) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield WHOLE[:5000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await service.upload(broken())
    assert list(service._disk.drafts.iterdir()) == list(service._disk.uploads.iterdir()) == []


@pytest.mark.parametrize("upload", ["x", "../s", "0190163d-8694-739b-aea5-966c26f8ad91", ""])
async def test_an_upload_that_was_never_made_is_not_found(artifacts: Artifacts, upload: str) -> None:
    with pytest.raises(NotFound):
        await artifacts.uploaded(UploadId(upload))

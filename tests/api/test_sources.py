"""Sources that are uploaded: which archives are taken, and that pipelines run over them."""

from __future__ import annotations

import gzip
import io
import tarfile

import httpx
import pytest

from api.errors import error, messages
from api.operations import UNKNOWN
from api.pipelines import DOCUMENT, created, execute


def archive(**files: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


async def test_an_uploaded_source_can_be_executed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/dagger/sources", content=archive(**{"pipeline.yaml": DOCUMENT, "a/b.txt": "é"}))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made == {
        "id": made["id"],
        "source_directory": f"source:{made['id']}",
        "files": 2,
        "size": len(DOCUMENT.encode()) + 2,
    }
    assert (await client.get(answer.headers["location"])).json() == made
    pipeline = await created(client)
    assert (await execute(client, pipeline, source_directory=made["source_directory"].upper())).status_code == 400
    assert (await execute(client, pipeline, source_directory=made["source_directory"])).status_code == 201


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the archive"),
        (b"no archive", "the archive"),
        (archive(**{"a.txt": "x" * 5000})[:-40], "the archive"),
        (gzip.compress(b"\0" * 100), ""),
        (archive(**{"../up.txt": "x"}), "../up.txt"),
        (archive(**{"/etc/up.txt": "x"}), "/etc/up.txt"),
    ],
)
async def test_what_is_no_archive_or_would_leave_its_root_is_refused(
    client: httpx.AsyncClient, body: bytes, message: str
) -> None:
    found = messages(await client.post("/dagger/sources", content=body))
    assert list(found) == ["body"]
    assert message in found["body"]


async def test_an_upload_that_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    assert error(await client.get(f"/dagger/sources/{UNKNOWN}")) == (404, "not_found")

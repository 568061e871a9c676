"""Bodies that are not what they should be, sent to every operation that takes one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from api.documents import workflow as document
from api.errors import error, faults, messages
from api.operations import Operation, operations
from api.world import Service

LIMIT = 64 * 1024
"""That of the fixture."""

KNOWN = {"workflow_id", "username"}
TAKING = [
    each
    for each in operations()
    if each.media_type == "application/json"
    and {part[1:-1] for part in each.template.split("/") if part.startswith("{")} <= KNOWN
]
SIGN_IN = next(each for each in operations() if each.id == "create_session")

Path = Callable[[Operation], str]


@pytest.fixture
def path(workflow: str) -> Path:
    return lambda operation: operation.template.format(workflow_id=workflow, username="viewer")


@pytest.mark.parametrize("operation", TAKING, ids=str)
async def test_what_is_no_json_object_is_refused(admin: httpx.AsyncClient, path: Path, operation: Operation) -> None:
    for body, message in (
        (b"{", "Not valid JSON: "),
        (b'{"a": 1,}', "Not valid JSON: "),
        (b"{'a': 1}", "Not valid JSON: "),
        (b"{} {}", "Not valid JSON: "),
        (b"\xef\xbb\xbf{}", "Not valid JSON: "),
        (b'{"name": "\xff"}', "Not UTF-8 at byte 10"),
        ('{"name": "ä"}'.encode("utf-16"), "Not UTF-8 at byte 0"),
        (b'{"a": 1, "a": 2}', 'Duplicate key "a"'),
        (b'{"x": {"a": 1, "b": 2, "a": 1}}', 'Duplicate key "a"'),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1e999}', "The number 1e999 is too large"),
        (b'{"a": ' + b"1" * 10_000 + b"}", "The number 1111"),
        (b"[" * 101 + b"]" * 101, "Nested deeper than 100 levels"),
        (b"[" * 60_000, "Nested deeper than 100 levels"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "Nested deeper than 100 levels"),
        (b"[]", "Must be an object"),
        (b"null", "Must be an object"),
        (b'"text"', "Must be an object"),
        (b"1", "Must be an object"),
    ):
        answer = await admin.request(operation.method, path(operation), content=body)
        found = messages(answer)
        assert list(found) == ["body"], body[:40]
        assert found["body"].startswith(message), body[:40]
        assert answer.json()["message"] == "Invalid request body"


@pytest.mark.parametrize("operation", TAKING, ids=str)
async def test_half_a_character_is_named(admin: httpx.AsyncClient, path: Path, operation: Operation) -> None:
    for body, field in ((b'{"name": "\\ud800"}', "name"), (b'{"x": [1, {"y": "\\udc00\\ud800"}]}', "x[1].y")):
        assert faults(await admin.request(operation.method, path(operation), content=body)) == [field]


@pytest.mark.parametrize("operation", TAKING, ids=str)
async def test_an_empty_body_is_an_object_only_where_none_is_needed(
    admin: httpx.AsyncClient, path: Path, operation: Operation
) -> None:
    answer = await admin.request(operation.method, path(operation), content=b"")
    if operation.declared["requestBody"]["required"]:
        assert messages(answer)["body"].startswith("Not valid JSON")
    else:
        assert answer.status_code == 201


@pytest.mark.parametrize("operation", TAKING, ids=str)
async def test_unknown_fields_are_named_and_the_likely_one_is_guessed(
    admin: httpx.AsyncClient, path: Path, operation: Operation
) -> None:
    answer = await admin.request(operation.method, path(operation), json={"nonsense": 1, "": 2, "a.b": 3})
    found = messages(answer)
    assert {name: found[name] for name in found if name in ("nonsense", '[""]', '["a.b"]')} == {
        "nonsense": "Unknown field",
        '[""]': "Unknown field",
        '["a.b"]': "Unknown field",
    }


async def test_a_misspelt_field_gets_the_name_that_is_meant(client: httpx.AsyncClient, workflow: str) -> None:
    step = {"id": "s", "container": {"image": "i"}, "retires": 2}
    answer = await client.post("/dagger/workflows", json={"name": "w", "steps": [step]})
    assert messages(answer) == {"steps[0].retires": "Unknown field; did you mean `retries`?"}
    answer = await client.post(f"/dagger/workflows/{workflow}/execute", json={"input": {}})
    assert messages(answer) == {"input": "Unknown field; did you mean `inputs`?"}


@pytest.mark.parametrize("operation", [*TAKING, SIGN_IN], ids=str)
async def test_a_body_over_the_limit_is_refused_whether_its_length_is_announced_or_not(
    admin: httpx.AsyncClient, path: Path, operation: Operation
) -> None:
    headers = {"Content-Type": operation.media_type or ""}
    body = b'{"name": "' + b"x" * LIMIT + b'"}'

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 1000):
            yield body[at : at + 1000]

    for content in (body, chunks()):
        answer = await admin.request(operation.method, path(operation), content=content, headers=headers)
        assert error(answer) == (413, "too_large")
        assert answer.json()["message"] == f"The body is over the limit of {LIMIT} bytes"


async def test_of_an_endless_body_no_more_is_read_than_the_limit(admin: httpx.AsyncClient) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1000
            yield b" " * 1000

    answer = await admin.post("/dagger/workflows", content=endless())
    assert error(answer) == (413, "too_large")
    assert taken <= LIMIT + 2000


async def test_a_body_at_the_limit_is_read(client: httpx.AsyncClient) -> None:
    body = json.dumps(document()).encode()
    answer = await client.post("/dagger/workflows", content=body + b" " * (LIMIT - len(body)))
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "declared",
    [
        None,
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/merge-patch+json",
        "application/x-www-form-urlencoded",
    ],
)
async def test_json_is_read_whatever_kind_of_json_it_is_called(client: httpx.AsyncClient, declared: str | None) -> None:
    request = client.build_request("POST", "/dagger/workflows", content=json.dumps(document()))
    if declared is not None:
        request.headers["Content-Type"] = declared
    assert (await client.send(request)).status_code == 201


@pytest.mark.parametrize("operation", TAKING, ids=str)
async def test_what_is_declared_as_something_else_is_not_taken_for_json(
    admin: httpx.AsyncClient, path: Path, operation: Operation
) -> None:
    for declared in ("text/plain", "application/xml", "application/yaml", "multipart/form-data; boundary=x", "x"):
        headers = {"Content-Type": declared}
        answer = await admin.request(operation.method, path(operation), content=b"{}", headers=headers)
        assert messages(answer) == {"Content-Type": "Must be application/json"}
        assert answer.json()["message"] == "Invalid headers"


async def test_a_compressed_body_is_refused_by_name(client: httpx.AsyncClient) -> None:
    for encoding, expected in (("gzip", 400), ("br", 400), ("identity", 201), ("Identity", 201)):
        answer = await client.post("/dagger/workflows", json=document(), headers={"Content-Encoding": encoding})
        assert answer.status_code == expected
        if expected == 400:
            assert faults(answer) == ["Content-Encoding"]


async def test_nothing_is_read_for_who_may_not_send_it(service: Service, viewer: httpx.AsyncClient) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    async with service.client() as anonymous:
        assert error(await anonymous.post("/dagger/workflows", content=never())) == (401, "unauthenticated")
    assert error(await viewer.post("/dagger/workflows", content=never())) == (403, "forbidden")

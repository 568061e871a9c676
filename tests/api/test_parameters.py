"""Query parameters and headers of requests."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from api.errors import error, faults, messages
from api.operations import Operation, operations
from api.world import Service

KNOWN = {"workflow_id", "execution_id", "username"}
LISTS = [
    each
    for each in operations()
    if "limit" in each.parameters and {part[1:-1] for part in each.template.split("/") if part[:1] == "{"} <= KNOWN
]

Path = Callable[[Operation], str]


@pytest.fixture
def path(workflow: str) -> Path:
    return lambda operation: operation.template.format(workflow_id=workflow)


@pytest.mark.parametrize("operation", operations(), ids=str)
async def test_an_unknown_parameter_is_named(admin: httpx.AsyncClient, operation: Operation) -> None:
    answer = await admin.request(operation.method, operation.path + "?statsu=x&lmit=")
    assert messages(answer) == {"statsu": "Unknown parameter", "lmit": "Unknown parameter"}
    assert answer.json()["message"] == "Invalid parameters"


@pytest.mark.parametrize("operation", operations(), ids=str)
async def test_a_parameter_given_twice_is_named(admin: httpx.AsyncClient, operation: Operation) -> None:
    answer = await admin.request(operation.method, operation.path + "?limit=1&sort=id&limit=1")
    assert messages(answer) == {"limit": "Given more than once"}


async def test_an_empty_query_is_none(anonymous: httpx.AsyncClient) -> None:
    for query in ("?", "?&", "?&&"):
        assert (await anonymous.get(f"/healthz{query}")).status_code == 200
    assert faults(await anonymous.get("/healthz?=x")) == [""]


@pytest.mark.parametrize("operation", LISTS, ids=str)
async def test_limit_and_offset_have_bounds(admin: httpx.AsyncClient, path: Path, operation: Operation) -> None:
    for query, message in (
        ("limit=0", "Must be at least 1"),
        ("limit=-1", "Must be at least 1"),
        ("limit=1001", "Must be at most 1000"),
        ("limit=99999999999999999999999999", "Must be at most 1000"),
        ("limit=" + "9" * 5000, "Must be an integer that is not so large"),
        ("limit=abc", "Must be an integer"),
        ("limit=", "Must be an integer"),
        ("limit=1.0", "Must be an integer"),
        ("limit=1_0", "Must be an integer"),
        ("limit=%2B1", "Must be an integer"),
        ("limit=%201", "Must be an integer"),
        ("limit=0x1", "Must be an integer"),
        ("limit=%D9%A1", "Must be an integer"),
        ("limit=null", "Must be an integer"),
        ("offset=-1", "Must be at least 0"),
        ("offset=x", "Must be an integer"),
        ("offset=1e3", "Must be an integer"),
        (f"offset={2**63}", "Must be at most 9.22337e+18"),
    ):
        name = query.partition("=")[0]
        assert messages(await admin.get(f"{path(operation)}?{query}")) == {name: message}, query
    for query in ("limit=1", "limit=1000", "offset=0", f"offset={2**63 - 1}"):
        answer = await admin.get(f"{path(operation)}?{query}")
        name, _, value = query.partition("=")
        assert (answer.status_code, answer.json()[name]) == (200, int(value)), query


@pytest.mark.parametrize("operation", LISTS, ids=str)
async def test_sort_takes_the_fields_and_directions_that_are_described(
    admin: httpx.AsyncClient, path: Path, operation: Operation
) -> None:
    pattern = sort_pattern(operation)
    fields = pattern[pattern.index("(") + 1 : pattern.index(")")].split("|")
    assert {"created_at", "at", "used_at", "number"} & set(fields)
    for field in fields:
        for sort in (field, f"{field}:asc", f"{field}:desc"):
            assert (await admin.get(path(operation), params={"sort": sort})).status_code == 200, sort
    for sort in ("", "nonsense", "id;", "created_at:up", "created_at:ASC", "created_at:", ":desc", "created_at\n"):
        answer = await admin.get(path(operation), params={"sort": sort})
        said = f"Must be one of {', '.join(fields)}, alone or with `:asc` or `:desc` behind it"
        assert messages(answer) == {"sort": said}, sort


def sort_pattern(operation: Operation) -> str:
    """Find the pattern in the description of the parameter."""
    schema = operation.parameters["sort"]["schema"]
    return next(option["pattern"] for option in schema.get("anyOf", [schema]) if "pattern" in option)


async def test_every_wrong_parameter_is_named_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.get("/dagger/workflows?limit=0&offset=x&sort=y&status=done&nonsense=1")
    assert sorted(faults(answer)) == ["limit", "nonsense", "offset", "sort", "status"]


async def test_a_status_is_one_of_the_words(client: httpx.AsyncClient, workflow: str) -> None:
    for path in ("/dagger/workflows", "/dagger/executions", f"/dagger/workflows/{workflow}/executions"):
        for status in ("pending", "running", "completed", "failed", "cancelled"):
            assert (await client.get(f"{path}?status={status}")).status_code == 200
        for status in ("", "done", "PENDING", "skipped", "pending,running"):
            assert faults(await client.get(f"{path}?status={status}")) == ["status"]


async def test_follow_is_true_or_false(client: httpx.AsyncClient, execution: str) -> None:
    path = f"/dagger/executions/{execution}/logs"
    assert (await client.get(f"{path}?follow=false")).status_code == 200
    for follow in ("", "1", "0", "yes", "True", "on", "null"):
        assert messages(await client.get(f"{path}?follow={follow}")) == {"follow": "Must be true or false"}
    assert faults(await client.get(f"{path}?stream=stdin")) == ["stream"]


@pytest.mark.parametrize("sent", ["a", "0123456789abcdef" * 8, "a-B_c.d:e"])
async def test_an_answer_carries_the_request_id_that_was_sent(anonymous: httpx.AsyncClient, sent: str) -> None:
    for path in ("/healthz", "/nothing", "/dagger/workflows"):
        answer = await anonymous.get(path, headers={"X-Request-ID": sent})
        assert answer.headers.get_list("x-request-id") == [sent]


@pytest.mark.parametrize("sent", [None, "", "a b", "a" * 129, "é", 'a"', "a\tb"])
async def test_a_request_id_that_could_forge_log_lines_is_replaced(
    anonymous: httpx.AsyncClient, sent: str | None
) -> None:
    headers = {} if sent is None else {"X-Request-ID": sent.encode("latin-1")}
    answers = [await anonymous.get("/healthz", headers=headers) for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert ids[0] != ids[1]
    assert all(len(each) == 32 and each.isalnum() for each in ids)


@pytest.mark.parametrize(
    "sent",
    [
        "Basic YWRtaW46eA==",
        "Bearer",
        "Bearer ",
        "bearer\t",
        "Token x",
        "Bearer x y",
        "Bearer é",
        "Bearer " + "x" * 9999,
    ],
)
async def test_what_is_no_token_is_unauthenticated(service: Service, sent: str) -> None:
    async with service.client() as client:
        answer = await client.get("/auth/me", headers={"Authorization": sent.encode("latin-1")})
    assert error(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"

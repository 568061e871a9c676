"""Paths, methods and ids."""

from __future__ import annotations

import httpx
import pytest

from api.errors import error
from api.operations import UNKNOWN, Operation, operations
from api.world import Service

MALFORMED = [
    "x",
    UNKNOWN[:-1],
    UNKNOWN + "0",
    "{" + UNKNOWN + "}",
    UNKNOWN.replace("-", ""),
    UNKNOWN + "%0A",
    "%00",
    "\u00e9",
    "\u0661" + UNKNOWN[1:],
]
WITH_ID = [operation for operation in operations() if "_id}" in operation.template]


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/dagger", "/dagger/workflows/", "/dagger/workflows/x/y/z", "/%00", "/healthz%3Fx", "//"]
)
async def test_an_unknown_path_is_not_found_by_any_method(anonymous: httpx.AsyncClient, path: str) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE", "OPTIONS"):
        answer = await anonymous.request(method, path)
        assert error(answer) == (404, "not_found")
        assert answer.json()["details"] == {}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/dagger/workflows", "GET, HEAD, OPTIONS, POST"),
        ("/dagger/workflows/validate", "OPTIONS, POST"),
        (f"/dagger/workflows/{UNKNOWN}", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        (f"/dagger/executions/{UNKNOWN}", "DELETE, GET, HEAD, OPTIONS"),
        ("/dagger/executions", "GET, HEAD, OPTIONS"),
        ("/auth/token", "OPTIONS, POST"),
        ("/auth/users/x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
async def test_another_method_is_answered_with_those_that_there_are(
    anonymous: httpx.AsyncClient, path: str, allowed: str
) -> None:
    for method in ("PUT", "TRACE", "NONSENSE"):
        answer = await anonymous.request(method, path)
        assert error(answer) == (405, "method_not_allowed")
        assert answer.headers["allow"] == allowed
        assert answer.json()["message"] == f"{method} is not allowed here"
    answer = await anonymous.options(path)
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allowed, b"")


@pytest.mark.parametrize("part", ["%3F", "%23", "%0A", "%0D%0A", "%3Fx", "%5B", "%E2%80%A8", "%FF", "%25"])
async def test_whatever_stands_for_an_id_the_methods_are_told(anonymous: httpx.AsyncClient, part: str) -> None:
    for method, status in (("PUT", 405), ("OPTIONS", 204)):
        answer = await anonymous.request(method, f"/dagger/workflows/{part}")
        assert (answer.status_code, answer.headers["allow"]) == (status, "DELETE, GET, HEAD, OPTIONS, PATCH")


async def test_the_methods_do_not_depend_on_the_host_that_is_named(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.put("/dagger/workflows", headers={"Host": "["})
    assert error(answer) == (405, "method_not_allowed")


@pytest.mark.parametrize("operation", WITH_ID, ids=str)
async def test_a_malformed_id_is_not_found_like_an_unknown_one(admin: httpx.AsyncClient, operation: Operation) -> None:
    body = {} if operation.media_type else None
    unknown = await admin.request(operation.method, operation.path, json=body)
    assert error(unknown) == (404, "not_found")
    for malformed in MALFORMED:
        answer = await admin.request(operation.method, operation.path.replace(UNKNOWN, malformed), json=body)
        assert (error(answer), answer.json()) == ((404, "not_found"), unknown.json()), malformed


async def test_the_case_of_an_id_does_not_matter(client: httpx.AsyncClient, workflow: str, execution: str) -> None:
    assert (await client.get(f"/dagger/workflows/{workflow.upper()}")).json()["id"] == workflow
    assert (await client.get(f"/dagger/executions/{execution.upper()}")).json()["id"] == execution
    listed = await client.get(f"/dagger/executions?workflow_id={workflow.upper()}")
    assert listed.json()["total"] == 1


@pytest.mark.parametrize("operation", [each for each in operations() if each.method == "GET"], ids=str)
async def test_head_is_get_without_the_body(
    admin: httpx.AsyncClient, workflow: str, execution: str, operation: Operation
) -> None:
    path = operation.template.format(
        workflow_id=workflow, execution_id=execution, username="viewer", **dict.fromkeys(others(operation), UNKNOWN)
    )
    answer = await admin.head(path)
    assert answer.content == b""
    if answer.headers["content-type"].startswith("application/json"):
        whole = await admin.get(path)
        assert (answer.status_code, answer.headers["content-length"]) == (whole.status_code, str(len(whole.content)))
        assert int(answer.headers["content-length"]) > 0


def others(operation: Operation) -> set[str]:
    """The names of ids for which the fixtures make nothing."""
    named = {part[1:-1] for part in operation.template.split("/") if part.startswith("{")}
    return named - {"workflow_id", "execution_id", "username"}


async def test_head_of_what_is_not_there_has_the_status_and_no_body(anonymous: httpx.AsyncClient) -> None:
    for path, status in (("/nothing", 404), ("/dagger/workflows", 401), ("/auth/token", 405)):
        answer = await anonymous.head(path)
        assert (answer.status_code, answer.content) == (status, b"")


async def test_the_description_is_open_and_no_page_loads_scripts_from_elsewhere(
    anonymous: httpx.AsyncClient, service: Service
) -> None:
    assert (await anonymous.get("/openapi.json")).json() == service.app.openapi()
    for path in ("/docs", "/redoc"):
        assert (await anonymous.get(path)).status_code == 404

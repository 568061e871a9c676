"""What the service answers when something of its own is wrong, and what probes are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from structlog.testing import capture_logs

from aiop.errors import StorageUnavailable
from aiop.store import SqlStore
from api.conftest import SignIn
from api.documents import workflow as document
from api.errors import error
from api.operations import UNKNOWN, Operation, operations
from api.world import Service

ASKING: dict[str, object] = {
    "list_workflows": None,
    "create_workflow": document(),
    "get_workflow": None,
    "update_workflow": {"name": "x"},
    "delete_workflow": None,
    "execute_workflow": None,
    "list_workflow_executions": None,
    "list_versions": None,
    "list_executions": None,
    "get_execution": None,
    "cancel_execution": None,
    "get_execution_logs": None,
    "get_execution_events": None,
    "list_tokens": None,
    "create_token": {"name": "x"},
    "revoke_token": None,
    "list_users": None,
    "create_user": {"username": "x", "password": "12345678", "role": "viewer"},
    "get_user": None,
    "update_user": {"role": "viewer"},
    "delete_user": None,
    "list_agents": None,
    "create_agent": {"name": "x"},
    "get_agent": None,
    "update_agent": {"name": "x"},
    "delete_agent": None,
}
"""What asks the database at once, with a body that holds."""

Break = Callable[[Exception], None]

SECRET = "/var/lib/secret-place/aiop.db: no such table: hunter22"


@pytest.fixture
def broken_with(service: Service, monkeypatch: pytest.MonkeyPatch) -> Break:
    """Make every way to the database raise."""

    def broken(failure: Exception) -> None:
        @asynccontextmanager
        async def no_reading() -> AsyncIterator[None]:
            raise failure
            yield

        async def no_writing(*_: object) -> None:
            raise failure

        monkeypatch.setattr(service.store._db, "_connected", no_reading)
        monkeypatch.setattr(service.store._db.writer, "run", no_writing)

    return broken


async def test_the_process_lives_and_can_work(anonymous: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await anonymous.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_without_its_database_the_process_lives_and_cannot_work(
    anonymous: httpx.AsyncClient, broken_with: Break
) -> None:
    broken_with(StorageUnavailable(SECRET))
    assert (await anonymous.get("/healthz")).status_code == 200
    assert_unavailable(await anonymous.get("/readyz"))


async def test_a_database_that_can_be_read_and_not_written_is_not_ready(
    anonymous: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqlStore, "health", property(lambda _: StorageUnavailable(SECRET)))
    assert_unavailable(await anonymous.get("/readyz"))


def assert_unavailable(answer: httpx.Response) -> None:
    assert error(answer) == (503, "storage_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert answer.json() == {
        "status": 503,
        "code": "storage_unavailable",
        "message": "The database is not available; try again later",
        "details": {},
    }


@pytest.mark.parametrize("operation", [each for each in operations() if each.id in ASKING], ids=str)
async def test_without_the_database_an_operation_says_so_and_no_more(
    sign_in: SignIn, broken_with: Break, operation: Operation
) -> None:
    client = await sign_in("admin")
    assert (await client.get("/auth/me")).status_code == 200  # who calls is known for some seconds
    broken_with(StorageUnavailable(SECRET))
    assert_unavailable(await client.request(operation.method, operation.path, json=ASKING[operation.id]))


async def test_nobody_can_be_told_apart_without_the_database(anonymous: httpx.AsyncClient, broken_with: Break) -> None:
    broken_with(StorageUnavailable(SECRET))
    form = {"username": "viewer", "password": "x"}
    assert_unavailable(await anonymous.post("/auth/token", data=form))
    assert_unavailable(await anonymous.post("/auth/refresh", json={"refresh_token": "x"}))
    headers = {"Authorization": "Bearer aiop_x"}
    assert_unavailable(await anonymous.get("/auth/me", headers=headers))


async def test_a_defect_shows_the_id_under_which_it_is_logged_and_nothing_else(
    client: httpx.AsyncClient, broken_with: Break
) -> None:
    broken_with(RuntimeError(SECRET))
    with capture_logs() as logs:
        answer = await client.get(f"/dagger/workflows/{UNKNOWN}", headers={"X-Request-ID": "mine"})
    assert error(answer) == (500, "internal_error")
    assert answer.headers["x-request-id"] == "mine"
    assert answer.json() == {
        "status": 500,
        "code": "internal_error",
        "message": "An error occurred on the server",
        "details": {"request_id": "mine"},
    }
    (logged,) = logs
    assert (logged["event"], logged["log_level"], logged["request_id"]) == ("request failed", "error", "mine")
    assert (logged["method"], logged["path"]) == ("GET", f"/dagger/workflows/{UNKNOWN}")
    assert logged["exc_info"]


async def test_a_defect_gets_an_id_if_it_has_none(client: httpx.AsyncClient, broken_with: Break) -> None:
    broken_with(RuntimeError(SECRET))
    with capture_logs() as logs:
        answer = await client.post("/dagger/workflows", json=document())
    assert error(answer) == (500, "internal_error")
    assert (
        answer.json()["details"]
        == {"request_id": answer.headers["x-request-id"]}
        == {"request_id": logs[0]["request_id"]}
    )


async def test_head_of_a_defect_has_no_body(client: httpx.AsyncClient, broken_with: Break) -> None:
    broken_with(RuntimeError(SECRET))
    with capture_logs():
        answer = await client.head("/dagger/workflows")
    assert (answer.status_code, answer.content) == (500, b"")


async def test_a_stream_that_breaks_does_not_look_whole(
    service: Service, client: httpx.AsyncClient, execution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(SqlStore, "logs", fail)
    transport = httpx.ASGITransport(service.app)  # raises what reaches the server, which then breaks the connection
    async with httpx.AsyncClient(transport=transport, base_url="http://aiop.test", headers=client.headers) as direct:
        with capture_logs() as logs, pytest.raises(RuntimeError):
            await direct.get(f"/dagger/executions/{execution}/logs")
    assert [each["event"] for each in logs] == ["request failed"]


async def test_a_client_that_goes_while_it_sends_is_no_defect(service: Service, client: httpx.AsyncClient) -> None:
    sent: list[object] = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/dagger/workflows",
        "raw_path": b"/dagger/workflows",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"authorization", client.headers["authorization"].encode())],
        "client": ("127.0.0.1", 1),
        "server": ("aiop.test", 80),
    }
    pieces: AsyncIterator[dict[str, object]] = messages()
    with capture_logs() as logs:
        await service.app(scope, lambda: anext(pieces), collect(sent))  # type: ignore[arg-type]
    assert (sent, logs) == ([], [])
    assert (await client.get("/dagger/workflows")).json()["total"] == 0


async def messages() -> AsyncIterator[dict[str, object]]:
    yield {"type": "http.request", "body": b'{"name": "w"', "more_body": True}
    yield {"type": "http.disconnect"}


def collect(sent: list[object]) -> object:
    async def send(message: object) -> None:
        sent.append(message)

    return send

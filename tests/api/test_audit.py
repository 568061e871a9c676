"""``GET /audit``: what callers did is there, with who they were and how they came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from aiop.model.audit import AuditAction
from api.errors import messages
from api.world import PASSWORD, HandClock, Service, reference

NOON = "2025-03-01T12:00:00Z"


async def listed(admin: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """What the log holds, oldest first."""
    answer = await admin.get("/audit", params={"sort": "at", "limit": 1000, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["entries"]


async def told(admin: httpx.AsyncClient, **query: Any) -> list[tuple[str, str | None, str | None]]:
    return [(entry["actor"], entry["action"], entry["target"]) for entry in await listed(admin, **query)]


async def test_an_entry_says_who_what_when_and_from_where(admin: httpx.AsyncClient) -> None:
    answer = await admin.put("/secrets/KEY", json={"value": "hunter2"}, headers={"X-Request-ID": "request-1"})
    assert answer.status_code == 201

    (entry,) = await listed(admin, action="SecretCreated")

    assert entry.pop("id")
    assert entry == {
        "at": NOON,
        "actor": "admin",
        "token": None,
        "token_id": None,
        "action": "SecretCreated",
        "target_type": "secret",
        "target": "KEY",
        "request_id": "request-1",
        "address": "127.0.0.1",
        "detail": {},
    }


async def test_who_ran_and_cancelled_what_is_told(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, workflow: str, execution: str
) -> None:
    await client.patch(f"/dagger/workflows/{workflow}", json={"name": "changed"})
    await client.delete(f"/dagger/executions/{execution}")
    await client.delete(f"/dagger/workflows/{workflow}")

    assert await told(admin, actor="editor") == [
        ("editor", "UserSignedIn", "editor"),
        ("editor", "WorkflowCreated", workflow),
        ("editor", "ExecutionSubmitted", execution),
        ("editor", "WorkflowChanged", workflow),
        ("editor", "ExecutionCancelRequested", execution),
        ("editor", "WorkflowDeleted", workflow),
    ]


async def test_a_token_is_told_from_a_session(
    service: Service, admin: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    made = (await client.post("/auth/tokens", json={"name": "ci"})).json()
    async with service.client(made["token"]) as program:
        await program.post("/dagger/workflows", json=reference("workflow_create.request"))
    await client.delete(f"/auth/tokens/{made['id']}")

    _, created, used, revoked = await listed(admin, actor="editor")

    assert (created["action"], created["target"], created["token"]) == ("TokenCreated", made["id"], None)
    assert created["detail"] == {"name": "ci", "role": "editor"}
    assert (used["action"], used["token"], used["token_id"]) == ("WorkflowCreated", "ci", made["id"])
    assert (revoked["action"], revoked["detail"]) == ("TokenRevoked", {"name": "ci", "username": "editor"})


async def test_users_are_told_without_their_passwords(admin: httpx.AsyncClient) -> None:
    await admin.post("/auth/users", json={"username": "ann", "password": PASSWORD, "role": "viewer"})
    await admin.patch("/auth/users/ann", json={"password": "another one"})
    await admin.patch("/auth/users/ann", json={"role": "viewer"})  # changes nothing
    await admin.delete("/auth/users/ann")

    found = await listed(admin, target="ann")

    assert [(entry["action"], entry["detail"]) for entry in found] == [
        ("UserCreated", {"role": "viewer"}),
        ("UserChanged", {"password": "changed"}),
        ("UserDeleted", {}),
    ]


async def test_sign_ins_are_told_good_and_bad_ones(admin: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    session = (await anonymous.post("/auth/token", data={"username": "viewer", "password": PASSWORD})).json()
    await anonymous.post("/auth/token", data={"username": "viewer", "password": "wrong"})
    await anonymous.post("/auth/token", data={"username": PASSWORD, "password": "viewer"})  # fields confused
    await anonymous.post("/auth/refresh", json={"refresh_token": session["refresh_token"]})

    found = [entry for entry in await listed(admin) if entry["action"].startswith("UserSign")][1:]

    assert [(entry["actor"], entry["action"], entry["target"]) for entry in found] == [
        ("viewer", "UserSignedIn", "viewer"),
        (None, "UserSignInFailed", "viewer"),
        (None, "UserSignInFailed", None),
    ]
    assert {entry["address"] for entry in found} == {"127.0.0.1"}
    assert PASSWORD not in str(found)


async def test_what_is_refused_is_not_told(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, viewer: httpx.AsyncClient, workflow: str
) -> None:
    before = await listed(admin)

    for answer in (
        await viewer.delete(f"/dagger/workflows/{workflow}"),
        await client.put("/secrets/KEY", json={"value": "x"}),
        await client.post("/dagger/workflows", json={"name": "no steps"}),
        await admin.put("/secrets/KEY", json={"value": ""}),
        await admin.delete("/auth/users/admin"),
        await client.post(f"/dagger/workflows/{workflow}/execute", json={"container_registry": "a b"}),
    ):
        assert 400 <= answer.status_code < 500

    assert await listed(admin) == before


async def test_only_admins_read_it_and_nobody_writes_it(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, viewer: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    for caller, status in ((admin, 200), (client, 403), (viewer, 403), (anonymous, 401)):
        assert (await caller.get("/audit")).status_code == status
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await admin.request(method, "/audit")).status_code == 405


async def test_the_log_is_filtered_and_paged(admin: httpx.AsyncClient, clock: HandClock) -> None:
    for name in ("A", "B", "A"):
        clock.advance(hours=1)
        assert (await admin.put(f"/secrets/{name}", json={"value": "value"})).status_code in (200, 201)

    newest = (await admin.get("/audit?limit=2")).json()
    assert [(entry["action"], entry["target"]) for entry in newest["entries"]] == [
        ("SecretReplaced", "A"),
        ("SecretCreated", "B"),
    ]
    assert await told(admin, target="A", action="SecretReplaced") == [("admin", "SecretReplaced", "A")]
    span = {"since": "2025-03-01T15:00:00+01:00", "until": "2025-03-01T15:00:00Z"}
    assert await told(admin, **span) == [("admin", "SecretCreated", "B")]
    assert await told(admin, actor="nobody") == []


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=1740830400",
        "since=2025-03-01",
        "until=2025-03-01T12:00:00",
        "until=2025-13-01T12:00:00Z",
        "action=SecretRead",
        "action=secretcreated",
        "sort=actor",
        "outcome=failed",
    ],
)
async def test_a_parameter_that_means_nothing_is_named(admin: httpx.AsyncClient, query: str) -> None:
    assert messages(await admin.get(f"/audit?{query}")).keys() == {query.partition("=")[0]}


def test_every_action_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/audit.md").read_text()

    assert [action for action in AuditAction if f"`{action}`" not in page] == []

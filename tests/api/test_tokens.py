"""API tokens."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.conftest import SignIn
from api.errors import error, faults
from api.operations import UNKNOWN
from api.world import HandClock, Service

NOON = "2025-03-01T12:00:00Z"


async def made(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/auth/tokens", json={"name": "ci", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def who(service: Service, token: str) -> httpx.Response:
    async with service.client(token) as client:
        return await client.get("/auth/me")


async def test_a_token_is_shown_once(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/tokens", json={"name": "ci"})
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    token = answer.json()
    text = token.pop("token")
    assert answer.headers["location"] == f"/auth/tokens/{token['id']}"
    assert token == {
        "id": token["id"],
        "name": "ci",
        "role": "editor",
        "created_at": NOON,
        "expires_at": None,
        "last_used_at": None,
    }
    listed = await client.get("/auth/tokens")
    assert listed.json() == {"tokens": [token], "total": 1, "limit": 20, "offset": 0}
    assert text.startswith("aiop_")
    assert text not in listed.text


async def test_a_token_that_was_made_with_another_does_not_outlive_it(
    service: Service, client: httpx.AsyncClient
) -> None:
    short = await made(client, expires_in=600)
    async with service.client(short["token"]) as holder:
        for seconds, ends in (
            (None, "2025-03-01T12:10:00Z"),
            (9000, "2025-03-01T12:10:00Z"),
            (60, "2025-03-01T12:01:00Z"),
        ):
            body = {} if seconds is None else {"expires_in": seconds}
            assert (await made(holder, **body))["expires_at"] == ends
    lasting = await made(client)
    async with service.client(lasting["token"]) as holder:
        assert (await made(holder))["expires_at"] is None


async def test_a_token_serves_as_its_user_with_its_role(service: Service, client: httpx.AsyncClient) -> None:
    for role in ("viewer", "editor"):
        token = await made(client, role=role)
        assert (await who(service, token["token"])).json() == {"username": "editor", "role": role}


@pytest.mark.parametrize(("user", "role"), [("viewer", "editor"), ("viewer", "admin"), ("editor", "admin")])
async def test_nobody_makes_a_token_of_a_higher_role(sign_in: SignIn, user: str, role: str) -> None:
    client = await sign_in(user)
    answer = await client.post("/auth/tokens", json={"name": "ci", "role": role})
    assert error(answer) == (403, "forbidden")
    assert (await client.get("/auth/tokens")).json()["total"] == 0


async def test_a_token_makes_no_token_of_a_higher_role_than_its_own(service: Service, admin: httpx.AsyncClient) -> None:
    token = await made(admin, role="viewer")
    async with service.client(token["token"]) as client:
        assert error(await client.post("/auth/tokens", json={"name": "x", "role": "admin"})) == (403, "forbidden")
        assert (await made(client))["role"] == "viewer"


async def test_a_token_loses_what_its_user_loses(service: Service, admin: httpx.AsyncClient, sign_in: SignIn) -> None:
    token = await made(await sign_in("editor"))
    await admin.patch("/auth/users/editor", json={"role": "viewer"})
    assert (await who(service, token["token"])).json()["role"] == "viewer"
    await admin.patch("/auth/users/editor", json={"role": "admin"})
    assert (await who(service, token["token"])).json()["role"] == "editor"


async def test_a_token_expires_to_the_second(service: Service, client: httpx.AsyncClient, clock: HandClock) -> None:
    token = await made(client, expires_in=60)
    assert token["expires_at"] == "2025-03-01T12:01:00Z"
    clock.advance(seconds=59)
    assert (await who(service, token["token"])).status_code == 200
    clock.advance(seconds=1)
    answer = await who(service, token["token"])
    assert error(answer) == (401, "unauthenticated")
    assert answer.json()["message"] == "The API token has expired"


async def test_a_whole_number_is_one_however_it_is_written(client: httpx.AsyncClient) -> None:
    body = b'{"name": "ci", "expires_in": 6.0e1}'
    answer = await client.post("/auth/tokens", content=body)
    assert answer.json()["expires_at"] == "2025-03-01T12:01:00Z"


async def test_the_list_tells_when_a_token_was_used(
    service: Service, client: httpx.AsyncClient, clock: HandClock
) -> None:
    token = await made(client)
    clock.advance(hours=1)
    assert (await who(service, token["token"])).status_code == 200
    (listed,) = (await client.get("/auth/tokens")).json()["tokens"]
    assert listed["last_used_at"] == "2025-03-01T13:00:00Z"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "x" * 256}, ["name"]),
        ({"name": 1}, ["name"]),
        ({"name": "x", "role": "root"}, ["role"]),
        *(({"name": "x", "expires_in": value}, ["expires_in"]) for value in (0, -1, 1.5, "60", True, 10**12, 10**30)),
        ({"name": None, "role": 1, "expires_in": [], "scope": "x"}, ["name", "role", "expires_in", "scope"]),
    ],
)
async def test_every_fault_is_named(client: httpx.AsyncClient, body: dict[str, Any], fields: list[str]) -> None:
    assert faults(await client.post("/auth/tokens", json=body)) == fields
    assert (await client.get("/auth/tokens")).json()["total"] == 0


async def test_null_is_as_good_as_nothing(client: httpx.AsyncClient) -> None:
    token = await made(client, role=None, expires_in=None)
    assert (token["role"], token["expires_at"]) == ("editor", None)


async def test_a_revoked_token_is_refused_at_once(service: Service, client: httpx.AsyncClient) -> None:
    token = await made(client)
    assert (await who(service, token["token"])).status_code == 200
    answer = await client.delete(f"/auth/tokens/{token['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    answer = await who(service, token["token"])
    assert error(answer) == (401, "unauthenticated")
    assert answer.json()["message"] == "The API token is not valid"
    assert error(await client.delete(f"/auth/tokens/{token['id']}")) == (404, "not_found")


async def test_tokens_of_others_are_not_there_but_an_admin_may_revoke_them(
    service: Service, client: httpx.AsyncClient, viewer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    token = await made(client)
    for other in (viewer, admin):
        assert (await other.get("/auth/tokens")).json()["tokens"] == []
    refused = await viewer.delete(f"/auth/tokens/{token['id']}")
    assert refused.json() == (await viewer.delete(f"/auth/tokens/{UNKNOWN}")).json()
    assert error(refused) == (404, "not_found")
    assert (await who(service, token["token"])).status_code == 200
    assert (await admin.delete(f"/auth/tokens/{token['id']}")).status_code == 204
    assert (await who(service, token["token"])).status_code == 401


async def test_refresh_tokens_are_not_among_the_api_tokens(service: Service, client: httpx.AsyncClient) -> None:
    assert (await client.get("/auth/tokens")).json()["total"] == 0

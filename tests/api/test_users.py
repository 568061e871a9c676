"""Users, as an admin has them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from api.errors import error, faults, messages
from api.world import PASSWORD, HandClock, Service

NOON = "2025-03-01T12:00:00Z"


def user(username: str = "ada", **fields: Any) -> dict[str, Any]:
    return {"username": username, "password": PASSWORD, "role": "editor", **fields}


async def test_a_user_is_created_shown_and_listed_without_the_password(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/auth/users", json=user("ada.l@example-1.org"))
    assert answer.status_code == 201
    shown = {"username": "ada.l@example-1.org", "role": "editor", "created_at": NOON, "updated_at": None}
    assert answer.json() == shown
    assert list(answer.json()) == list(shown)
    assert (await admin.get(answer.headers["location"])).json() == shown
    listed = (await admin.get("/auth/users?sort=username")).json()
    assert [each["username"] for each in listed["users"]] == ["ada.l@example-1.org", "admin", "editor", "viewer"]
    assert listed["users"][0] == shown


@pytest.mark.parametrize("name", ["a", "_", "0", "A" * 64, "a.b@c-d_e"])
async def test_a_name_may_be_any_of_these(admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, name: str) -> None:
    assert (await admin.post("/auth/users", json=user(name))).status_code == 201
    answer = await anonymous.post("/auth/token", data={"username": name, "password": PASSWORD})
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["", "A" * 65, "-a", ".a", "@a", "a b", "a/b", "ä", "a\n", "a\0", 1, None])
async def test_a_name_may_be_none_of_these(admin: httpx.AsyncClient, name: Any) -> None:
    assert faults(await admin.post("/auth/users", json=user(name))) == ["username"]
    assert (await admin.get("/auth/users")).json()["total"] == 3


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025, 12345678, None])
async def test_a_password_has_a_length(admin: httpx.AsyncClient, password: Any) -> None:
    answer = await admin.post("/auth/users", json=user(password=password))
    assert faults(answer) == ["password"]
    assert not password or str(password) not in answer.text


@pytest.mark.parametrize("password", ["12345678", "x" * 1024, "пароль пароль", "🔑" * 8, " & = + % "])
async def test_a_password_may_have_any_characters(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, password: str
) -> None:
    assert (await admin.post("/auth/users", json=user(password=password))).status_code == 201
    answer = await anonymous.post("/auth/token", data={"username": "ada", "password": password})
    assert answer.status_code == 200


async def test_every_fault_is_named(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/auth/users", json={"username": "-", "password": "short", "role": "root", "admin": True})
    assert faults(answer) == ["username", "password", "role", "admin"]
    assert "short" not in answer.text
    assert faults(await admin.post("/auth/users", json={})) == ["username", "password", "role"]


async def test_a_name_is_given_once_even_at_once(admin: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(admin.post("/auth/users", json=user()) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400, 400]
    taken = next(answer for answer in answers if answer.status_code == 400)
    assert messages(taken) == {"username": "Username is taken"}


async def test_only_what_is_sent_changes(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: HandClock
) -> None:
    clock.advance(hours=1)
    unchanged = {"username": "viewer", "role": "viewer", "created_at": NOON, "updated_at": None}
    for body in ({}, {"role": "viewer"}, {"role": None, "password": None}):
        answer = await admin.patch("/auth/users/viewer", json=body)
        assert (answer.status_code, answer.json()) == (200, unchanged)
    changed = {**unchanged, "role": "editor", "updated_at": "2025-03-01T13:00:00Z"}
    assert (await admin.patch("/auth/users/viewer", json={"role": "editor"})).json() == changed
    assert (await admin.get("/auth/users/viewer")).json() == changed
    form = {"username": "viewer", "password": PASSWORD}
    assert (await anonymous.post("/auth/token", data=form)).status_code == 200
    clock.advance(hours=1)
    answer = await admin.patch("/auth/users/viewer", json={"password": "another one"})
    assert answer.json() == {**changed, "updated_at": "2025-03-01T14:00:00Z"}
    assert (await anonymous.post("/auth/token", data=form)).status_code == 401
    form["password"] = "another one"
    assert (await anonymous.post("/auth/token", data=form)).status_code == 200


async def test_a_faulty_change_changes_nothing(admin: httpx.AsyncClient) -> None:
    for body, fields in (
        ({"role": "root", "password": "short"}, ["password", "role"]),
        ({"username": "x", "role": "editor"}, ["username"]),
    ):
        assert faults(await admin.patch("/auth/users/viewer", json=body)) == fields
    assert (await admin.get("/auth/users/viewer")).json()["role"] == "viewer"


async def test_a_deleted_user_is_gone(admin: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    answer = await admin.delete("/auth/users/viewer")
    assert (answer.status_code, answer.content) == (204, b"")
    for call in (
        admin.get("/auth/users/viewer"),
        admin.delete("/auth/users/viewer"),
        admin.patch("/auth/users/viewer", json={"role": "editor"}),
        admin.patch("/auth/users/viewer", json={"password": "another one"}),
        admin.patch("/auth/users/viewer", json={}),
    ):
        answer = await call
        assert error(answer) == (404, "not_found")
        assert answer.json()["message"] == "User not found"
    form = {"username": "viewer", "password": PASSWORD}
    assert (await anonymous.post("/auth/token", data=form)).status_code == 401


@pytest.mark.parametrize("name", ["nobody", "Admin", "admin%0A", "%00", "%FF", "' OR 1=1 --", "x" * 2000])
async def test_an_unknown_name_is_not_found(admin: httpx.AsyncClient, name: str) -> None:
    assert error(await admin.get(f"/auth/users/{name}")) == (404, "not_found")


async def test_the_last_admin_stays(admin: httpx.AsyncClient, service: Service) -> None:
    for call in (
        admin.delete("/auth/users/admin"),
        admin.patch("/auth/users/admin", json={"role": "viewer"}),
        admin.patch("/auth/users/admin", json={"role": "editor", "password": "another one"}),
    ):
        assert error(await call) == (400, "invalid_state")
    assert (await admin.get("/auth/me")).json() == {"username": "admin", "role": "admin"}
    await admin.post("/auth/users", json=user("root", role="admin"))
    assert (await admin.delete("/auth/users/admin")).status_code == 204
    assert error(await admin.get("/auth/me")) == (401, "unauthenticated")


async def test_of_two_admins_who_delete_each_other_one_stays(admin: httpx.AsyncClient, service: Service) -> None:
    await admin.post("/auth/users", json=user("root", role="admin"))
    session = await service.services.auth.login("root", PASSWORD)
    async with service.client(session.access_token) as root:
        answers = await asyncio.gather(admin.delete("/auth/users/root"), root.delete("/auth/users/admin"))
    assert sorted(answer.status_code for answer in answers) in ([204, 400], [204, 401])


async def test_an_admin_who_changes_his_own_password_must_sign_in_again(
    admin: httpx.AsyncClient, clock: HandClock
) -> None:
    clock.advance(seconds=1)
    assert (await admin.patch("/auth/users/admin", json={"password": "another one"})).status_code == 200
    assert error(await admin.get("/auth/me")) == (401, "unauthenticated")

"""Sessions: password or refresh token in, tokens out."""

from __future__ import annotations

import asyncio
import base64
import json

import httpx
import jwt
import pytest

from aiop.auth import AccessTokens
from api.errors import error, faults, messages
from api.world import PASSWORD, HandClock, Service

FORM = "application/x-www-form-urlencoded"


async def sign_in(client: httpx.AsyncClient, username: str = "editor", password: str = PASSWORD) -> httpx.Response:
    return await client.post("/auth/token", data={"username": username, "password": password})


async def me(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})


async def test_a_password_gives_tokens_that_nobody_on_the_way_keeps(anonymous: httpx.AsyncClient) -> None:
    answer = await sign_in(anonymous)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    session = answer.json()
    assert list(session) == ["access_token", "token_type", "expires_in", "refresh_token"]
    assert (session["token_type"], session["expires_in"]) == ("bearer", 9 * 3600)
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {session['access_token']}"}
        assert (await anonymous.get("/auth/me", headers=headers)).json() == {"username": "editor", "role": "editor"}


async def test_clients_of_oauth_may_send_what_they_always_do(anonymous: httpx.AsyncClient) -> None:
    form = {"grant_type": "password", "scope": "", "client_id": "x", "client_secret": "y"}
    answer = await anonymous.post("/auth/token", data={"username": "viewer", "password": PASSWORD, **form})
    assert answer.status_code == 200


async def test_an_unknown_user_and_a_wrong_password_are_told_alike(anonymous: httpx.AsyncClient) -> None:
    answers = [
        await sign_in(anonymous, "editor", "wrong"),
        await sign_in(anonymous, "nobody", "wrong"),
        await sign_in(anonymous, "Editor", PASSWORD),
        await sign_in(anonymous, "editor ", PASSWORD),
        await sign_in(anonymous, "editor", PASSWORD + " "),
        await sign_in(anonymous, "' OR 1=1 --", PASSWORD),
    ]
    for answer in answers:
        assert error(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json() == answers[0].json()
    assert answers[0].json()["message"] == "Wrong username or password"


async def test_a_faulty_form_is_told_field_by_field_and_never_repeated(anonymous: httpx.AsyncClient) -> None:
    for body, fields in (
        ("", ["username", "password"]),
        ("username=editor", ["password"]),
        ("username=&password=", ["username", "password"]),
        (f"username={'x' * 1025}&password={'y' * 1025}", ["username", "password"]),
        (f"username=editor&password={PASSWORD}&otp=1&grant_type=code", ["grant_type", "otp"]),
        (f"username=editor&password={PASSWORD}&username=admin", ["username"]),
        ("username=editor&password=hunter22%FF", ["body"]),
        ("&".join(f"f{number}=hunter22" for number in range(33)), ["body"]),
    ):
        answer = await anonymous.post("/auth/token", content=body, headers={"Content-Type": FORM})
        assert sorted(faults(answer)) == sorted(fields)
        assert PASSWORD not in answer.text
        assert "hunter22" not in answer.text


async def test_json_at_the_sign_in_is_refused_without_repeating_it(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post("/auth/token", json={"username": "editor", "password": PASSWORD})
    assert messages(answer) == {"Content-Type": f"Must be {FORM}"}
    assert PASSWORD not in answer.text


async def test_guessing_is_slowed_down_even_for_who_guesses_right_at_last(
    anonymous: httpx.AsyncClient, clock: HandClock
) -> None:
    for _ in range(10):
        assert (await sign_in(anonymous, "editor", "wrong")).status_code == 401
    clock.advance(seconds=20.5)
    answer = await sign_in(anonymous)
    assert error(answer) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "40"
    assert (await sign_in(anonymous, "viewer")).status_code == 200
    clock.advance(seconds=40)
    assert (await sign_in(anonymous)).status_code == 200


async def test_guesses_made_at_once_count_too(anonymous: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(sign_in(anonymous, "editor", "wrong") for _ in range(25)))
    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 15


async def test_a_good_sign_in_clears_the_count(anonymous: httpx.AsyncClient) -> None:
    for _ in range(3):
        for _ in range(9):
            assert (await sign_in(anonymous, "editor", "wrong")).status_code == 401
        assert (await sign_in(anonymous)).status_code == 200


async def test_a_refresh_token_serves_once(anonymous: httpx.AsyncClient) -> None:
    first = (await sign_in(anonymous)).json()
    answer = await anonymous.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    second = answer.json()
    assert second.keys() == first.keys()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await me(anonymous, second["access_token"])).status_code == 200
    again = await anonymous.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert error(again) == (401, "unauthenticated")
    assert again.json()["message"] == "The refresh token is not valid"
    assert (await anonymous.post("/auth/refresh", json={"refresh_token": second["refresh_token"]})).status_code == 200


async def test_of_many_who_show_a_refresh_token_at_once_one_is_served(anonymous: httpx.AsyncClient) -> None:
    token = (await sign_in(anonymous)).json()["refresh_token"]
    calls = (anonymous.post("/auth/refresh", json={"refresh_token": token}) for _ in range(10))
    assert sorted(answer.status_code for answer in await asyncio.gather(*calls)) == [200] + [401] * 9


async def test_tokens_expire(anonymous: httpx.AsyncClient, clock: HandClock) -> None:
    session = (await sign_in(anonymous)).json()
    clock.advance(hours=9, seconds=-1)
    assert (await me(anonymous, session["access_token"])).status_code == 200
    clock.advance(seconds=1)
    answer = await me(anonymous, session["access_token"])
    assert error(answer) == (401, "unauthenticated")
    assert answer.json()["message"] == "The access token has expired"
    clock.advance(days=29, hours=15, seconds=-1)
    answer = await anonymous.post("/auth/refresh", json={"refresh_token": session["refresh_token"]})
    clock.advance(days=30)
    answer = await anonymous.post("/auth/refresh", json={"refresh_token": answer.json()["refresh_token"]})
    assert error(answer) == (401, "unauthenticated")


async def test_one_kind_of_token_is_not_taken_for_another(anonymous: httpx.AsyncClient) -> None:
    session = (await sign_in(anonymous)).json()
    bearer = {"Authorization": f"Bearer {session['access_token']}"}
    api_token = (await anonymous.post("/auth/tokens", json={"name": "t"}, headers=bearer)).json()["token"]
    for token in (session["access_token"], api_token, "", "x", "aiopr_" + "x" * 43):
        answer = await anonymous.post("/auth/refresh", json={"refresh_token": token})
        assert error(answer) == ((401, "unauthenticated") if token else (400, "invalid_request"))
        assert not token or token not in answer.text
    assert error(await me(anonymous, session["refresh_token"])) == (401, "unauthenticated")


async def test_a_forged_token_is_refused(service: Service, anonymous: httpx.AsyncClient) -> None:
    token = (await sign_in(anonymous, "viewer")).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    head, body, signature = token.split(".")
    admin = await service.store.user("admin")
    assert admin is not None
    forged = [
        f"{head}.{base64.urlsafe_b64encode(json.dumps({**claims, 'sub': 'admin'}).encode()).decode()}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode(claims, "x" * 32, algorithm="HS256"),
        AccessTokens("another secret of some length, as it has to be", service.clock).issue(admin),
        token[:-2],
        token + "A",
    ]
    for each in forged:
        answer = await me(anonymous, each)
        assert error(answer) == (401, "unauthenticated")
        assert answer.json()["message"] == "The access token is not valid"
    assert (await me(anonymous, token)).status_code == 200


@pytest.mark.parametrize("change", [{"password": "another one"}, {"role": "viewer"}])
async def test_a_change_of_the_user_ends_his_sessions_and_keeps_his_api_tokens(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: HandClock, change: dict[str, str]
) -> None:
    session = (await sign_in(anonymous)).json()
    bearer = {"Authorization": f"Bearer {session['access_token']}"}
    api_token = (await anonymous.post("/auth/tokens", json={"name": "t"}, headers=bearer)).json()["token"]
    clock.advance(seconds=1)
    assert (await admin.patch("/auth/users/editor", json=change)).status_code == 200
    assert error(await me(anonymous, session["access_token"])) == (401, "unauthenticated")
    refreshed = await anonymous.post("/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert error(refreshed) == (401, "unauthenticated")
    role = change.get("role", "editor")
    assert (await me(anonymous, api_token)).json() == {"username": "editor", "role": role}
    answer = await sign_in(anonymous, password=change.get("password", PASSWORD))
    assert (await me(anonymous, answer.json()["access_token"])).json()["role"] == role


async def test_the_tokens_of_a_deleted_user_do_not_serve_the_next_of_that_name(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: HandClock
) -> None:
    session = (await sign_in(anonymous)).json()
    bearer = {"Authorization": f"Bearer {session['access_token']}"}
    api_token = (await anonymous.post("/auth/tokens", json={"name": "t"}, headers=bearer)).json()["token"]
    assert (await admin.delete("/auth/users/editor")).status_code == 204
    body = {"username": "editor", "password": PASSWORD, "role": "admin"}
    clock.advance(microseconds=1)
    for _ in range(2):
        for token in (session["access_token"], api_token):
            assert error(await me(anonymous, token)) == (401, "unauthenticated")
        refresh = {"refresh_token": session["refresh_token"]}
        assert error(await anonymous.post("/auth/refresh", json=refresh)) == (401, "unauthenticated")
        await admin.post("/auth/users", json=body)


async def test_no_secret_is_in_the_database_as_it_is(
    service: Service, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    session = (await sign_in(anonymous)).json()
    api_token = (await admin.post("/auth/tokens", json={"name": "t"})).json()["token"]
    stored = b"".join(file.read_bytes() for file in service.database.parent.glob(service.database.name + "*"))
    assert b"editor" in stored
    for secret in (PASSWORD, session["access_token"], session["refresh_token"], api_token):
        assert secret.encode() not in stored

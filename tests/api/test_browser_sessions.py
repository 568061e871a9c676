"""Sessions of browsers: the refresh token is a cookie, and no page from elsewhere gets anything done with it."""

from __future__ import annotations

from http.cookies import SimpleCookie

import httpx
import pytest

from api.errors import error, faults
from api.world import PASSWORD, HandClock, Service

FORM = {"username": "editor", "password": PASSWORD}


async def sign_in(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.post("/auth/session", data=FORM, headers=headers)


async def resume(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.post("/auth/session/token", headers=headers)


async def me(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(signed_in: httpx.Response, service: Service) -> None:
    (cookie,) = SimpleCookie(signed_in.headers["set-cookie"]).values()
    assert (cookie.key, cookie["path"], cookie["samesite"]) == ("aiop_session", "/auth/session", "strict")
    assert cookie["httponly"] is True
    assert int(cookie["max-age"]) == service.services.auth.refresh_ttl.total_seconds()
    assert not cookie["domain"]
    assert cookie.value not in signed_in.text
    assert signed_in.headers["cache-control"] == "no-store"


@pytest.fixture
async def signed_in(anonymous: httpx.AsyncClient) -> httpx.Response:
    answer = await sign_in(anonymous)
    assert answer.status_code == 200
    return answer


async def test_over_tls_the_cookie_never_goes_without(service: Service) -> None:
    transport = httpx.ASGITransport(service.app)
    for base, secure in (("https://aiop.test", True), ("http://aiop.test", "")):
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            (cookie,) = SimpleCookie((await sign_in(client)).headers["set-cookie"]).values()
            assert cookie["secure"] == secure


async def test_the_cookie_gives_access_tokens_again_and_again(
    anonymous: httpx.AsyncClient, signed_in: httpx.Response, clock: HandClock
) -> None:
    assert list(signed_in.json()) == ["access_token", "token_type", "expires_in", "username", "role"]
    for _ in range(2):
        clock.advance(hours=10)
        answer = await resume(anonymous)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert (answer.json()["username"], answer.json()["role"]) == ("editor", "editor")
        assert (await me(anonymous, answer.json()["access_token"])).status_code == 200


async def test_a_token_of_the_api_is_no_session(anonymous: httpx.AsyncClient, signed_in: httpx.Response) -> None:
    bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    token = (await anonymous.post("/auth/tokens", json={"name": "t"}, headers=bearer)).json()["token"]
    anonymous.cookies.set("aiop_session", token, domain="aiop.test", path="/auth/session")
    assert (await resume(anonymous)).status_code == 204
    assert (await anonymous.delete("/auth/session")).status_code == 204
    assert (await me(anonymous, token)).status_code == 200


async def test_nobody_is_signed_in_without_a_cookie_and_that_is_no_fault(anonymous: httpx.AsyncClient) -> None:
    assert (await resume(anonymous)).status_code == 204
    assert (await anonymous.delete("/auth/session")).status_code == 204
    anonymous.cookies.set("aiop_session", "aiopr_x", domain="aiop.test", path="/auth/session")
    assert (await resume(anonymous)).status_code == 204


async def test_a_session_ends_by_itself_and_with_a_change_of_the_user(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: HandClock
) -> None:
    await sign_in(anonymous)
    clock.advance(days=30)
    assert (await resume(anonymous)).status_code == 204
    await sign_in(anonymous)
    clock.advance(seconds=1)
    admin_token = (await anonymous.post("/auth/token", data={"username": "admin", "password": PASSWORD})).json()
    admin.headers["Authorization"] = f"Bearer {admin_token['access_token']}"
    assert (await admin.patch("/auth/users/editor", json={"password": "another one"})).status_code == 200
    assert (await resume(anonymous)).status_code == 204


async def test_who_signs_out_is_out_and_the_log_says_so(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, signed_in: httpx.Response
) -> None:
    kept = anonymous.cookies["aiop_session"]
    answer = await anonymous.delete("/auth/session")
    assert (answer.status_code, dict(anonymous.cookies)) == (204, {})
    anonymous.cookies.set("aiop_session", kept, domain="aiop.test", path="/auth/session")
    assert (await resume(anonymous)).status_code == 204
    [out] = [each for each in (await admin.get("/audit")).json()["entries"] if each["action"] == "UserSignedOut"]
    assert (out["actor"], out["target"]) == ("editor", "editor")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://aiop.test"},
        {"Origin": "http://evil.test"},
        {"Origin": "http://aiop.test:9999"},
        {"Origin": "null"},
    ],
)
async def test_a_page_of_another_site_gets_nothing_done(
    anonymous: httpx.AsyncClient, signed_in: httpx.Response, headers: dict[str, str]
) -> None:
    before = dict(anonymous.cookies)
    for answer in (
        await sign_in(anonymous, **headers),
        await resume(anonymous, **headers),
        await anonymous.delete("/auth/session", headers=headers),
    ):
        assert error(answer) == (403, "forbidden")
    assert dict(anonymous.cookies) == before
    assert (await resume(anonymous)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://behind.a.proxy"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://aiop.test"},
    ],
)
async def test_a_page_of_this_site_may(anonymous: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await sign_in(anonymous, **headers)).status_code == 200
    assert (await resume(anonymous, **headers)).status_code == 200


async def test_a_wrong_password_sets_no_cookie(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post("/auth/session", data={**FORM, "password": "wrong"})
    assert error(answer) == (401, "unauthenticated")
    assert "set-cookie" not in answer.headers
    assert faults(await anonymous.post("/auth/session", data={"username": "editor"})) == ["password"]

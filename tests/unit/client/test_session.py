from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qs

import httpx
import pytest

from aiop.client import AsyncClient, Tokens, Unauthenticated


class Service:
    """Knows one good access token at a time; each refresh token serves once."""

    def __init__(self, *, refresh="r0"):
        self.access = "fresh"
        self.refresh = refresh
        self.calls = []

    def __call__(self, request):
        self.calls.append(request.url.path)
        if request.url.path == "/auth/token":
            form = parse_qs(request.content.decode())
            return self._give() if form["password"] == ["right"] else self._refuse("Wrong password")
        if request.url.path == "/auth/refresh":
            given = json.loads(request.content)["refresh_token"]
            return self._give() if given == self.refresh else self._refuse()
        if request.headers.get("authorization") != f"Bearer {self.access}":
            return self._refuse()
        return httpx.Response(200, json={"username": "ann", "role": "editor"})

    def _give(self):
        number = len(self.calls)
        self.access, self.refresh = f"a{number}", f"r{number}"
        tokens = {"access_token": self.access, "token_type": "bearer", "expires_in": 900, "refresh_token": self.refresh}
        return httpx.Response(200, json=tokens)

    def _refuse(self, message="No"):
        return httpx.Response(401, json={"status": 401, "code": "unauthenticated", "message": message})


class Kept:
    def __init__(self, tokens=None):
        self.tokens = tokens

    def load(self):
        return self.tokens

    def save(self, tokens):
        self.tokens = tokens


def test_a_good_token_is_used_as_it_is(perform):
    service = Service()

    assert perform(service, lambda c: c.auth.me(), token="fresh").username == "ann"
    assert service.calls == ["/auth/me"]


def test_an_expired_token_is_renewed_and_the_request_repeated(perform):
    service, kept = Service(), Kept(Tokens("stale", "r0"))

    assert perform(service, lambda c: c.auth.me(), token_store=kept).username == "ann"
    assert service.calls == ["/auth/me", "/auth/refresh", "/auth/me"]
    assert (kept.tokens.access_token, kept.tokens.refresh_token) == ("a2", "r2")


def test_a_spent_refresh_token_gives_way_to_the_password(perform):
    service = Service()

    user = perform(service, lambda c: c.auth.me(), tokens=Tokens("stale", "spent"), username="ann", password="right")

    assert user.username == "ann"
    assert service.calls == ["/auth/me", "/auth/refresh", "/auth/token", "/auth/me"]


def test_with_a_password_the_client_signs_in_first(perform):
    service = Service()

    perform(service, lambda c: c.auth.me(), username="ann", password="right")

    assert service.calls == ["/auth/token", "/auth/me"]


def test_tokens_that_another_process_renewed_are_taken_up(perform):
    service, kept = Service(), Kept(Tokens("stale", "r0"))

    def use(client):
        kept.tokens = Tokens("fresh", "r9")
        return client.auth.me()

    assert perform(service, use, token_store=kept).username == "ann"
    assert service.calls == ["/auth/me", "/auth/me"]


@pytest.mark.parametrize(
    "options", [{}, {"token": "stale"}, {"tokens": Tokens("stale", "spent")}, {"username": "ann", "password": "wrong"}]
)
def test_without_a_way_in_the_refusal_is_raised(perform, options):
    with pytest.raises(Unauthenticated):
        perform(Service(), lambda c: c.auth.me(), **options)


async def test_tasks_that_meet_the_expiry_together_renew_once():
    service = Service()
    options = {"tokens": Tokens("stale", "r0"), "transport": httpx.MockTransport(service)}
    async with AsyncClient("http://aiop.test", **options) as client:
        users = await asyncio.gather(*(client.auth.me() for _ in range(5)))

    assert {user.username for user in users} == {"ann"}
    assert service.calls.count("/auth/refresh") == 1


def test_a_wrong_password_is_what_is_said(perform):
    with pytest.raises(Unauthenticated) as caught:
        perform(Service(), lambda c: c.auth.me(), username="ann", password="wrong")

    assert caught.value.message == "Wrong password"


def test_secrets_do_not_show_in_the_representation():
    assert "secret" not in repr(Tokens("secret-a", "secret-r"))

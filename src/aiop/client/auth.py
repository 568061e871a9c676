"""``client.auth``: who am I, API tokens, and users."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiop.client.calls import Calls
from aiop.client.effects import Flow, Request, Stream
from aiop.client.operation import D, Resource, operation, stream
from aiop.client.paging import every, page
from aiop.client.results.access import ApiToken, NewApiToken, User
from aiop.client.results.result import Page
from aiop.client.session import Tokens, sign_in
from aiop.model.records import Role

__all__ = ["ApiTokens", "Auth", "Users"]


_TOKENS = "/auth/tokens"
_USERS = "/auth/users"


def _user(username: str) -> str:
    return f"{_USERS}/{quote(username, safe='')}"


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


class ApiTokens(Resource[D]):
    """The caller's long-lived tokens."""

    @operation
    def create(self, name: str, *, role: Role | str | None = None, expires_in: int | None = None) -> Flow[NewApiToken]:
        """Make a token of at most the caller's role; ``expires_in`` is in seconds. Its secret is shown only here."""
        request = Request("POST", _TOKENS, json=_given(name=name, role=role, expires_in=expires_in))
        return self._calls.ask(request, NewApiToken)

    @operation
    def list(self, *, sort: str | None = None, limit: int | None = None, offset: int = 0) -> Flow[Page[ApiToken]]:
        """Read a page, newest first."""
        return page(self._calls, _TOKENS, "tokens", ApiToken, limit=limit, offset=offset, query={"sort": sort})

    @stream
    def iter(self, *, sort: str | None = None) -> Stream[ApiToken]:
        """Go through all tokens."""
        return every(self._calls, _TOKENS, "tokens", ApiToken, ident="id", query={"sort": sort})

    @operation
    def revoke(self, token: str) -> Flow[None]:
        """Make a token worthless at once, by its id."""
        yield from self._calls.send(Request("DELETE", f"{_TOKENS}/{quote(token, safe='')}"))


class Users(Resource[D]):
    """User administration, for admins."""

    @operation
    def create(self, username: str, password: str, role: Role | str) -> Flow[User]:
        """Add a user."""
        request = Request("POST", _USERS, json={"username": username, "password": password, "role": role})
        return self._calls.ask(request, User)

    @operation
    def get(self, username: str) -> Flow[User]:
        """Read one."""
        return self._calls.ask(Request("GET", _user(username)), User)

    @operation
    def list(self, *, sort: str | None = None, limit: int | None = None, offset: int = 0) -> Flow[Page[User]]:
        """Read a page."""
        return page(self._calls, _USERS, "users", User, limit=limit, offset=offset, query={"sort": sort})

    @stream
    def iter(self, *, sort: str | None = None) -> Stream[User]:
        """Go through all users."""
        return every(self._calls, _USERS, "users", User, ident="username", query={"sort": sort})

    @operation
    def update(self, username: str, *, password: str | None = None, role: Role | str | None = None) -> Flow[User]:
        """Change what is given; the user's sign-ins end."""
        request = Request("PATCH", _user(username), json=_given(password=password, role=role))
        return self._calls.ask(request, User)

    @operation
    def delete(self, username: str) -> Flow[None]:
        """Delete a user with all tokens."""
        yield from self._calls.send(Request("DELETE", _user(username)))


class Auth(Resource[D]):
    """Signing in, and what belongs to it."""

    def __init__(self, driver: D, calls: Calls) -> None:
        super().__init__(driver, calls)
        self.tokens: ApiTokens[D] = ApiTokens(driver, calls)
        self.users: Users[D] = Users(driver, calls)

    @operation
    def sign_in(self, username: str, password: str) -> Flow[Tokens]:
        """Sign in; the client uses the tokens from now on, and renews them by itself."""
        tokens = yield from self._calls.ask(sign_in(username, password), Tokens)
        self._calls.session.adopt(tokens)
        return tokens

    @operation
    def me(self) -> Flow[User]:
        """Read who the caller is."""
        return self._calls.ask(Request("GET", "/auth/me"), User)

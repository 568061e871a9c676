"""Who the client is: tokens, where they are kept, and how they are renewed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from aiop.client.effects import Flow, Request
from aiop.client.errors import InvalidRequest, Unauthenticated

__all__ = ["Session", "TokenStore", "Tokens"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gives. ``expires_in`` is in seconds and counts from the answer."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    token_type: str = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int | None = None


class TokenStore(Protocol):
    """Keeps tokens between runs, for several clients at once."""

    def load(self) -> Tokens | None:
        """Return what is kept now."""

    def save(self, tokens: Tokens) -> None:
        """Keep these instead."""


@dataclass(slots=True)
class Session:
    """The credentials of one client.

    ``renew`` sends no refresh token twice, as one serves once: it must be run alone, and looks first whether somebody
    else has renewed meanwhile.
    """

    exchange: Callable[[Request], Flow[Tokens]]
    """Sends a request for tokens."""
    tokens: Tokens | None = None
    store: TokenStore | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.tokens is None and self.store is not None:
            self.tokens = self.store.load()

    @property
    def access_token(self) -> str | None:
        """What requests are signed with now."""
        return self.tokens.access_token if self.tokens else None

    @property
    def renewable(self) -> bool:
        """Whether ``renew`` has anything to try."""
        return bool(self.password is not None or self.store or (self.tokens and self.tokens.refresh_token))

    def adopt(self, tokens: Tokens) -> None:
        """Take these tokens and keep them."""
        self.tokens = tokens
        if self.store is not None:
            self.store.save(tokens)

    def renew(self, refused: str | None) -> Flow[bool]:
        """Get an access token other than ``refused``; ``False`` if there is no way.

        Raises ``Unauthenticated`` if a password was the last hope, and is wrong.
        """
        if self.access_token != refused or self._reload(refused):
            return True
        if self.tokens and self.tokens.refresh_token:
            try:
                self.adopt((yield from self.exchange(_refresh(self.tokens.refresh_token))))
            except (Unauthenticated, InvalidRequest):
                if self._reload(refused):
                    return True
            else:
                return True
        if self.username is None or self.password is None:
            return False
        self.adopt((yield from self.exchange(sign_in(self.username, self.password))))
        return True

    def _reload(self, refused: str | None) -> bool:
        stored = self.store.load() if self.store else None
        if stored is None or stored.access_token == refused:
            return False
        self.tokens = stored
        return True


def sign_in(username: str, password: str) -> Request:
    """Describe the sign-in: the password form of OAuth 2 (RFC 6749, 4.3)."""
    form = {"grant_type": "password", "username": username, "password": password}
    return Request("POST", "/auth/token", form=form, signed=False)


def _refresh(token: str) -> Request:
    return Request("POST", "/auth/refresh", json={"refresh_token": token}, signed=False)

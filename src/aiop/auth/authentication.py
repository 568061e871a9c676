"""From a bearer token to a principal."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiop.auth.access import AccessTokens, stamp_of
from aiop.auth.keys import API_TOKEN_PREFIX, digest_of
from aiop.auth.passwords import Passwords
from aiop.auth.principal import Principal
from aiop.auth.sessions import Session, Sessions
from aiop.auth.tokens import ApiTokens
from aiop.auth.users import Users
from aiop.errors import StorageUnavailable, Unauthenticated
from aiop.interfaces import AuthStore, Clock
from aiop.model.ids import TokenId

__all__ = ["AuthService"]

_CACHE_SIZE = 4096


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    until: datetime


class AuthService:
    """The door: ``login`` and ``refresh`` give sessions, ``authenticate`` takes what callers show; ``users`` and
    ``tokens`` administer both.

    What a token stands for is remembered for ``remember``; a change made through this object is seen at once, one
    made through another replica after that time at most.
    """

    def __init__(
        self,
        store: AuthStore,
        clock: Clock,
        *,
        secret: str,
        access_ttl: timedelta = timedelta(minutes=15),
        refresh_ttl: timedelta = timedelta(days=30),
        remember: timedelta = timedelta(seconds=5),
        passwords: Passwords | None = None,
    ) -> None:
        passwords = passwords or Passwords()
        self.refresh_ttl = refresh_ttl
        self._store = store
        self._clock = clock
        self._access = AccessTokens(secret, clock, ttl=access_ttl)
        self._sessions = Sessions(store, clock, access=self._access, passwords=passwords, refresh_ttl=refresh_ttl)
        self._remember = remember
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._used: OrderedDict[TokenId, datetime] = OrderedDict()
        self._changes = 0
        self.users = Users(store, clock, passwords, changed=self._forget)
        self.tokens = ApiTokens(store, clock, changed=self._forget)

    async def login(self, username: str, password: str, *, address: str = "") -> Session:
        """Check a password and begin a session; raises ``Unauthenticated`` and ``TooManyRequests``."""
        return await self._sessions.login(username, password, address=address)

    async def refresh(self, token: str) -> Session:
        """Exchange a refresh token for a new session; it serves once. Raises ``Unauthenticated``."""
        return await self._sessions.refresh(token)

    async def resume(self, token: str) -> tuple[Principal, Session]:
        """Give a new access token for a refresh token that stays as it is; raises ``Unauthenticated``."""
        user, session = await self._sessions.resume(token)
        return Principal(user.username, user.role), session

    async def logout(self, token: str) -> None:
        """End the session of a refresh token; one that has ended is let be. Access tokens hold until they expire."""
        await self._sessions.end(token)

    async def authenticate(self, bearer: str) -> Principal:
        """Tell who shows this access token or API token; raises ``Unauthenticated``."""
        now = self._clock.now()
        digest = digest_of(bearer)
        known = self._known.get(digest)
        if known is not None and now < known.until:
            return known.principal
        changes = self._changes
        principal, expires_at = await (
            self._by_api_token(digest, now) if bearer.startswith(API_TOKEN_PREFIX) else self._by_access_token(bearer)
        )
        if changes == self._changes:  # else what was read may be older than the change
            until = now + self._remember
            self._known[digest] = _Known(principal, until if expires_at is None else min(until, expires_at))
            self._known.move_to_end(digest)
            if len(self._known) > _CACHE_SIZE:
                self._known.popitem(last=False)
        return principal

    async def _by_access_token(self, token: str) -> tuple[Principal, datetime | None]:
        claims = self._access.read(token)
        user = await self._store.user(claims.username)
        if user is None or stamp_of(user) != claims.stamp:
            raise Unauthenticated("The user has changed since; sign in again")
        return Principal(user.username, user.role), claims.expires_at

    async def _by_api_token(self, digest: str, now: datetime) -> tuple[Principal, datetime | None]:
        token = await self._store.token(digest)
        if token is None or token.refresh:
            raise Unauthenticated("The API token is not valid")
        if token.expires_at is not None and token.expires_at <= now:
            raise Unauthenticated("The API token has expired")
        user = await self._store.user(token.username)
        if user is None:
            raise Unauthenticated("The API token is not valid")
        await self._note_use(token.id, now)
        role = min(token.role, user.role, key=lambda role: role.rank)
        return Principal(user.username, role, token.name, token.id, token.expires_at), token.expires_at

    async def _note_use(self, token: TokenId, now: datetime) -> None:
        # Once a minute is exact enough for people, and keeps reads from becoming writes.
        noted = self._used.get(token)
        if noted is not None and now - noted < timedelta(minutes=1):
            return
        self._used[token] = now
        self._used.move_to_end(token)
        if len(self._used) > _CACHE_SIZE:
            self._used.popitem(last=False)
        with suppress(StorageUnavailable):  # a note for people; who only reads must not fail for it
            await self._store.touch_token(token, now)

    def _forget(self) -> None:
        self._known.clear()
        self._changes += 1

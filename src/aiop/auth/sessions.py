"""Signing in, and staying signed in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aiop.auth.access import AccessTokens
from aiop.auth.keys import REFRESH_TOKEN_PREFIX, digest_of, new_token
from aiop.auth.passwords import Passwords
from aiop.auth.throttle import Throttle
from aiop.errors import NotFound, Unauthenticated
from aiop.interfaces import AuthStore, Clock, acting, current_actor
from aiop.model.ids import TokenId, new_id
from aiop.model.records import TokenRecord, UserRecord

__all__ = ["Session", "Sessions"]


@dataclass(frozen=True, slots=True)
class Session:
    """What a sign-in gives; ``expires_in`` is the life of the access token."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: timedelta


class Sessions:
    """Password or refresh token in, session out."""

    def __init__(
        self,
        store: AuthStore,
        clock: Clock,
        *,
        access: AccessTokens,
        passwords: Passwords,
        refresh_ttl: timedelta,
    ) -> None:
        self._store = store
        self._clock = clock
        self._access = access
        self._passwords = passwords
        self._refresh_ttl = refresh_ttl
        # One address may not guess long at one user, nor all addresses together; the second limit is wide, because
        # it lets a stranger lock a user out for a while.
        self._by_address = Throttle(clock, limit=10, window=timedelta(minutes=1))
        self._by_user = Throttle(clock, limit=300, window=timedelta(minutes=5))

    async def login(self, username: str, password: str, *, address: str = "") -> Session:
        """Check a password and begin a session.

        An unknown user takes as long as a wrong password. Raises ``Unauthenticated`` and ``TooManyRequests``.
        """
        pair = f"{address} {username}"
        self._by_address.attempt(pair)
        self._by_user.attempt(username)
        now = self._clock.now()
        user = await self._store.user(username)
        if not await self._passwords.verify(user.password_hash if user else None, password) or user is None:
            await self._store.note_failed_sign_in(user.username if user else None)
            raise Unauthenticated("Wrong username or password")
        self._by_address.forget(pair)
        self._by_user.forget(username)
        session, token = self._begin(user, now)
        with acting(replace(current_actor(), username=user.username)):
            try:
                await self._store.sign_in(token)
            except NotFound as error:  # deleted meanwhile
                raise Unauthenticated("Wrong username or password") from error
        return session

    async def refresh(self, token: str) -> Session:
        """Go on with a session; the token is used up and another given. Raises ``Unauthenticated``."""
        now = self._clock.now()
        record = await self._store.take_refresh_token(digest_of(token))
        user = await self._store.user(record.username) if record else None
        if record is None or user is None or not _holds(record, user, now):
            raise Unauthenticated("The refresh token is not valid")
        session, next_token = self._begin(user, now)
        try:
            await self._store.add_token(next_token)
        except NotFound as error:  # deleted meanwhile
            raise Unauthenticated("The refresh token is not valid") from error
        return session

    async def resume(self, token: str) -> tuple[UserRecord, Session]:
        """Give a new access token for a refresh token that stays as it is; raises ``Unauthenticated``.

        For who keeps it where nobody can read it: see ``aiop.api.browser_sessions``.
        """
        now = self._clock.now()
        record = await self._store.token(digest_of(token))
        user = await self._store.user(record.username) if record else None
        if record is None or not record.refresh or user is None or not _holds(record, user, now):
            raise Unauthenticated("The session has ended; sign in again")
        return user, Session(self._access.issue(user), token, self._access.ttl)

    async def end(self, token: str) -> None:
        """End the session of a refresh token; one that has ended is let be."""
        record = await self._store.token(digest_of(token))
        if record is not None and record.refresh:
            with acting(replace(current_actor(), username=record.username)):
                await self._store.sign_out(record.id)

    def _begin(self, user: UserRecord, now: datetime) -> tuple[Session, TokenRecord]:
        # ``now`` is from before the user was read: see ``_holds``.
        refresh = new_token(REFRESH_TOKEN_PREFIX)
        token = TokenRecord(
            id=TokenId(new_id()),
            username=user.username,
            role=user.role,
            digest=digest_of(refresh),
            name="refresh",
            created_at=now,
            expires_at=now + self._refresh_ttl,
            refresh=True,
        )
        return Session(self._access.issue(user), refresh, self._access.ttl), token


def _holds(token: TokenRecord, user: UserRecord, now: datetime) -> bool:
    # A change of the user ends his refresh tokens. One that was just being made then, with the old password, is
    # told by its time.
    changed = user.updated_at or user.created_at
    return token.created_at >= changed and (token.expires_at is None or token.expires_at > now)

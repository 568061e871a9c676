"""Access tokens: short-lived JSON Web Tokens that need no look-up to be checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from aiop.auth.keys import derive_key
from aiop.errors import Unauthenticated
from aiop.interfaces import Clock
from aiop.model.records import UserRecord

__all__ = ["AccessTokens", "Claims", "stamp_of"]

_ALGORITHM = "HS256"
_ISSUER = "aiop"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: of whom, and of which state of this user (``stamp_of``)."""

    username: str
    stamp: int
    expires_at: datetime


def stamp_of(user: UserRecord) -> int:
    """Name the state of a user: it differs after each change, and for another user who takes the name later."""
    changed = user.updated_at or user.created_at
    return (changed - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


class AccessTokens:
    """Signs and reads them (HS256, with a key derived from the installation's secret)."""

    def __init__(self, secret: str, clock: Clock, *, ttl: timedelta = timedelta(minutes=15)) -> None:
        self._key = derive_key(secret, "access token")
        self._clock = clock
        self.ttl = ttl

    def issue(self, user: UserRecord) -> str:
        """Make a token for a user as he is now."""
        now = self._clock.now()
        claims = {
            "iss": _ISSUER,
            "sub": user.username,
            "stamp": stamp_of(user),
            "iat": int(now.timestamp()),
            "exp": int((now + self.ttl).timestamp()),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> Claims:
        """Check signature and time; raises ``Unauthenticated``."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                # Times are checked below against our clock; PyJWT knows only the system's.
                options={"require": ["exp", "sub", "stamp"], "verify_exp": False, "verify_iat": False},
            )
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
            raise Unauthenticated("The access token is not valid") from None
        if expires_at <= self._clock.now():
            raise Unauthenticated("The access token has expired")
        return Claims(claims["sub"], claims["stamp"], expires_at)

"""API tokens: named, long-lived, revocable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from aiop.auth.keys import API_TOKEN_PREFIX, digest_of, new_token
from aiop.auth.principal import Principal
from aiop.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated
from aiop.interfaces import AuthStore, Clock, Page, PageQuery
from aiop.model.ids import TokenId, new_id
from aiop.model.records import Role, TokenRecord

__all__ = ["ApiTokens", "NewApiToken"]


@dataclass(frozen=True, slots=True)
class NewApiToken:
    """A token just made: the only moment in which its text is known."""

    record: TokenRecord
    text: str = field(repr=False)


class ApiTokens:
    """What a user does with his tokens."""

    def __init__(self, store: AuthStore, clock: Clock, *, changed: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._clock = clock
        self._changed = changed

    async def list(self, owner: Principal, query: PageQuery) -> Page[TokenRecord]:
        """Read a page of the caller's own tokens."""
        return await self._store.tokens(owner.username, query)

    async def create(
        self, owner: Principal, name: str, *, role: Role | None = None, expires_in: timedelta | None = None
    ) -> NewApiToken:
        """Make a token with the caller's role or a lower one; raises ``Forbidden`` for a higher one.

        One that is made with a token does not outlive that. Raises ``Unauthenticated`` if the caller is gone.
        """
        role = role or owner.role
        if role.rank > owner.role.rank:
            raise Forbidden(f"A token cannot have the role {role}; yours is {owner.role}")
        now = self._clock.now()
        try:
            expires_at = None if expires_in is None else now + expires_in
        except OverflowError:
            raise InvalidRequest.at("expires_in", "Too far in the future") from None
        if owner.token_ends is not None:
            expires_at = owner.token_ends if expires_at is None else min(expires_at, owner.token_ends)
        text = new_token(API_TOKEN_PREFIX)
        record = TokenRecord(TokenId(new_id()), owner.username, role, digest_of(text), name, now, expires_at)
        try:
            await self._store.add_token(record)
        except NotFound as error:
            raise Unauthenticated("Your user was deleted") from error
        return NewApiToken(record, text)

    async def revoke(self, caller: Principal, token: TokenId) -> None:
        """Delete a token of the caller, as admin anybody's; raises ``NotFound``."""
        await self._store.delete_token(token, username=None if caller.role is Role.ADMIN else caller.username)
        self._changed()

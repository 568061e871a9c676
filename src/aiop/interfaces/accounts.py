"""The store, for users and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from aiop.interfaces.reading import Page, PageQuery
from aiop.model.ids import TokenId
from aiop.model.records import TokenRecord, UserRecord

__all__ = ["AuthStore"]


class AuthStore(Protocol):
    """Users and tokens; all raise ``StorageUnavailable``."""

    async def user(self, username: str) -> UserRecord | None:
        """Read one."""

    async def users(self, query: PageQuery) -> Page[UserRecord]:
        """Read a page; sorts by ``username role created_at``."""

    async def add_user(self, user: UserRecord) -> bool:
        """Store a new user; ``False`` if the name is taken."""

    async def change_user(self, user: UserRecord) -> None:
        """Replace role and password and end the refresh tokens; raises ``NotFound``.

        Raises ``InvalidState`` if no admin would be left.
        """

    async def delete_user(self, username: str) -> None:
        """Delete a user with all tokens; raises ``NotFound``, and ``InvalidState`` if no admin would be left."""

    async def add_token(self, token: TokenRecord) -> None:
        """Store a token: an API token, or the refresh token with which a session goes on.

        Raises ``NotFound`` if its user is gone.
        """

    async def sign_in(self, token: TokenRecord) -> None:
        """Store the first refresh token of a session: its user has signed in. Raises ``NotFound`` if he is gone."""

    async def sign_out(self, token: TokenId) -> None:
        """Delete the refresh token of a session: its user has signed out. One that is gone is let be."""

    async def note_failed_sign_in(self, username: str | None) -> None:
        """Note that somebody failed to sign in as this user; ``None`` if there is no such user.

        A name that nobody has is not kept: it may be a password that was typed into the wrong field.
        """

    async def token(self, digest: str) -> TokenRecord | None:
        """Read one by its digest, expired ones too."""

    async def tokens(self, username: str, query: PageQuery) -> Page[TokenRecord]:
        """Read a page of a user's API tokens (no refresh tokens); sorts by ``name created_at expires_at``."""

    async def delete_token(self, token: TokenId, *, username: str | None) -> None:
        """Delete a token, of this user only if one is given; raises ``NotFound``."""

    async def take_refresh_token(self, digest: str) -> TokenRecord | None:
        """Read and delete a refresh token in one step, so that it serves once."""

    async def touch_token(self, token: TokenId, at: datetime) -> None:
        """Note the last use; may be dropped under load."""

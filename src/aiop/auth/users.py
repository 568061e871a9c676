"""User administration."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from aiop.auth.passwords import Passwords
from aiop.errors import Fault, InvalidRequest, NotFound
from aiop.interfaces import AuthStore, Clock, Page, PageQuery
from aiop.model.records import Role, UserRecord

__all__ = ["PASSWORD_MAX", "PASSWORD_MIN", "USERNAME_PATTERN", "Users"]

USERNAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$"
PASSWORD_MIN = 8
PASSWORD_MAX = 1024


class Users:
    """What an admin does with users. A changed user must sign in again; API tokens stay until they are revoked."""

    def __init__(
        self, store: AuthStore, clock: Clock, passwords: Passwords, *, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._store = store
        self._clock = clock
        self._passwords = passwords
        self._changed = changed

    async def get(self, username: str) -> UserRecord:
        """Read one; raises ``NotFound``."""
        user = await self._store.user(username)
        if user is None:
            raise NotFound("User not found")
        return user

    async def list(self, query: PageQuery) -> Page[UserRecord]:
        """Read a page."""
        return await self._store.users(query)

    async def create(self, username: str, password: str, role: Role) -> UserRecord:
        """Add a user; raises ``InvalidRequest`` also if the name is taken."""
        faults = [*_name_faults(username), *_password_faults(password)]
        if faults:
            raise InvalidRequest(faults)
        user = UserRecord(username, role, await self._passwords.hash(password), self._clock.now())
        if not await self._store.add_user(user):
            raise InvalidRequest.at("username", "Username is taken")
        return user

    async def change(self, username: str, *, password: str | None = None, role: Role | None = None) -> UserRecord:
        """Set what is given; raises ``NotFound``, ``InvalidRequest``, and ``InvalidState`` for the last admin."""
        if password is not None and (faults := _password_faults(password)):
            raise InvalidRequest(faults)
        user = await self.get(username)
        if password is None and role in (None, user.role):
            return user
        changed = replace(
            user,
            role=role or user.role,
            password_hash=user.password_hash if password is None else await self._passwords.hash(password),
            updated_at=self._clock.now(),
        )
        await self._store.change_user(changed)
        self._changed()
        return changed

    async def delete(self, username: str) -> None:
        """Remove a user with all tokens; raises ``NotFound``, and ``InvalidState`` for the last admin."""
        await self._store.delete_user(username)
        self._changed()


def _name_faults(username: str) -> list[Fault]:
    if re.fullmatch(USERNAME_PATTERN, username):
        return []
    return [Fault("username", "Must be 1 to 64 letters, digits or _.@-, the first a letter, digit or _")]


def _password_faults(password: str) -> list[Fault]:
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        return [Fault("password", f"Must have {PASSWORD_MIN} to {PASSWORD_MAX} characters")]
    return []

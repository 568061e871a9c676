"""The first user."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path

from aiop.auth.passwords import Passwords
from aiop.interfaces import AuthStore, Clock, PageQuery
from aiop.model.records import Role, UserRecord

__all__ = ["ADMIN", "ensure_admin"]

ADMIN = "admin"


async def ensure_admin(
    store: AuthStore, clock: Clock, *, password: str | None, file: Path, passwords: Passwords | None = None
) -> bool:
    """Create ``admin`` if there is no user at all; tells whether it did.

    Without a password a random one is made and written to ``file``, readable by its owner only. The file comes
    first: if the service dies in between, the next start writes another. It goes if another service made ``admin``
    at the same time: then its password is another.
    """
    if (await store.users(PageQuery(limit=1))).total:
        return False
    made = password is None
    if password is None:
        password = secrets.token_urlsafe(18)
        _write_private(file, password + "\n")
    encoded = await (passwords or Passwords()).hash(password)
    added = await store.add_user(UserRecord(ADMIN, Role.ADMIN, encoded, clock.now()))
    if made and not added:
        await asyncio.to_thread(file.unlink)
    return added


def _write_private(file: Path, text: str) -> None:
    # Created anew, because the mode of a file that exists would stay as it is.
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)

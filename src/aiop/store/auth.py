"""Users and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from aiop.errors import InvalidState, NotFound
from aiop.interfaces import Page, PageQuery
from aiop.model.audit import AuditAction
from aiop.model.ids import TokenId
from aiop.model.records import Role, TokenRecord, UserRecord
from aiop.store import tables
from aiop.store.codec import AnyRow, micros, moment
from aiop.store.database import Database, Part
from aiop.store.lists import Listing
from aiop.store.writer import Work

__all__ = ["AuthPart"]


class _Touches(Work[tuple[TokenId, datetime], None]):
    """Last uses: one update for each token of a batch."""

    turn = 2

    async def apply(self, tx: AsyncConnection, items: Any) -> list[None]:
        newest = dict(items)
        await tx.execute(
            update(tables.tokens)
            .where(tables.tokens.c.id == bindparam("token"))
            .values(last_used_at=bindparam("used_at")),
            [{"token": token, "used_at": micros(at)} for token, at in newest.items()],
        )
        return [None] * len(items)


class AuthPart(Part):
    """``AuthStore``."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._touches = _Touches()
        self._user_list = Listing(tables.users, sorts=("username", "role", "created_at"), unique="username")
        self._token_list = Listing(
            tables.tokens,
            sorts=("name", "created_at", "expires_at"),
            unique="id",
            filters={"username": tables.tokens.c.username == bindparam("username")},
            always=[tables.tokens.c.refresh.is_(False)],
        )

    async def user(self, username: str) -> UserRecord | None:
        """Read one."""
        rows = await self._db.rows(select(tables.users).where(tables.users.c.username == username))
        return _user(rows[0]) if rows else None

    async def users(self, query: PageQuery) -> Page[UserRecord]:
        """Read a page."""
        async with self._db.reading() as tx:
            rows, total = await self._user_list.page(tx, query)
        return Page([_user(row) for row in rows], total)

    async def add_user(self, user: UserRecord) -> bool:
        """Store a new user, unless the name is taken."""
        new = self._db.dialect.insert(tables.users).values(_user_row(user)).on_conflict_do_nothing()
        call = self._db.audit.call()

        async def add(tx: AsyncConnection) -> bool:
            if (await tx.execute(new)).rowcount == 0:
                return False
            await call.write(tx, AuditAction.USER_CREATED, user.username, role=user.role)
            return True

        return await self._db.write(add)

    async def change_user(self, user: UserRecord) -> None:
        """Replace role and password, and end the refresh tokens."""
        tokens, call = tables.tokens.c, self._db.audit.call()

        async def change(tx: AsyncConnection) -> None:
            before = await _user_that_can_go(tx, user.username, remains_admin=user.role is Role.ADMIN)
            row = _user_row(user)
            del row["created_at"]
            await tx.execute(update(tables.users).where(tables.users.c.username == user.username).values(row))
            await tx.execute(delete(tables.tokens).where(tokens.username == user.username, tokens.refresh.is_(True)))
            role = None if before.role == user.role.value else user.role
            password = None if before.password_hash == user.password_hash else "changed"
            await call.write(tx, AuditAction.USER_CHANGED, user.username, role=role, password=password)

        await self._db.write(change)

    async def delete_user(self, username: str) -> None:
        """Delete a user with all tokens."""
        call = self._db.audit.call()

        async def remove(tx: AsyncConnection) -> None:
            await _user_that_can_go(tx, username, remains_admin=False)
            await tx.execute(delete(tables.tokens).where(tables.tokens.c.username == username))
            await tx.execute(delete(tables.users).where(tables.users.c.username == username))
            await call.write(tx, AuditAction.USER_DELETED, username)

        await self._db.write(remove)

    async def add_token(self, token: TokenRecord) -> None:
        """Store a token."""
        call = self._db.audit.call()

        async def add(tx: AsyncConnection) -> None:
            await _remains(tx, token.username)
            await tx.execute(insert(tables.tokens).values(_token_row(token)))
            if not token.refresh:
                detail = {"name": token.name, "role": token.role, "expires_at": token.expires_at}
                await call.write(tx, AuditAction.TOKEN_CREATED, token.id, **detail)

        await self._db.write(add)

    async def sign_in(self, token: TokenRecord) -> None:
        """Begin a session."""
        call = self._db.audit.call()

        async def add(tx: AsyncConnection) -> None:
            await _remains(tx, token.username)
            await tx.execute(insert(tables.tokens).values(_token_row(token)))
            await call.write(tx, AuditAction.USER_SIGNED_IN, token.username)

        await self._db.write(add)

    async def sign_out(self, token: TokenId) -> None:
        """End a session."""
        tokens, call = tables.tokens.c, self._db.audit.call()
        removal = delete(tables.tokens).where(tokens.id == token, tokens.refresh.is_(True)).returning(tokens.username)

        async def remove(tx: AsyncConnection) -> None:
            username = await tx.scalar(removal)
            if username is not None:
                await call.write(tx, AuditAction.USER_SIGNED_OUT, username)

        await self._db.write(remove)

    async def note_failed_sign_in(self, username: str | None) -> None:
        """Note it in the audit log."""
        call = self._db.audit.call()

        async def note(tx: AsyncConnection) -> None:
            await call.write(tx, AuditAction.USER_SIGN_IN_FAILED, username)

        await self._db.write(note)

    async def token(self, digest: str) -> TokenRecord | None:
        """Read one by its digest."""
        rows = await self._db.rows(_TOKEN, {"digest": digest})
        return _token(rows[0]) if rows else None

    async def tokens(self, username: str, query: PageQuery) -> Page[TokenRecord]:
        """Read a page of a user's API tokens."""
        async with self._db.reading() as tx:
            rows, total = await self._token_list.page(tx, query, username=username)
        return Page([_token(row) for row in rows], total)

    async def delete_token(self, token: TokenId, *, username: str | None) -> None:
        """Delete a token."""
        tokens, call = tables.tokens.c, self._db.audit.call()
        removal = delete(tables.tokens).where(tokens.id == token)
        if username is not None:
            removal = removal.where(tokens.username == username)

        async def remove(tx: AsyncConnection) -> None:
            gone = (await tx.execute(removal.returning(tokens.username, tokens.name))).one_or_none()
            if gone is None:
                raise NotFound("Token not found")
            await call.write(tx, AuditAction.TOKEN_REVOKED, token, name=gone.name, username=gone.username)

        await self._db.write(remove)

    async def take_refresh_token(self, digest: str) -> TokenRecord | None:
        """Read and delete a refresh token."""
        tokens = tables.tokens.c
        taking = delete(tables.tokens).where(tokens.digest == digest, tokens.refresh.is_(True)).returning(*tokens)

        async def take(tx: AsyncConnection) -> TokenRecord | None:
            row = (await tx.execute(taking)).one_or_none()
            return None if row is None else _token(row)

        return await self._db.write(take)

    async def touch_token(self, token: TokenId, at: datetime) -> None:
        """Note the last use."""
        await self._db.writer.run(self._touches, (token, at))


_TOKEN = select(tables.tokens).where(tables.tokens.c.digest == bindparam("digest"))
"""Built once, as each request asks."""


async def _remains(tx: AsyncConnection, username: str) -> None:
    """Keep a user from being deleted until the end of the transaction: a token of nobody would never go."""
    found = select(tables.users.c.username).where(tables.users.c.username == username)
    if await tx.scalar(found.with_for_update(read=True, key_share=True)) is None:
        raise NotFound("User not found")


async def _user_that_can_go(tx: AsyncConnection, username: str, *, remains_admin: bool) -> AnyRow:
    users = tables.users.c
    locked = select(tables.users).where((users.username == username) | (users.role == Role.ADMIN.value))
    rows = {row.username: row for row in await tx.execute(locked.order_by(users.username).with_for_update())}
    if username not in rows:
        raise NotFound("User not found")
    others = [name for name, row in rows.items() if row.role == Role.ADMIN.value and name != username]
    if rows[username].role == Role.ADMIN.value and not remains_admin and not others:
        raise InvalidState(f"{username} is the only admin")
    return rows[username]


def _user_row(user: UserRecord) -> dict[str, Any]:
    return {
        "username": user.username,
        "role": user.role.value,
        "password_hash": user.password_hash,
        "created_at": micros(user.created_at),
        "updated_at": micros(user.updated_at),
    }


def _user(row: AnyRow) -> UserRecord:
    return UserRecord(
        username=row.username,
        role=Role(row.role),
        password_hash=row.password_hash,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


def _token_row(token: TokenRecord) -> dict[str, Any]:
    return {
        "id": token.id,
        "username": token.username,
        "role": token.role.value,
        "digest": token.digest,
        "name": token.name,
        "created_at": micros(token.created_at),
        "expires_at": micros(token.expires_at),
        "last_used_at": micros(token.last_used_at),
        "refresh": token.refresh,
    }


def _token(row: AnyRow) -> TokenRecord:
    return TokenRecord(
        id=TokenId(row.id),
        username=row.username,
        role=Role(row.role),
        digest=row.digest,
        name=row.name,
        created_at=moment(row.created_at),
        expires_at=moment(row.expires_at),
        last_used_at=moment(row.last_used_at),
        refresh=row.refresh,
    )

"""Users and tokens."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aiop.auth.admin import ensure_admin
from aiop.auth.passwords import Passwords
from aiop.errors import InvalidState, NotFound
from aiop.interfaces import PageQuery
from aiop.model.ids import TokenId, new_id
from aiop.model.records import Role, TokenRecord, UserRecord
from aiop.store import SqlStore
from contract.store.subject import START, HandClock

ADMIN = UserRecord("admin", Role.ADMIN, "hash", START)
VIEWER = UserRecord("viewer", Role.VIEWER, "hash", START + timedelta(seconds=1), START + timedelta(seconds=2))


def a_token(username: str = "admin", **values: object) -> TokenRecord:
    return TokenRecord(
        **{
            "id": TokenId(new_id()),
            "username": username,
            "role": Role.EDITOR,
            "digest": new_id(),
            "name": "ci",
            "created_at": START,
        }
        | values
    )


@pytest.fixture
async def users(store: SqlStore) -> SqlStore:
    """A store with an admin and a viewer."""
    await store.add_user(ADMIN)
    await store.add_user(VIEWER)
    return store


async def test_a_user_is_read_as_it_was_stored(users: SqlStore) -> None:
    assert await users.user("admin") == ADMIN
    assert await users.user("viewer") == VIEWER
    assert await users.user("nobody") is None


async def test_a_name_is_taken_once(users: SqlStore) -> None:
    assert not await users.add_user(replace(VIEWER, username="admin"))
    assert await users.user("admin") == ADMIN

    answers = await asyncio.gather(*(users.add_user(replace(VIEWER, username="new")) for _ in range(10)))
    assert sorted(answers) == [False] * 9 + [True]


async def test_users_are_listed(users: SqlStore) -> None:
    page = await users.users(PageQuery(sort="username", descending=True))
    assert (list(page.items), page.total) == ([VIEWER, ADMIN], 2)
    assert list((await users.users(PageQuery(limit=1))).items) == [VIEWER]


async def test_a_changed_user_loses_the_refresh_tokens_only(users: SqlStore) -> None:
    api, refresh, other = a_token("viewer"), a_token("viewer", refresh=True), a_token(refresh=True)
    for token in (api, refresh, other):
        await users.add_token(token)
    changed = replace(VIEWER, role=Role.EDITOR, password_hash="new", updated_at=START)

    await users.change_user(changed)

    assert await users.user("viewer") == changed
    assert await users.token(refresh.digest) is None
    assert await users.token(api.digest) == api
    assert await users.token(other.digest) == other


async def test_the_last_admin_stays(users: SqlStore) -> None:
    with pytest.raises(InvalidState):
        await users.delete_user("admin")
    with pytest.raises(InvalidState):
        await users.change_user(replace(ADMIN, role=Role.EDITOR))
    await users.change_user(replace(ADMIN, password_hash="new"))
    assert await users.user("admin") == replace(ADMIN, password_hash="new")

    await users.add_user(replace(ADMIN, username="second"))
    answers = await asyncio.gather(users.delete_user("admin"), users.delete_user("second"), return_exceptions=True)

    assert [type(answer) for answer in answers].count(InvalidState) == 1
    assert (await users.users(PageQuery())).total == 2


async def test_a_deleted_user_takes_all_tokens_along(users: SqlStore) -> None:
    token = a_token("viewer")
    await users.add_token(token)

    await users.delete_user("viewer")

    assert await users.user("viewer") is None
    assert await users.token(token.digest) is None


async def test_nobody_who_was_deleted_gets_a_token(users: SqlStore) -> None:
    await users.delete_user("viewer")

    for gives in (users.add_token, users.sign_in):
        with pytest.raises(NotFound):
            await gives(a_token("viewer", refresh=True))


async def test_users_that_do_not_exist_are_not_found(store: SqlStore) -> None:
    with pytest.raises(NotFound):
        await store.change_user(ADMIN)
    with pytest.raises(NotFound):
        await store.delete_user("admin")


async def test_a_token_is_read_by_its_digest_also_when_it_has_expired(users: SqlStore) -> None:
    token = a_token(expires_at=START - timedelta(days=1), last_used_at=START)
    await users.add_token(token)

    assert await users.token(token.digest) == token
    assert await users.token("other") is None


async def test_the_list_holds_the_api_tokens_of_one_user(users: SqlStore) -> None:
    never, soon = a_token(name="b"), a_token(name="a", expires_at=START)
    for token in (never, soon, a_token(refresh=True), a_token("viewer")):
        await users.add_token(token)

    page = await users.tokens("admin", PageQuery(sort="name"))

    assert (list(page.items), page.total) == ([soon, never], 2)


async def test_a_token_is_deleted_by_its_user_or_by_anyone(users: SqlStore) -> None:
    first, second = a_token(), a_token()
    for token in (first, second):
        await users.add_token(token)

    with pytest.raises(NotFound):
        await users.delete_token(first.id, username="viewer")
    await users.delete_token(first.id, username="admin")
    await users.delete_token(second.id, username=None)
    with pytest.raises(NotFound):
        await users.delete_token(second.id, username=None)

    assert (await users.tokens("admin", PageQuery())).total == 0


async def test_a_refresh_token_serves_once(users: SqlStore) -> None:
    token, api = a_token(refresh=True), a_token()
    await users.add_token(token)
    await users.add_token(api)

    taken = await asyncio.gather(*(users.take_refresh_token(token.digest) for _ in range(10)))

    assert [each for each in taken if each] == [token]
    assert await users.take_refresh_token(api.digest) is None


async def test_the_last_use_is_noted(users: SqlStore) -> None:
    token = a_token()
    await users.add_token(token)

    await asyncio.gather(*(users.touch_token(token.id, START + timedelta(seconds=n)) for n in range(5)))
    await users.touch_token(TokenId("no such id"), START)

    assert await users.token(token.digest) == replace(token, last_used_at=START + timedelta(seconds=4))


async def test_of_two_that_make_the_first_user_at_once_only_one_leaves_its_password(
    store: SqlStore, tmp_path: Path
) -> None:
    both = asyncio.Barrier(2)

    class Together(Passwords):
        async def hash(self, password: str) -> str:
            await both.wait()  # each has seen that there is no user
            return await super().hash(password)

    passwords, clock = Together(time_cost=1, memory_kib=8), HandClock()
    files = [tmp_path / "one", tmp_path / "two"]
    made = await asyncio.gather(
        *(ensure_admin(store, clock, password=None, file=file, passwords=passwords) for file in files)
    )

    assert sorted(made) == [False, True]
    assert [file.exists() for file in files] == made
    stored = await store.user("admin")
    assert stored is not None
    assert await passwords.verify(stored.password_hash, files[made.index(True)].read_text().strip())

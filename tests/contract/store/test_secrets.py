"""Named secrets, and how long their former values stay."""

import asyncio

import pytest

from aiop.errors import InvalidRequest, NotFound
from aiop.interfaces import NewSecret, SecretQuery
from aiop.store import SqlStore
from contract.store.subject import START, Subject, a_workflow, claimed, ended, running, submitted


def a_secret(name: str = "TOKEN", sealed: bytes = b"ciphertext", **values: object) -> NewSecret:
    return NewSecret(**{"name": name, "sealed": sealed, "description": None, "by": "admin"} | values)


async def values(store: SqlStore, *names: str) -> list[tuple[str, bytes, bool]]:
    return [(each.name, each.sealed, each.replaced_at is None) for each in await store.sealed_secrets(names)]


async def test_a_secret_is_read_as_it_was_stored(store: SqlStore) -> None:
    stored, new = await store.put_secret(a_secret(description="for the registry"))

    assert new
    assert (stored.name, stored.description, stored.created_by) == ("TOKEN", "for the registry", "admin")
    assert (stored.created_at, stored.updated_at) == (START, None)
    assert await store.secret("TOKEN") == stored
    assert await values(store, "TOKEN") == [("TOKEN", b"ciphertext", True)]
    with pytest.raises(NotFound):
        await store.secret("token")


async def test_a_replaced_secret_keeps_its_origin(subject: Subject, store: SqlStore) -> None:
    await store.put_secret(a_secret(description="old"))
    await subject.clock.advance(hours=1)

    replaced, new = await store.put_secret(a_secret(sealed=b"next", by="other"))

    assert not new
    assert (replaced.created_at, replaced.created_by, replaced.updated_at) == (START, "admin", subject.clock.now())
    assert replaced.description == "old"
    assert (await store.put_secret(a_secret(description="new")))[0].description == "new"
    assert (await store.put_secret(a_secret(description="")))[0].description is None


async def test_one_value_holds_whoever_stores_at_once(store: SqlStore) -> None:
    answers = await asyncio.gather(*(store.put_secret(a_secret(sealed=bytes([n]))) for n in range(8)))

    assert sorted(new for _, new in answers) == [False] * 7 + [True]
    assert await values(store, "TOKEN") == [("TOKEN", b"\x07", True)]


async def test_only_what_is_asked_for_is_given(store: SqlStore) -> None:
    for name in ("A", "B", "C"):
        await store.put_secret(a_secret(name, name.encode()))

    assert sorted(await values(store, "A", "C", "D")) == [("A", b"A", True), ("C", b"C", True)]
    assert await store.known_secrets(["A", "D"]) == {"A"}
    assert await values(store) == []
    assert await store.known_secrets([]) == frozenset()


async def test_thousands_of_names_are_asked_for_at_once(store: SqlStore) -> None:
    await store.put_secret(a_secret("LAST"))
    names = [f"N{n}" for n in range(3000)] + ["LAST"]

    assert await store.known_secrets(names) == {"LAST"}
    assert await values(store, *names) == [("LAST", b"ciphertext", True)]


async def test_secrets_are_listed_filtered_and_sorted(subject: Subject, store: SqlStore) -> None:
    for name in ("DB_PASSWORD", "api_key", "DBxPASSWORD"):
        await store.put_secret(a_secret(name))
        await subject.clock.advance(seconds=1)

    async def names(**query: object) -> list[str]:
        return [item.name for item in (await store.secrets(SecretQuery(**query))).items]

    assert await names() == ["DBxPASSWORD", "api_key", "DB_PASSWORD"]
    assert await names(sort="name") == ["DB_PASSWORD", "DBxPASSWORD", "api_key"]
    assert await names(name="b_pass") == ["DB_PASSWORD"]
    assert await names(name="API") == ["api_key"]
    assert await names(limit=1, offset=1) == ["api_key"]
    assert (await store.secrets(SecretQuery(limit=1))).total == 3
    with pytest.raises(InvalidRequest):
        await names(sort="created_by")


async def test_a_deleted_secret_is_gone_with_its_value(subject: Subject, store: SqlStore) -> None:
    await store.put_secret(a_secret(sealed=b"a ciphertext that can be searched for"))

    await store.delete_secret("TOKEN")

    with pytest.raises(NotFound):
        await store.secret("TOKEN")
    with pytest.raises(NotFound):
        await store.delete_secret("TOKEN")
    assert await values(store, "TOKEN") == []
    await subject.aclose()
    assert b"can be searched for" not in await subject.contents()


async def test_a_former_value_stays_while_an_execution_may_hold_it(subject: Subject, store: SqlStore) -> None:
    await store.put_secret(a_secret(sealed=b"1"))
    workflow = a_workflow()
    await store.create_workflow(workflow)
    lease = await claimed(store, workflow)
    await store.commit(lease, running())
    await subject.clock.advance(hours=1)
    await store.put_secret(a_secret(sealed=b"2"))
    await subject.clock.advance(hours=1)
    await store.put_secret(a_secret(sealed=b"3"))
    await store.delete_secret("TOKEN")

    assert await values(store, "TOKEN") == [("TOKEN", b"3", False), ("TOKEN", b"2", False), ("TOKEN", b"1", False)]
    assert await store.known_secrets(["TOKEN"]) == frozenset()
    assert await store.purge_replaced_secrets() == 0

    await store.put_secret(a_secret(sealed=b"4"))
    assert (await values(store, "TOKEN"))[0] == ("TOKEN", b"4", True)

    await store.commit(lease, ended())
    assert await store.purge_replaced_secrets() == 3
    assert await values(store, "TOKEN") == [("TOKEN", b"4", True)]


async def test_an_execution_that_came_later_keeps_no_former_value(subject: Subject, store: SqlStore) -> None:
    await store.put_secret(a_secret(sealed=b"1"))
    early = await claimed(store)
    await subject.clock.advance(minutes=10)
    await store.put_secret(a_secret(sealed=b"2"))
    await subject.clock.advance(minutes=10)
    await submitted(store)

    assert await store.purge_replaced_secrets() == 0
    await store.commit(early, ended())
    assert await store.purge_replaced_secrets() == 1
    assert await values(store, "TOKEN") == [("TOKEN", b"2", True)]


async def test_one_submitted_right_after_the_rotation_may_hold_both(subject: Subject, store: SqlStore) -> None:
    """Clocks differ between replicas, and may be set back."""
    await store.put_secret(a_secret(sealed=b"1"))
    early = await claimed(store)
    await store.put_secret(a_secret(sealed=b"2"))
    await subject.clock.advance(seconds=30)
    late = await claimed(store)
    await store.commit(early, ended())

    assert await store.purge_replaced_secrets() == 0
    await store.commit(late, ended())
    assert await store.purge_replaced_secrets() == 1

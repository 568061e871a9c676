"""A database is copied whole, or not at all."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from aiop.errors import InvalidState, StorageUnavailable
from aiop.interfaces import Changes, ExecutionQuery, NewSecret, WorkflowQuery
from aiop.model.state import ExecutionStatus
from aiop.store import open_store
from aiop.store.copying import CopiedTable, copy
from aiop.store.integrity import examine
from aiop.store.tables import metadata
from contract.store.subject import (
    HandClock,
    a_batch,
    a_pipeline,
    a_step,
    a_workflow,
    an_entry,
    an_event,
    claimed,
    claimed_run,
    ended,
    roomy_store,
    submitted,
)
from postgres_lab import Postgres, connected

pytestmark = pytest.mark.postgres


@pytest.fixture
async def source(tmp_path: Path) -> str:
    """A SQLite database with something in many of its tables."""
    url = f"sqlite+aiosqlite:///{tmp_path}/aiop.db"
    async with roomy_store(url, clock=HandClock()) as store:
        workflow, pipeline = a_workflow(name="\u00dcbung, with 'quotes'"), a_pipeline(timeout_seconds=1.5)
        await store.create_workflow(workflow)
        await store.create_pipeline(pipeline)
        await store.put_secret(NewSecret("TOKEN", description=None, sealed=b"\x00\xff cipher", by="ann"))
        texts = {"big": 2**70, "text": "\N{ROCKET} \u0000"}
        # More than are read at once.
        await asyncio.gather(*(submitted(store, workflow, inputs={"n": n, **texts}) for n in range(700)))
        lease = await claimed(store, workflow)
        await store.commit(
            lease,
            Changes(
                steps=[a_step(sealed=b"cipher", outputs_truncated=True)],
                events=[an_event(2, text="x\u0000y")],
                logs=[a_batch(1, "line", "\ufffd", "x" * 5000)],
            ),
        )
        done = await claimed(store, workflow)
        await store.commit(done, ended())
        run = await claimed_run(store, pipeline)
        await store.commit(run, Changes(steps=[a_step()], logs=[a_batch(1, "cached")], entries=[an_entry(run)]))
    return url


@pytest.fixture
async def target(postgres: Postgres) -> AsyncIterator[str]:
    url = await postgres.new_database(tables=False)
    yield url
    await postgres.drop(url)


def noting(copied: dict[str, CopiedTable]) -> Callable[[CopiedTable], None]:
    return lambda table: copied.update({table.name: table})


async def test_all_of_it_is_there(source: str, target: str) -> None:
    copied: dict[str, CopiedTable] = {}
    await copy(source, target, copied=noting(copied))

    assert set(copied) == set(metadata.tables) - {"replicas"}
    assert copied["executions"].rows == 703
    async with connected(target) as plain:
        for name, table in copied.items():
            assert await plain.fetchval(f"SELECT count(*) FROM {name}") == table.rows
    async with open_store(source, clock=HandClock()) as before, open_store(target, clock=HandClock()) as after:
        for query in (ExecutionQuery(limit=1000), ExecutionQuery(limit=1000, status=ExecutionStatus.COMPLETED)):
            assert await after.executions(query) == await before.executions(query)
        assert await after.workflows(WorkflowQuery()) == await before.workflows(WorkflowQuery())
        assert await after.sealed_secrets(["TOKEN"]) == await before.sealed_secrets(["TOKEN"])
        assert await after.cached("k1") == await before.cached("k1")
        assert await after.figures() == await before.figures()
        for each in (await before.executions(ExecutionQuery(limit=1000))).items:
            assert await after.logs(each.id) == await before.logs(each.id)
    assert list((await examine(target)).faults) == []


async def test_the_same_rows_have_the_same_digests_wherever_they_are(source: str, target: str, tmp_path: Path) -> None:
    there: dict[str, CopiedTable] = {}
    back: dict[str, CopiedTable] = {}
    await copy(source, target, copied=noting(there))
    await copy(target, f"sqlite+aiosqlite:///{tmp_path}/back.db", copied=noting(back))
    assert back == there


async def test_nothing_is_there_if_it_breaks_off(source: str, target: str) -> None:
    def break_off(table: CopiedTable) -> None:
        if table.name == "executions":
            raise StorageUnavailable("cut")

    with pytest.raises(StorageUnavailable, match="cut"):
        await copy(source, target, copied=break_off)
    async with connected(target) as plain:
        assert await plain.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await copy(source, target, copied=lambda _: None)


async def test_a_target_with_something_in_it_is_left_alone(source: str, postgres: Postgres) -> None:
    url = await postgres.clear_database()
    async with open_store(url, clock=HandClock()) as store:
        await store.create_workflow(a_workflow())
    with pytest.raises(InvalidState, match="not empty"):
        await copy(source, url, copied=lambda _: None)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "the source is empty: is it the right file?"), (b"junk" * 100, "the source cannot be read: file is not")],
    ids=["empty", "junk"],
)
async def test_a_file_that_holds_nothing_to_copy_is_named_as_what_is_wrong(
    tmp_path: Path, target: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / "new.db"
    path.write_bytes(content)
    with pytest.raises(InvalidState, match=re.escape(sentence)):
        await copy(f"sqlite+aiosqlite:///{path}", target, copied=lambda _: None)


async def test_a_source_of_another_schema_is_refused(source: str, target: str) -> None:
    with closing(sqlite3.connect(source.partition(":///")[2])) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(InvalidState, match="the source has the schema 0000"):
        await copy(source, target, copied=lambda _: None)

"""Releases side by side on one schema, and those that cannot be."""

import asyncio
import re
import shutil
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiop.errors import SchemaUnfit
from aiop.interfaces import Changes
from aiop.model.replica import Replica, ReplicaRole
from aiop.model.state import ExecutionStatus
from aiop.store import open_store, schema, upgrade
from aiop.store.dialect import dialect_for
from aiop.store.integrity import examine
from aiop.store.schema import HEAD, MIGRATIONS, NEEDS, migrate
from contract.store.subject import START, TTL, HandClock, a_step, a_workflow, claimed, ended, roomy_store, submitted
from postgres_lab import Postgres, connected

NEXT = """
from alembic import op
import sqlalchemy as sa

revision, down_revision, needs = "0002", "0001", {needs!r}

def upgrade():
    op.add_column("executions", sa.Column("priority", sa.Integer(), nullable=True))
    op.add_column("steps", sa.Column("note", sa.Text(), nullable=True))
    op.create_index("ix_executions_priority", "executions", ["priority"])
"""

NEXT_RELEASE = textwrap.dedent(
    """
    import asyncio, sys
    from sqlalchemy import Column, Integer, Text, update
    from aiop.store import schema, tables

    schema.HEAD = "0002"
    tables.executions.append_column(Column("priority", Integer))
    tables.steps.append_column(Column("note", Text))

    from aiop.store import open_store
    from aiop.store.steps import step_row
    from aiop.store import runner
    from contract.store.subject import TTL, HandClock, a_step, ended, submitted
    from aiop.interfaces import Changes

    runner.step_row = lambda execution, record: {**step_row(execution, record), "note": "of the next release"}

    async def main():
        async with open_store(sys.argv[1], clock=HandClock(), replica="next") as store:
            mine = await submitted(store)
            [old] = await store.claim("next", ttl=TTL, limit=1)
            await store.commit(old, Changes(steps=[a_step("second")]))
            await store.commit(old, ended())
            print(mine, old.execution, flush=True)

    asyncio.run(main())
    """
)


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """The migrations, to which a test adds the next."""
    copied = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    url = await postgres.new_database()
    yield url
    await postgres.drop(url)


async def migrated(url: str, migrations: Path, *, needs: str) -> None:
    """What ``aiop db upgrade`` of the next release does."""
    (migrations / "versions" / "0002_next.py").write_text(NEXT.format(needs=needs))
    engine = dialect_for(url).writing_engine(patient=True)
    async with engine.begin() as connection:
        await connection.run_sync(lambda plain: migrate(plain, migrations))
    await engine.dispose()


@pytest.mark.postgres
async def test_two_releases_work_on_one_schema_and_take_over_from_each_other(database: str, migrations: Path) -> None:
    async with roomy_store(database, clock=HandClock()) as old:
        await old.create_workflow(a_workflow())
        lease = await claimed(old)
        await old.commit(lease, Changes(steps=[a_step("first")]))  # all its statements are prepared
        await migrated(database, migrations, needs="0001")

        await old.commit(lease, Changes(steps=[a_step("again")]))
        await old.release(lease.owner)
        theirs, ours = await next_release(database)

        assert ours == lease.execution
        assert (await old.execution(ours)).status is ExecutionStatus.COMPLETED
        assert [step.step for step in (await old.execution(ours)).steps] == ["again", "first", "second"]
        [taken] = await old.claim("old", ttl=TTL, limit=1)
        assert taken.execution == theirs
        await old.commit(taken, ended())
        assert sum((await old.counts()).values()) == 2
    async with open_store(database, clock=HandClock()) as restarted:
        assert (await restarted.execution(theirs)).status is ExecutionStatus.COMPLETED
    async with connected(database) as plain:
        notes = dict(await plain.fetch("SELECT step, note FROM steps ORDER BY step"))
    assert notes == {"again": None, "first": None, "second": "of the next release"}
    assert list((await examine(database)).faults) == []


async def next_release(url: str) -> tuple[str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        NEXT_RELEASE,
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    answer, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    theirs, ours = answer.decode().split()
    return theirs, ours


@pytest.mark.postgres
async def test_a_release_that_is_too_old_for_the_schema_says_so(database: str, migrations: Path) -> None:
    await migrated(database, migrations, needs="0002")
    sentence = "its schema (0002) is too new for this release (0001): use one that knows 0002"
    for work in (open_and_close(database), upgrade(database)):
        with pytest.raises(SchemaUnfit, match=re.escape(sentence)):
            await work
    assert list((await examine(database)).faults) == [sentence]


@pytest.mark.postgres
async def test_a_release_does_not_change_a_shared_schema_as_it_starts(
    database: str, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    following(monkeypatch, migrations, needs="0001")
    with pytest.raises(SchemaUnfit, match=r"older than this release \(0002\): run `aiop db upgrade`"):
        await open_and_close(database)

    assert (await upgrade(database)).revision == "0001"
    await open_and_close(database)
    assert (await upgrade(database)).revision == "0002"


@pytest.mark.postgres
async def test_an_upgrade_that_replicas_at_work_could_not_bear_is_refused(
    database: str, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(database, clock=HandClock()) as store:
        await store.beat(Replica("old", ReplicaRole.ALL, "1.0", "0001", START), ttl=TTL)
        following(monkeypatch, migrations, needs="0002")

        with pytest.raises(SchemaUnfit, match=r"old \(1.0\); upgrade or stop them first"):
            await upgrade(database)
        async with connected(database) as plain:
            assert await plain.fetchval("SELECT version_num FROM alembic_version") == "0001"

        await store.leave("old")
        await upgrade(database)
    async with connected(database) as plain:
        assert await plain.fetchval("SELECT version_num FROM alembic_version") == "0002"


@pytest.mark.postgres
async def test_an_upgrade_may_be_forced(database: str, migrations: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_store(database, clock=HandClock()) as store:
        await store.beat(Replica("old", ReplicaRole.ALL, "1.0", "0001", START), ttl=TTL)
    following(monkeypatch, migrations, needs="0002")
    await upgrade(database, force=True)
    await open_and_close(database)


async def test_a_database_of_one_process_is_brought_up_to_date_as_it_starts(
    tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/aiop.db"
    async with roomy_store(url, clock=HandClock()) as store:
        execution = await submitted(store)
    following(monkeypatch, migrations, needs="0002")
    async with open_store(url, clock=HandClock()) as store:
        assert (await store.execution(execution)).id == execution
    monkeypatch.undo()
    with pytest.raises(SchemaUnfit, match="too new"):
        await open_and_close(url)


def test_the_newest_needs_what_its_migrations_need() -> None:
    modules = [
        dict[str, str]()
        | {
            name: line.partition('"')[2].rstrip('"')
            for line in path.read_text().splitlines()
            for name in ("revision", "needs")
            if line.startswith(f"{name} = ")
        }
        for path in (MIGRATIONS / "versions").glob("*.py")
    ]
    assert max(module["revision"] for module in modules) == HEAD
    assert max(module["needs"] for module in modules) == NEEDS


def following(monkeypatch: pytest.MonkeyPatch, migrations: Path, *, needs: str) -> None:
    """Make this process one of the next release."""
    (migrations / "versions" / "0002_next.py").write_text(NEXT.format(needs=needs))
    monkeypatch.setattr(schema, "HEAD", "0002")
    monkeypatch.setattr(schema, "migrate", lambda connection: migrate(connection, migrations))


async def open_and_close(url: str) -> None:
    async with open_store(url, clock=HandClock()):
        pass

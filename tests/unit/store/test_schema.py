"""Migrations: what they make is what the code expects."""

import asyncio
import io
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from aiop.store import upgrade
from aiop.store.dialect import dialect_for
from aiop.store.schema import HEAD, MIGRATIONS, create, migrate
from aiop.store.tables import metadata
from postgres_lab import Postgres, connected


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "aiop.db"


def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def upgraded(path: Path) -> None:
    asyncio.run(upgrade(url(path)))


def statements(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {" ".join(sql.split()) for (sql,) in rows}


def made_by(work: Callable[[Connection], None], path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        work(connection)
    return engine


def test_what_is_made_at_once_is_what_the_migrations_make(tmp_path: Path) -> None:
    migrated, direct = tmp_path / "migrated.db", tmp_path / "direct.db"
    made_by(create, direct)
    engine = made_by(migrate, migrated)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    assert statements(migrated) == statements(direct)


def test_an_empty_database_becomes_one_of_the_newest_revision(path: Path, tmp_path: Path) -> None:
    upgraded(path)
    direct = tmp_path / "direct.db"
    engine = made_by(create, direct)
    assert statements(path) == statements(direct)
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == HEAD


def test_the_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_a_new_migration_is_made_with_the_code_that_it_needs(tmp_path: Path) -> None:
    copied = shutil.copytree(MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(copied))
    script = command.revision(config, "next", rev_id="0002")
    assert isinstance(script, Script)
    assert (script.module.down_revision, script.module.needs) == (HEAD, "0002")


def test_an_upgrade_of_the_newest_changes_nothing(path: Path) -> None:
    upgraded(path)
    before = path.read_bytes()
    upgraded(path)
    assert path.read_bytes() == before


def test_processes_that_start_together_upgrade_once(path: Path) -> None:
    async def together() -> None:
        await asyncio.gather(*(upgrade(url(path)) for _ in range(4)))

    asyncio.run(together())
    assert len(statements(path)) > len(metadata.tables)


def test_the_files_are_for_the_owner_alone(path: Path) -> None:
    upgraded(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    path.parent.mkdir(mode=0o755)
    path.touch(mode=0o644)
    upgraded(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o755


def test_the_tables_are_also_tables_of_postgresql() -> None:
    from sqlalchemy.dialects import postgresql

    for table in metadata.sorted_tables:
        ddl = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert "WITHOUT ROWID" not in ddl
        for index in table.indexes:
            assert len(str(index.name)) <= 63
            CreateIndex(index).compile(dialect=postgresql.dialect())


@pytest.mark.postgres
async def test_on_postgresql_too_the_migrations_make_what_is_made_at_once(postgres: Postgres) -> None:
    made: list[dict[str, list[str]]] = []
    for work in (create, migrate):
        url = await postgres.new_database(tables=False)
        engine = dialect_for(url).writing_engine(patient=True)
        async with engine.begin() as connection:
            await connection.run_sync(work)
            assert await connection.run_sync(differences) == []
        await engine.dispose()
        async with connected(url) as plain:
            columns = await plain.fetch(COLUMNS)
            indexes = await plain.fetch("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexdef")
        made.append({"columns": [str(tuple(row)) for row in columns], "indexes": [row["indexdef"] for row in indexes]})
    assert made[0] == made[1]


@pytest.mark.postgres
async def test_processes_that_start_together_on_postgresql_upgrade_once(postgres: Postgres) -> None:
    url = await postgres.new_database(tables=False)
    await asyncio.gather(*(upgrade(url) for _ in range(4)))
    async with connected(url) as plain:
        assert await plain.fetchval("SELECT count(*) FROM alembic_version") == 1


COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default FROM information_schema.columns
WHERE table_schema = 'public' ORDER BY 1, 2
"""


def differences(connection: Connection) -> list[object]:
    """All but those of indexes, which Alembic does not see whole: they are compared as PostgreSQL describes them."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [each for each in compare_metadata(context, metadata) if each[0] not in ("add_index", "remove_index")]

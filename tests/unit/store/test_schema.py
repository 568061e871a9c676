"""Migrations: what they make is what the code expects."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from aiop.store import upgrade
from aiop.store.schema import HEAD, MIGRATIONS
from aiop.store.tables import metadata


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "aiop.db"


def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def upgraded(path: Path) -> None:
    asyncio.run(upgrade(url(path)))


def statements(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'")
        return {" ".join(sql.split()) for (sql,) in rows}


def test_an_empty_database_becomes_what_the_metadata_says(path: Path, tmp_path: Path) -> None:
    upgraded(path)

    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    direct = tmp_path / "direct.db"
    plain = create_engine(f"sqlite:///{direct}", poolclass=NullPool)
    metadata.create_all(plain)
    assert statements(path) == statements(direct)


def test_the_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


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

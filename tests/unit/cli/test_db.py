"""``aiop db``: on the database itself."""

import asyncio
import fcntl
import sqlite3
from contextlib import closing

import pytest

from aiop.store.schema import HEAD
from contract.store.subject import HandClock, roomy_store, submitted
from postgres_lab import connected


@pytest.fixture
def database(home):
    """The SQLite database of the data directory, with three executions."""

    async def fill():
        async with roomy_store(f"sqlite+aiosqlite:///{home}/data/aiop.db", clock=HandClock()) as store:
            for _ in range(3):
                await submitted(store)

    asyncio.run(fill())
    return home / "data" / "aiop.db"


@pytest.fixture
def target(postgres, monkeypatch):
    """An empty PostgreSQL database that the settings name."""
    url = asyncio.run(postgres.new_database(tables=False))
    monkeypatch.setenv("AIOP_DATABASE_URL", url)
    yield url
    asyncio.run(postgres.drop(url))


def test_an_upgrade_makes_the_tables_and_then_has_nothing_to_do(cli, home):
    first, second = cli("db", "upgrade"), cli("db", "upgrade")
    assert (first.code, first.out) == (0, f"The tables are made, with the schema {HEAD}.\n")
    assert (second.code, second.out) == (0, f"Nothing to do: the schema is {HEAD}.\n")
    assert (home / "data" / "aiop.db").exists()


def test_what_a_newer_release_added_is_nothing_to_do_for_an_older_one(cli, database):
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    ended = cli("db", "upgrade")
    assert (ended.code, ended.out) == (0, "Nothing to do: the schema is 9999.\n")


def test_a_sound_database_is_said_to_be_so(cli, database):
    ended = cli("db", "check")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"The schema is {HEAD}, and all is well with 3 executions.\n"


def test_what_is_wrong_is_listed(cli, database):
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE execution_counts SET executions = executions + 1 WHERE workflow_id = ''")
        connection.execute("DELETE FROM audit WHERE action = 'WorkflowCreated'")
        connection.execute("DELETE FROM versions WHERE id = (SELECT min(id) FROM versions)")
        connection.execute("INSERT INTO leases VALUES ('lost', 'a', 1, 'x')")
    ended = cli("db", "check")
    assert ended.code == 3
    assert ended.out.splitlines() == [
        "3 executions in all are pending, and 4 are counted",
        "0 entries WorkflowCreated by nobody who is known are in the audit log, and 3 are counted",
        "1 executions without the definition that they run",
        "1 rows of leases without their execution",
    ]


def test_an_empty_database_is_said_to_be_so(cli, home):
    (home / "data").mkdir()
    (home / "data" / "aiop.db").touch()
    ended = cli("db", "check")
    assert (ended.code, ended.out) == (3, "it is empty: `aiop db upgrade` makes the tables\n")


def test_a_database_in_use_is_not_upgraded(cli, database):
    with (database.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = cli("db", "upgrade")
    assert ended.code == 5
    assert "aiop is running in" in ended.err


def test_settings_that_are_not_valid_are_said_without_their_values(cli, monkeypatch, home):
    for name, value, words in (
        ("AIOP_SECRET_KEY", "hunter2", "the secret key must have at least 32 characters"),
        ("AIOP_ROLE", "api", "AIOP_ROLE=api is for replicas that share a PostgreSQL database"),
        ("AIOP_DATABASE_URL_FILE", str(home / "none"), "AIOP_DATABASE_URL_FILE cannot be read"),
    ):
        monkeypatch.setenv(name, value)
        ended = cli("db", "check")
        monkeypatch.delenv(name)
        assert ended.code == 2
        assert words in ended.err
        assert "hunter2" not in ended.err


def test_a_url_that_nobody_serves_is_said_without_its_password(cli, monkeypatch, home):
    (home / "url").write_text("mysql://me:hunter2@db/aiop\n")
    monkeypatch.setenv("AIOP_DATABASE_URL_FILE", str(home / "url"))
    ended = cli("db", "check")
    assert ended.code == 2
    assert "no store for mysql://me:***@db/aiop" in ended.err


def test_a_copy_needs_a_place_to_go_to(cli, database):
    ended = cli("db", "copy")
    assert ended.code == 3
    assert "AIOP_DATABASE_URL must name the PostgreSQL database" in ended.err


@pytest.mark.postgres
def test_a_copy_says_what_it_has_copied(cli, database, target):
    ended = cli("db", "copy")
    assert ended.code == 0, ended.err
    assert [line.split()[:2] for line in ended.out.splitlines() if " executions " in line] == [["3", "executions"]]
    assert f"rows of {database} are in the new database" in ended.out
    assert cli("db", "check").out == f"The schema is {HEAD}, and all is well with 3 executions.\n"

    again = cli("db", "copy", "--from", str(database))
    assert again.code == 3
    assert "the target is not empty" in again.err


@pytest.mark.postgres
def test_a_database_that_does_not_answer_is_said_without_its_password(cli, monkeypatch):
    monkeypatch.setenv("AIOP_DATABASE_URL", "postgresql://aiop:hunter2@127.0.0.1:1/aiop")
    ended = cli("db", "check")
    assert ended.code == 5
    assert "the database cannot be read" in ended.err
    assert "hunter2" not in ended.err + ended.out


@pytest.mark.postgres
def test_an_upgrade_of_postgresql_makes_the_tables(cli, target):
    assert cli("db", "upgrade").out == f"The tables are made, with the schema {HEAD}.\n"

    async def look():
        async with connected(target) as plain:
            return await plain.fetchval("SELECT count(*) FROM executions")

    assert asyncio.run(look()) == 0

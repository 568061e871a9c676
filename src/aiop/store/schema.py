"""Bringing a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from aiop.errors import StorageUnavailable
from aiop.store.dialect import dialect_for
from aiop.store.tables import metadata

__all__ = ["HEAD", "MIGRATIONS", "create", "migrate", "upgrade"]

HEAD = "0001"
"""The newest revision."""

MIGRATIONS = Path(__file__).with_name("migrations")

_REVISIONS = Table(
    "alembic_version",
    MetaData(naming_convention={"pk": "%(table_name)s_pkc"}),
    Column("version_num", String(32), primary_key=True),
)
"""As Alembic makes it."""


async def upgrade(url: str) -> None:
    """Create the tables, or change them to what this release needs; nothing happens if they are.

    One transaction that holds the right to write: processes that start together wait for the first.
    Raises ``ValueError`` for a URL that no driver serves, ``StorageUnavailable``.
    """
    dialect = dialect_for(url)
    try:
        dialect.prepare()
        engine = dialect.writing_engine(patient=True)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_upgrade)
        finally:
            await engine.dispose()
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable(f"the database cannot be opened: {getattr(error, 'orig', error)}") from error


def _upgrade(connection: Connection) -> None:
    found = _revision(connection)
    if found is None:
        create(connection)
    elif found != HEAD:
        migrate(connection)


def create(connection: Connection) -> None:
    """Fill an empty database with the tables as they are now: what all migrations together come to, at once."""
    metadata.create_all(connection)
    _REVISIONS.create(connection)
    connection.execute(_REVISIONS.insert().values(version_num=HEAD))


def migrate(connection: Connection) -> None:
    """Run the migrations that are missing."""
    # Only here, as most starts find nothing to do and Alembic is not small.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_REVISIONS.name):
        return None
    revision: str | None = connection.scalar(select(_REVISIONS.c.version_num))
    return revision

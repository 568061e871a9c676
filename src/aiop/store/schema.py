"""Bringing a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from aiop.errors import StorageUnavailable
from aiop.store.dialect import dialect_for

__all__ = ["HEAD", "MIGRATIONS", "upgrade"]

HEAD = "0001"
"""The newest revision."""

MIGRATIONS = Path(__file__).with_name("migrations")


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
    if _revision(connection) == HEAD:
        return
    # Only here, as most starts find nothing to do and Alembic is not small.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision

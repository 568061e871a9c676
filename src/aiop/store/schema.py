"""The schema of a database: making it, bringing it up to date, and telling whether a release can work on it.

Several releases may work on one database while replicas are upgraded one by one. A migration therefore either expands
(what it adds, an older release does not notice) or contracts (it takes away what only older releases use). Each says
by ``needs`` which revision's code is the oldest that works on its outcome; the database keeps that for releases that do
not know the migration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, update
from sqlalchemy.exc import SQLAlchemyError

from aiop.errors import SchemaUnfit, StorageUnavailable
from aiop.store import tables
from aiop.store.dialect import Dialect, dialect_for
from aiop.store.tables import metadata

T = TypeVar("T")

__all__ = [
    "HEAD",
    "MIGRATIONS",
    "NEEDS",
    "Schema",
    "create",
    "make_ready",
    "migrate",
    "revision_of",
    "schema_of",
    "upgrade",
]

HEAD = "0001"
"""The newest revision."""

NEEDS = "0001"
"""The oldest revision whose code works on the newest: the greatest ``needs`` of all migrations."""

SILENCE = timedelta(minutes=1)
"""A replica that was not heard of for so long is not at work."""

MIGRATIONS = Path(__file__).with_name("migrations")

_NEEDS = "schema_needs"
_REVISIONS = Table(
    "alembic_version",
    MetaData(naming_convention={"pk": "%(table_name)s_pkc"}),
    Column("version_num", String(32), primary_key=True),
)
"""As Alembic makes it."""


@dataclass(frozen=True, slots=True)
class Schema:
    """``revision`` is ``None`` of an empty database; ``needs`` is the oldest revision whose code may work on it."""

    revision: str | None
    needs: str

    @property
    def faults(self) -> Sequence[str]:
        """Why this release cannot work on it."""
        if self.revision is None:
            return ["it is empty: `aiop db upgrade` makes the tables"]
        if self.needs > HEAD:
            return [
                f"its schema ({self.revision}) is too new for this release ({HEAD}): use one that knows {self.needs}"
            ]
        if self.revision < HEAD:
            return [f"its schema ({self.revision}) is older than this release ({HEAD}): run `aiop db upgrade`"]
        return []


async def make_ready(url: str) -> None:
    """Make the tables of an empty database; one of a single process is brought up to date too.

    Where several replicas may be at work, only ``upgrade`` changes a schema that is there.
    Raises ``ValueError`` for a URL that no driver serves, ``SchemaUnfit``, ``StorageUnavailable``.
    """
    await _within(url, _make_ready)


async def upgrade(url: str, *, force: bool = False) -> Schema:
    """Create the tables, or change them to what this release needs; returns what there was before.

    One transaction that holds the right to write: processes that start together wait for the first. Raises
    ``SchemaUnfit`` if replicas are at work whose release could not work on the outcome, unless told to ``force``;
    ``ValueError`` for a URL that no driver serves, ``StorageUnavailable``.
    """
    return await _within(url, partial(_upgrade, force=force))


async def _within(url: str, work: Callable[[Connection, Dialect], T]) -> T:
    dialect = dialect_for(url)
    try:
        dialect.prepare()
        engine = dialect.writing_engine(patient=True)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(lambda plain: work(plain, dialect))
        finally:
            await engine.dispose()
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable(f"the database cannot be opened: {getattr(error, 'orig', error)}") from error


def _make_ready(connection: Connection, dialect: Dialect) -> None:
    found = schema_of(connection)
    if found.revision is None:
        create(connection)
    elif found.faults:
        if dialect.is_shared or found.needs > HEAD:
            raise SchemaUnfit(f"the database does not fit this release: {found.faults[0]}")
        migrate(connection)


def _upgrade(connection: Connection, dialect: Dialect, *, force: bool) -> Schema:
    found = schema_of(connection)
    if found.revision is None:
        create(connection)
    elif found.needs > HEAD:
        raise SchemaUnfit(f"the database does not fit this release: {found.faults[0]}")
    elif found.revision < HEAD:
        migrate(connection)
        if not force:
            _heed_replicas(connection, dialect)
    return found


def _heed_replicas(connection: Connection, dialect: Dialect) -> None:
    """Refuse the outcome if replicas are at work that could not work on it."""
    if dialect.clock is None:
        return
    needs, replicas = schema_of(connection).needs, tables.replicas.c
    recent = replicas.seen_at > dialect.clock - SILENCE // timedelta(microseconds=1)
    old = connection.execute(select(replicas.id, replicas.version).where(replicas.revision < needs, recent)).all()
    if old:
        named = ", ".join(sorted(f"{row.id} ({row.version})" for row in old))
        raise SchemaUnfit(
            f"replicas are at work that know the schema before {needs} only: {named}; upgrade or stop them first"
        )


def create(connection: Connection) -> None:
    """Fill an empty database with the tables as they are now: what all migrations together come to, at once."""
    metadata.create_all(connection)
    _REVISIONS.create(connection)
    connection.execute(_REVISIONS.insert().values(version_num=HEAD))
    connection.execute(tables.installation.insert().values(name=_NEEDS, value=NEEDS))


def migrate(connection: Connection, migrations: Path = MIGRATIONS) -> None:
    """Run the migrations that are missing, and note what code their outcome needs."""
    # Only here, as most starts find nothing to do and Alembic is not small.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    needs = max(script.module.needs for script in ScriptDirectory.from_config(config).walk_revisions())
    known = tables.installation.c
    if not connection.execute(update(tables.installation).where(known.name == _NEEDS).values(value=needs)).rowcount:
        connection.execute(tables.installation.insert().values(name=_NEEDS, value=needs))


def schema_of(connection: Connection) -> Schema:
    """Read what schema a database has."""
    revision = revision_of(connection)
    needs = None
    if revision is not None:
        known = tables.installation.c
        needs = connection.scalar(select(known.value).where(known.name == _NEEDS))
    return Schema(revision, needs or NEEDS)


def revision_of(connection: Connection) -> str | None:
    """Read the newest migration that a database has seen; ``None`` if it is empty."""
    if not inspect(connection).has_table(_REVISIONS.name):
        return None
    revision: str | None = connection.scalar(select(_REVISIONS.c.version_num))
    return revision

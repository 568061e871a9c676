"""``aiop db``: works on the database of AIOP_DATABASE_URL itself, not through the service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.errors import AiopError, InvalidState, SchemaUnfit

if TYPE_CHECKING:
    from aiop.config import Settings

__all__ = ["app"]

T = TypeVar("T")

app = typer.Typer(
    name="db", help="The database itself, on the service's machine.", no_args_is_help=True, rich_markup_mode=None
)

DataDir = Annotated[
    Path | None, typer.Option(help="Directory of the SQLite database (AIOP_DATA_DIR).", file_okay=False)
]


@app.command(epilog=examples("aiop db upgrade", "AIOP_DATABASE_URL=postgresql://db/runs aiop db upgrade"))
def upgrade(
    force: Annotated[
        bool, typer.Option("--force", help="Though replicas are at work that cannot work on the outcome.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Make the tables, or change them to what this release needs.

    Replicas of the release before go on meanwhile, unless it says otherwise.
    """
    from aiop.runtime.maintenance import upgrade_database

    settings = _settings(data_dir)
    found, now = _done(settings, lambda: upgrade_database(settings, force=force))
    if found.revision is None:
        print(f"The tables are made, with the schema {now}.")
    elif found.revision == now:
        print(f"Nothing to do: the schema is {now}.")
    else:
        print(f"The schema was {found.revision} and is {now}.")


@app.command(epilog=examples("aiop db check"))
def check(data_dir: DataDir = None) -> int:
    """Look the database through, also while it is in use; ends with 3 if something is wrong."""
    from aiop.runtime.maintenance import check_database

    settings = _settings(data_dir)
    condition = _done(settings, lambda: check_database(settings))
    for fault in condition.faults:
        print(fault)
    if condition.faults:
        return Exit.REFUSED
    print(f"The schema is {condition.schema.revision}, and all is well with {condition.executions} executions.")
    return Exit.OK


@app.command("copy", epilog=examples("AIOP_DATABASE_URL=postgresql://db/runs aiop db copy --from aiop.db"))
def copy_(
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="SQLite database to copy; by default the data directory's."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Copy a SQLite database into the empty PostgreSQL database of AIOP_DATABASE_URL: all of it, or nothing.

    No service may run on either. What was written is read back and compared before it counts.
    """
    from aiop.runtime.maintenance import CopiedTable, copy_database

    rows = 0

    def note(table: CopiedTable) -> None:
        nonlocal rows
        rows += table.rows
        print(f"{table.rows:>12,} {table.name:<18} {table.digest}", flush=True)

    settings = _settings(data_dir)
    path = _done(settings, lambda: copy_database(settings, source, copied=note))
    print(f"{rows:>12,} rows of {path} are in the new database, each as it was.")
    print("Start the service on it with the same secret key: AIOP_SECRET_KEY, or what is in the file secret-key.")


def _settings(data_dir: Path | None) -> Settings:
    from pydantic import ValidationError

    from aiop.cli.serve import setting_fault
    from aiop.config import Settings

    given: dict[str, Any] = {} if data_dir is None else {"data_dir": data_dir}
    try:
        return Settings(**given)
    except ValidationError as error:
        details = [setting_fault(fault["loc"], fault["msg"]) for fault in error.errors()]
        hint = "Correct these variables in the environment, or leave them out for their defaults."
        raise Failure(Exit.USAGE, "the settings are not valid", details=details, hint=hint) from error


def _done(settings: Settings, work: Callable[[], T]) -> T:
    try:
        return work()
    except (InvalidState, SchemaUnfit) as error:
        hint = "Nothing was changed."
        raise Failure(Exit.REFUSED, str(error), hint=hint) from error
    except ValueError as error:
        raise Failure(Exit.USAGE, str(error), hint="Correct AIOP_DATABASE_URL.") from error
    except AiopError as error:
        hint = (
            "Does AIOP_DATABASE_URL name the right database, and does its server answer?"
            if settings.shares_database
            else "Stop the service first; is the data directory (--data-dir, AIOP_DATA_DIR) the right one?"
        )
        raise Failure(Exit.UNREACHABLE, str(error), hint=hint) from error

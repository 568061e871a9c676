"""``aiop serve``."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Annotated, Any

import typer

from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.imports import without
from aiop.errors import AiopError
from aiop.model.replica import ReplicaRole

__all__ = ["EXAMPLES", "serve", "setting_fault"]

EXAMPLES = examples(
    "aiop serve",
    "aiop serve --host 0.0.0.0 --port 80 --data-dir /var/lib/aiop",
    "AIOP_ADMIN_PASSWORD=... aiop serve  # the first start makes the admin",
)

_ABOUT_ADDRESSES = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL})


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (AIOP_HOST; 127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", min=0, max=65535, help="Port to listen on (AIOP_PORT; 8000).")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Directory of database and keys (AIOP_DATA_DIR).", file_okay=False)
    ] = None,
    role: Annotated[
        ReplicaRole | None,
        typer.Option(help="What it does where several share a PostgreSQL database (AIOP_ROLE; all)."),
    ] = None,
    docker_endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Docker Engine to use (AIOP_DOCKER_ENDPOINT).")
    ] = None,
) -> None:
    """Start the service in this terminal. All its settings are AIOP_* variables; options win over them."""
    from pydantic import ValidationError

    from aiop.config import Settings

    # structlog would load it for tracebacks that the service does not print: 5 MB for as long as it runs.
    with without("rich"):
        from aiop.runtime import serve as run

    given: dict[str, Any] = {
        "host": host, "port": port, "data_dir": data_dir, "role": role, "docker_endpoint": docker_endpoint
    }  # fmt: skip
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        details = [setting_fault(fault["loc"], fault["msg"]) for fault in error.errors()]
        hint = "Correct these variables in the environment, or leave them out for their defaults."
        raise Failure(Exit.USAGE, "the settings are not valid", details=details, hint=hint) from error
    try:
        run(settings)
    except OSError as error:
        place = f" (it was to listen on {settings.host}:{settings.port})" if error.errno in _ABOUT_ADDRESSES else ""
        hint = (
            "Choose another with --host and --port."
            if place
            else "Is there room, and may you write to its data directory?"
        )
        raise Failure(Exit.UNREACHABLE, f"the service cannot run: {error}{place}", hint=hint) from error
    except AiopError as error:
        hint = (
            "Is AIOP_DATABASE_URL the right one? `aiop db check` looks at the database."
            if settings.shares_database
            else "Is the data directory (--data-dir, AIOP_DATA_DIR) the right one, and in use by this service alone?"
        )
        raise Failure(Exit.UNREACHABLE, f"the service cannot run: {error}", hint=hint) from error


def setting_fault(place: tuple[int | str, ...], message: str) -> str:
    """Say what is wrong with which setting; some messages name theirs."""
    sentence = message.removeprefix("Value error, ")
    return f"AIOP_{'.'.join(map(str, place)).upper()}: {sentence}" if place else sentence

"""``aiop execution outputs``, ``download`` and ``cache``: for executions of pipelines."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiop.cli.connection import connect
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import ExecutionArgument, Format, Output, Server

if TYPE_CHECKING:
    from aiop.client import Artifact, Client

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of ``aiop execution``."""
    app.command("outputs")(outputs)
    app.command("download")(download)
    app.command("cache")(cache)


def outputs(execution: ExecutionArgument, output: Output = Format.TABLE, server: Server = None) -> None:
    """List the files and directories that an execution of a pipeline hands out."""
    from rich.filesize import decimal

    from aiop.cli.finding import execution_id
    from aiop.cli.output import show, table

    with connect(server) as client:
        found = client.executions.get(execution_id(client, execution))
    rows = [(each.name, each.kind, decimal(each.size), each.step, each.path) for each in found.artifacts]
    show(
        output,
        found.raw.get("artifacts", []),
        names=[each.name for each in found.artifacts],
        people=lambda: table(("NAME", "KIND", "SIZE", "STEP", "PATH"), rows, flexible=("PATH",)),
    )


def download(
    execution: ExecutionArgument,
    name: Annotated[str | None, typer.Argument(help="Which output; all of them if none is named.")] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A file, or a directory to put it into; - writes to stdout.")
    ] = None,
    server: Server = None,
) -> None:
    """Download outputs of a pipeline: files as they are, directories as .tar.gz."""
    from aiop.cli.finding import execution_id

    with connect(server) as client:
        found = client.executions.get(execution_id(client, execution))
        chosen = [each for each in found.artifacts if name in (None, each.name)]
        if not chosen:
            known = ", ".join(each.name for each in found.artifacts)
            hint = f"There are: {known}." if known else None
            what = f"no output {name!r}" if name else "no outputs"
            raise Failure(Exit.REFUSED, f"the execution has {what}", hint=hint)
        if len(chosen) > 1 and to is not None and not to.is_dir():
            raise Failure(
                Exit.USAGE, f"{to} is no directory", hint="There are several outputs; name one, or a directory."
            )
        for each in chosen:
            if to == Path("-"):
                _pour(client, found.id, each)
            else:
                _save(client, found.id, each, _place(each, to))


def cache(
    execution: ExecutionArgument,
    step: Annotated[str | None, typer.Argument(help="Which step; all of them if none is named.")] = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Say which steps of a pipeline came from the cache, and why the others did not."""
    from aiop.cli.finding import execution_id
    from aiop.cli.output import show, table
    from aiop.client import NotFound

    with connect(server) as client:
        found = client.executions.get(execution_id(client, execution))
        states = []
        for each in [step] if step is not None else found.steps:
            try:
                states.append(client.executions.step_cache(found.id, each))
            except NotFound:
                if step is not None:
                    raise
    rows = [(each.step, each.cache, each.reason or "", each.detail) for each in states]
    show(
        output,
        states[0].raw if step is not None else [each.raw for each in states],
        names=[each.step for each in states if each.cache == "hit"],
        people=lambda: table(("STEP", "CACHE", "REASON", "DETAIL"), rows, flexible=("DETAIL",)),
    )


def _place(artifact: Artifact, to: Path | None) -> Path:
    if to is None:
        return Path(artifact.file_name)
    return to / artifact.file_name if to.is_dir() else to


def _save(client: Client, execution: str, artifact: Artifact, place: Path) -> None:
    """Write the file whole or not at all."""
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    except OSError as error:
        raise Failure(Exit.USAGE, f"cannot write {place}: {error.strerror}") from error
    try:
        digest = hashlib.sha256()
        with os.fdopen(descriptor, "wb") as file:
            for piece in client.executions.read_output(execution, artifact.name):
                digest.update(piece)
                file.write(piece)
        _check(artifact, digest.hexdigest())
        umask = os.umask(0)
        os.umask(umask)
        Path(draft).chmod(0o666 & ~umask)
        Path(draft).replace(place)
    except OSError as error:
        raise Failure(Exit.USAGE, f"cannot write {place}: {error.strerror}") from error
    finally:
        Path(draft).unlink(missing_ok=True)
    print(f"{place}: {artifact.size} bytes")


def _pour(client: Client, execution: str, artifact: Artifact) -> None:
    digest = hashlib.sha256()
    for piece in client.executions.read_output(execution, artifact.name):
        digest.update(piece)
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    _check(artifact, digest.hexdigest())


def _check(artifact: Artifact, digest: str) -> None:
    if digest != artifact.sha256:
        raise Failure(Exit.REFUSED, f"the download of {artifact.name} is not what was kept: its SHA-256 is {digest}")

"""``aiop execution outputs``, ``download`` and ``cache``: for executions of pipelines."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from aiop.cli import completion
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import ExecutionArgument, Format, Output, Server

if TYPE_CHECKING:
    from aiop.client import Artifact, Client

__all__ = ["add_to"]

_OUTPUTS = examples("aiop execution outputs 01a207c0", "aiop execution outputs 01a207c0 -o name")
_DOWNLOAD = examples(
    "aiop execution download 01a207c0",
    "aiop execution download 01a207c0 program --to build/",
    "aiop execution download 01a207c0 site --to - | tar xz",
)
_CACHE = examples("aiop execution cache 01a207c0", "aiop execution cache 01a207c0 build -o json | jq .changed")


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of ``aiop execution``."""
    app.command("outputs", epilog=_OUTPUTS)(outputs)
    app.command("download", epilog=_DOWNLOAD)(download)
    app.command("cache", epilog=_CACHE)(cache)


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
    name: Annotated[
        str | None,
        typer.Argument(help="Which output; all of them if none is named.", autocompletion=completion.outputs),
    ] = None,
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
            hint = (
                f"There are: {known}."
                if known
                else "Only pipelines with `outputs` hand out files, once a step has made them."
            )
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
    step: Annotated[
        str | None, typer.Argument(help="Which step; all of them if none is named.", autocompletion=completion.steps)
    ] = None,
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
        raise _unwritable(place, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            _copy(client, execution, artifact, file)
        umask = os.umask(0)
        os.umask(umask)
        Path(draft).chmod(0o666 & ~umask)
        Path(draft).replace(place)
    except OSError as error:
        raise _unwritable(place, error) from error
    finally:
        Path(draft).unlink(missing_ok=True)
    print(f"{place}: {artifact.size} bytes")


def _pour(client: Client, execution: str, artifact: Artifact) -> None:
    _copy(client, execution, artifact, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _copy(client: Client, execution: str, artifact: Artifact, file: BinaryIO) -> None:
    """Copy the bytes of an output, and see whether they are all there."""
    from aiop.cli.transfer import transfer

    digest, done = hashlib.sha256(), 0
    with transfer(f"Downloading {artifact.name}", artifact.size) as told:
        for piece in client.executions.read_output(execution, artifact.name):
            digest.update(piece)
            file.write(piece)
            done += len(piece)
            told(done)
    if digest.hexdigest() != artifact.sha256:
        what = f"the download of {artifact.name} is not what was kept: its SHA-256 is {digest.hexdigest()}"
        raise Failure(Exit.REFUSED, what, hint="Download it again; if it stays so, the service's disk has a fault.")


def _unwritable(place: Path, error: OSError) -> Failure:
    hint = "Say --to PATH, a file or directory that you may write to."
    return Failure(Exit.USAGE, f"cannot write {place}: {error.strerror}", hint=hint)

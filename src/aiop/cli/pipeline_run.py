"""``aiop pipeline run``."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiop.cli import completion
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import Format, IgnoreUnsupported, Output, Requires, Server
from aiop.cli.run import credentials_of, mapping_of

if TYPE_CHECKING:
    from aiop.cli.document import Document
    from aiop.client import Client, Pipeline

__all__ = ["EXAMPLES", "run"]

EXAMPLES = examples(
    "aiop pipeline run .",
    "aiop pipeline run ./app --definition ci/pipeline.yaml -i version=1.2",
    "aiop pipeline run app --skip-cache --detach",
)

_USUAL = ("pipeline.yaml", "pipeline.yml", "pipeline.json")
_UPLOAD = "source:"


def run(
    pipeline: Annotated[
        str,
        typer.Argument(
            metavar="PIPELINE|DIR",
            help="Its id or name, or a directory to upload and run.",
            autocompletion=completion.pipelines_and_directories,
        ),
    ],
    assignments: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="NAME=VALUE", help="An input; NAME:=JSON for other than text."),
    ] = None,
    inputs_file: Annotated[
        str | None, typer.Option("--inputs", metavar="FILE", help="A mapping of inputs, YAML or JSON; - reads stdin.")
    ] = None,
    definition: Annotated[
        str | None, typer.Option(metavar="PATH", help="The file in DIR that says what to do; pipeline.yaml if none.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the pipeline that DIR is run as; that in the file, or the directory's.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="DIR", help="Another source, on the service's machine, for a stored pipeline.")
    ] = None,
    skip_cache: Annotated[bool, typer.Option("--skip-cache", help="Run every step.")] = False,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Show progress, or wait silently.")] = True,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once it is accepted; print its id.")] = False,
    registry: Annotated[str | None, typer.Option(metavar="HOST", help="Registry for images that name none.")] = None,
    registry_username: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who to be there; the password is AIOP_REGISTRY_PASSWORD.")
    ] = None,
    requires: Requires = None,
    ignore_unsupported: IgnoreUnsupported = False,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Run a pipeline and wait for its end; the exit code tells how (0, 1 failed, 6 cancelled)."""
    from aiop.cli.output import show
    from aiop.cli.values import inputs_of
    from aiop.cli.watch import conclude, needs_of, watch_execution

    given = mapping_of(inputs_file)
    credentials = credentials_of(registry_username)
    local = Path(pipeline) if _is_directory(pipeline) else None
    document = None if local is None else _document(local, definition)
    with connect(server) as client:
        if local is not None and document is not None:
            found, source = _uploaded(client, local, document, name)
        else:
            found = _stored(client, pipeline)
        declared = document.data if document is not None else _inline(found)
        with _located(document):
            submission = client.pipelines.execute(
                found.id,
                inputs_of(assignments or (), given, declared.get("inputs")),
                source_directory=source,
                skip_cache=skip_cache,
                container_registry=registry,
                container_credentials=credentials,
                requires=requires,
                ignore_unsupported=ignore_unsupported or None,
            )
        if detach:
            accepted = submission.execution_id
            show(output, submission.raw, names=[accepted], people=lambda: accepted)
            return
        if watch:
            needs = needs_of(declared.get("steps")) or None
            code = watch_execution(client, submission.execution_id, name=found.name, needs=needs, output=output)
        else:
            code = conclude(client, client.executions.wait(submission.execution_id), output=output)
    raise typer.Exit(code)


def _is_directory(text: str) -> bool:
    return text in (".", "..") or "/" in text or Path(text).is_dir()


def _document(directory: Path, definition: str | None) -> Document:
    """Read the definition here too: for its inputs, for the picture of its steps, and for the lines of its faults."""
    from aiop.cli.document import read_document

    if not directory.is_dir():
        hint = "Name a directory to upload, or a stored pipeline: `aiop pipeline list` shows those."
        raise Failure(Exit.USAGE, f"there is no directory {directory}", hint=hint)
    names = _USUAL if definition is None else (definition,)
    for each in names:
        if (directory / each).is_file():
            document = read_document(str(directory / each))
            document.place = each
            return document
    hint = (
        "Is the name right?" if definition else "Name it with --definition, or write one: see `aiop pipeline --help`."
    )
    raise Failure(Exit.USAGE, f"there is no {' or '.join(names)} in {directory}", hint=hint)


def _uploaded(client: Client, directory: Path, document: Document, name: str | None) -> tuple[Pipeline, str]:
    """Upload the directory, and find or make the pipeline that it is run as."""
    called = name or document.data.get("name")
    if not isinstance(called, str) or not called:
        called = directory.resolve().name or "pipeline"
    source = _upload(client, directory)
    fields = {"source_directory": source, "pipeline_definition": document.place}
    for found in client.pipelines.iter(name=called):
        if found.name == called and found.source_directory.startswith(_UPLOAD):
            return client.pipelines.update(found.id, fields), source
    return client.pipelines.create({"name": called, **fields}), source


def _upload(client: Client, directory: Path) -> str:
    from aiop.cli.packing import packed
    from aiop.cli.transfer import transfer

    name = directory.resolve().name
    with contextlib.ExitStack() as stack:
        with transfer(f"Packing {name}", None) as told:
            archive = stack.enter_context(packed(directory, told=told))
        with transfer(f"Uploading {name}", archive.stat().st_size) as told:
            return client.pipelines.upload(archive, progress=told).source_directory


def _stored(client: Client, reference: str) -> Pipeline:
    from aiop.cli.finding import pipeline_id

    return client.pipelines.get(pipeline_id(client, reference))


def _inline(pipeline: Pipeline) -> Any:
    definition = pipeline.pipeline_definition
    return definition if not isinstance(definition, str) else {}


def _located(document: Document | None) -> Any:
    """Say of each fault in the definition in which line of the file it is."""
    from aiop.cli.workflow import faults_located

    return contextlib.nullcontext() if document is None else faults_located(document, prefix="pipeline_definition")

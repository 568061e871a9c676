"""``aiop pipeline``, all but ``run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiop.cli import completion
from aiop.cli.asking import confirm
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.options import Format, Limit, Offset, Output, Server, Sort, Yes

if TYPE_CHECKING:
    from aiop.client import Pipeline

__all__ = ["Reference", "app"]

app = typer.Typer(
    name="pipeline", help="Pipelines: steps over a tree of files.", no_args_is_help=True, rich_markup_mode=None
)

Reference = Annotated[
    str,
    typer.Argument(
        metavar="PIPELINE", help="Its id, the beginning of it, or its name.", autocompletion=completion.pipelines
    ),
]
Source = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Directory on the service's machine, or source:ID of an upload."),
]
Definition = Annotated[
    str | None, typer.Option(metavar="PATH", help="The file in the source that says what to do; pipeline.yaml if none.")
]
Inline = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A file on this machine instead; its text is stored.")
]
Description = Annotated[str | None, typer.Option(help="What it is for.")]
Cache = Annotated[bool | None, typer.Option("--cache/--no-cache", help="Whether results may be used again.")]
Timeout = Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help="For an execution as a whole.")]


@app.command(
    "create",
    epilog=examples(
        "aiop pipeline create app /src --definition ci/pipeline.yaml",
        "aiop pipeline create app /src --inline pipeline.yaml --timeout 1800",
    ),
)
def create(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    source: Annotated[
        str, typer.Argument(metavar="DIR", help="Directory on the service's machine, or source:ID of an upload.")
    ],
    definition: Definition = None,
    inline: Inline = None,
    description: Description = None,
    cache: Cache = None,
    timeout: Timeout = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Store a pipeline."""
    fields = _fields(name, source, definition or "pipeline.yaml", inline, description, cache, timeout)
    with connect(server) as client:
        made = client.pipelines.create(fields)
    _show(output, made, f"Created pipeline {made.name} ({made.id}).")


@app.command(
    "list",
    epilog=examples(
        "aiop pipeline list",
        "aiop pipeline list --name app --sort name",
    ),
)
def list_pipelines(
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="Only those with this in their name.")] = None,
    limit: Limit = 20,
    offset: Offset = 0,
    sort: Sort = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """List pipelines, newest first."""
    from aiop.cli.output import show, table
    from aiop.cli.text import age, now

    with connect(server) as client:
        page = client.pipelines.list(name=name, sort=sort, limit=limit, offset=offset)
    rows = [
        (item.id, item.name, item.source_directory, age(item.created_at, now()), item.description or "")
        for item in page.items
    ]
    show(
        output,
        page.raw,
        names=[item.id for item in page.items],
        people=lambda: table(
            ("ID", "NAME", "SOURCE", "CREATED", "DESCRIPTION"), rows, flexible=("NAME", "SOURCE", "DESCRIPTION")
        ),
    )


@app.command(
    "show",
    epilog=examples(
        "aiop pipeline show app",
        "aiop pipeline show app -o yaml",
    ),
)
def show_pipeline(pipeline: Reference, output: Output = Format.TABLE, server: Server = None) -> None:
    """Show a pipeline."""
    from aiop.cli.finding import pipeline_id
    from aiop.cli.output import show

    with connect(server) as client:
        found = client.pipelines.get(pipeline_id(client, pipeline))
    show(output, found.raw, names=[found.id], people=lambda: _page(found))


@app.command(
    "update",
    epilog=examples(
        "aiop pipeline update app --source /workflows/app",
        "aiop pipeline update app --no-cache",
    ),
)
def update(
    pipeline: Reference,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    source: Source = None,
    definition: Definition = None,
    inline: Inline = None,
    description: Description = None,
    cache: Cache = None,
    timeout: Timeout = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Change what is given. Executions under way keep what they started with."""
    from aiop.cli.finding import pipeline_id

    fields = _fields(name, source, definition, inline, description, cache, timeout)
    with connect(server) as client:
        changed = client.pipelines.update(pipeline_id(client, pipeline), fields)
    _show(output, changed, f"Updated pipeline {changed.name} ({changed.id}).")


@app.command(
    "delete",
    epilog=examples(
        "aiop pipeline delete app",
        "aiop pipeline delete app --yes",
    ),
)
def delete(pipeline: Reference, yes: Yes = False, server: Server = None) -> None:
    """Delete a pipeline with its executions, their logs and files; those under way are cancelled."""
    from aiop.cli.finding import pipeline_id

    with connect(server) as client:
        found = client.pipelines.get(pipeline_id(client, pipeline))
        confirm(f"Delete pipeline {found.name} ({found.id}) with all its executions, logs and files?", yes=yes)
        client.pipelines.delete(found.id)
    print(f"Deleted pipeline {found.name} ({found.id}).")


def _fields(
    name: str | None,
    source: str | None,
    definition: str | None,
    inline: Path | None,
    description: str | None,
    cache: bool | None,
    timeout: float | None,
) -> dict[str, Any]:
    fields = {
        "name": name,
        "description": description,
        "source_directory": source,
        "pipeline_definition": definition if inline is None else _text(inline),
        "caching_enabled": cache,
        "timeout_seconds": timeout,
    }
    return {field: value for field, value in fields.items() if value is not None}


def _text(file: Path) -> Any:
    """Return what a file holds; as an object, so that its faults are those of fields."""
    from aiop.cli.document import read_document

    return read_document(str(file)).data


def _page(pipeline: Pipeline) -> Any:
    from aiop.cli.output import fields
    from aiop.cli.text import local

    definition = pipeline.pipeline_definition
    inline = not isinstance(definition, str) or "\n" in definition
    timeout = pipeline.timeout_seconds
    return fields(
        [
            ("Name", pipeline.name),
            ("Id", pipeline.id),
            ("Description", pipeline.description),
            ("Source", pipeline.source_directory),
            ("Definition", "inline; see -o yaml" if inline else str(definition)),
            ("Cache", "on" if pipeline.caching_enabled else "off"),
            ("Timeout", None if timeout is None else f"{timeout:g} s"),
            ("Created", local(pipeline.created_at)),
            ("Updated", local(pipeline.updated_at) if pipeline.updated_at else None),
        ]
    )


def _show(output: Format, pipeline: Pipeline, sentence: str) -> None:
    from aiop.cli.output import show

    show(output, pipeline.raw, names=[pipeline.id], people=lambda: sentence)

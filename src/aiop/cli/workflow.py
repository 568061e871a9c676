"""``aiop workflow``, all but ``run``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiop.cli.asking import confirm
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import Format, Limit, Offset, Output, Server, Sort, WorkflowArgument, Yes
from aiop.errors import Fault
from aiop.model.state import ExecutionStatus

if TYPE_CHECKING:
    from aiop.cli.document import Document
    from aiop.client import Workflow

__all__ = ["app", "definition_of", "faults_located"]

app = typer.Typer(
    name="workflow", help="Workflows: store, check, run.", no_args_is_help=True, rich_markup_mode=None
)  # fmt: skip

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="YAML or JSON; - reads stdin.")]

_NOT_WRITTEN = frozenset({"id", "status", "created_at", "updated_at"})


@app.command(
    "create",
    epilog=examples(
        "aiop workflow create words.yaml",
        "python make_words.py | aiop workflow create - -o name",
    ),
)
def create(file: FileArgument, output: Output = Format.TABLE, server: Server = None) -> None:
    """Store a workflow."""
    from aiop.cli.document import read_document

    document = read_document(file)
    with connect(server) as client, faults_located(document):
        made = client.workflows.create(document.data)
    _show(output, made, f"Created workflow {made.name} ({made.id}).")


@app.command(
    "list",
    epilog=examples(
        "aiop workflow list",
        "aiop workflow list --status failed --sort updated_at:desc",
        "aiop workflow list --name words -o json",
    ),
)
def list_workflows(
    status: Annotated[ExecutionStatus | None, typer.Option(help="Only those whose newest execution is so.")] = None,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="Only those with this in their name.")] = None,
    limit: Limit = 20,
    offset: Offset = 0,
    sort: Sort = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """List workflows, newest first."""
    from aiop.cli.output import show, status_text, table
    from aiop.cli.text import age, now

    with connect(server) as client:
        page = client.workflows.list(status=status, name=name, sort=sort, limit=limit, offset=offset)
    rows = [
        (item.id, item.name, status_text(item.status), age(item.created_at, now()), item.description or "")
        for item in page.items
    ]
    show(
        output,
        page.raw,
        names=[item.id for item in page.items],
        people=lambda: table(
            ("ID", "NAME", "STATUS", "CREATED", "DESCRIPTION"), rows, flexible=("NAME", "DESCRIPTION")
        ),
    )


@app.command(
    "show",
    epilog=examples(
        "aiop workflow show words",
        "aiop workflow show words --definition > words.yaml",
    ),
)
def show_workflow(
    workflow: WorkflowArgument,
    definition: Annotated[
        bool, typer.Option("--definition", help="Only what a file for `create` and `update` holds, as YAML.")
    ] = False,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Show a workflow with its steps."""
    from aiop.cli.finding import workflow_id
    from aiop.cli.output import show
    from aiop.cli.pages import workflow_page

    with connect(server) as client:
        found = client.workflows.get(workflow_id(client, workflow))
    if definition:
        form = Format.YAML if output is Format.TABLE else output
        show(form, definition_of(found), names=[found.id], people=str)
    else:
        show(output, found.raw, names=[found.id], people=lambda: workflow_page(found))


@app.command(
    "update",
    epilog=examples(
        "aiop workflow update words words.yaml",
    ),
)
def update(
    workflow: WorkflowArgument, file: FileArgument, output: Output = Format.TABLE, server: Server = None
) -> None:
    """Change the fields that FILE has. Executions under way keep what they started with."""
    from aiop.cli.document import read_document
    from aiop.cli.finding import workflow_id

    document = read_document(file)
    with connect(server) as client, faults_located(document):
        changed = client.workflows.update(workflow_id(client, workflow), document.data)
    _show(output, changed, f"Updated workflow {changed.name} ({changed.id}).")


@app.command(
    "delete",
    epilog=examples(
        "aiop workflow delete words",
        "aiop workflow delete words --yes",
    ),
)
def delete(workflow: WorkflowArgument, yes: Yes = False, server: Server = None) -> None:
    """Delete a workflow with its executions and their logs; those under way are cancelled."""
    from aiop.cli.finding import workflow_id

    with connect(server) as client:
        found = client.workflows.get(workflow_id(client, workflow))
        confirm(f"Delete workflow {found.name} ({found.id}) with all its executions and logs?", yes=yes)
        client.workflows.delete(found.id)
    print(f"Deleted workflow {found.name} ({found.id}).")


@app.command(
    "validate",
    epilog=examples(
        "aiop workflow validate words.yaml",
        "aiop workflow validate words.yaml -o json | jq .errors",
    ),
)
def validate(file: FileArgument, output: Output = Format.TABLE, server: Server = None) -> None:
    """Check a workflow without storing it; prints every fault with its line."""
    from aiop.cli.document import read_document
    from aiop.cli.output import show

    document = read_document(file)
    with connect(server) as client:
        validation = client.workflows.validate(document.data)
    if output in (Format.JSON, Format.YAML):
        faults = [{"field": fault.field, "message": fault.message} for fault in validation.faults]
        show(output, {"valid": validation.valid, "errors": faults}, names=(), people=str)
        if faults:
            raise typer.Exit(Exit.REFUSED)
    elif validation.valid:
        print(f"{document.name} is valid.")
    else:
        raise _faulty(document, document.located(validation.faults))


@contextmanager
def faults_located(document: Document, *, prefix: str = "") -> Iterator[None]:
    """Say of each fault in which line of the file it is; ``prefix`` is the field that holds the document."""
    from aiop.client import InvalidRequest

    try:
        yield
    except InvalidRequest as error:
        faults = [
            Fault(fault.field.removeprefix(prefix).removeprefix("."), fault.message)
            for fault in error.faults
            if fault.field.startswith(prefix)
        ]
        if len(faults) < len(error.faults):  # some are of what was sent besides
            raise
        raise _faulty(document, document.located(faults) or [error.message]) from error


def definition_of(workflow: Workflow) -> dict[str, Any]:
    """Return what the workflow's file holds."""
    return {name: value for name, value in workflow.raw.items() if name not in _NOT_WRITTEN}


def _faulty(document: Document, details: list[str]) -> Failure:
    count = "a fault" if len(details) == 1 else f"{len(details)} faults"
    hint = "Correct what is named; `aiop workflow validate FILE` checks without storing."
    return Failure(Exit.REFUSED, f"{document.name} has {count}", details=details, hint=hint)


def _show(output: Format, workflow: Workflow, sentence: str) -> None:
    from aiop.cli.output import show

    show(output, workflow.raw, names=[workflow.id], people=lambda: sentence)

"""``aiop workflow run``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiop.cli import completion
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import Format, IgnoreUnsupported, Output, Requires, Server

if TYPE_CHECKING:
    from aiop.client import Client, Submission, Workflow

__all__ = ["EXAMPLES", "credentials_of", "mapping_of", "run"]

EXAMPLES = examples(
    "aiop workflow run words.yaml -i text='to be or not to be'",
    "aiop workflow run words -i limit:=3 --inputs more.yaml",
    "aiop workflow run words -o json | jq .outputs",
    "id=$(aiop workflow run words --detach)",
)


def run(
    workflow: Annotated[
        str,
        typer.Argument(
            metavar="WORKFLOW|FILE",
            help="Its id or name, or a file to store and run; - reads stdin.",
            autocompletion=completion.workflows_and_files,
        ),
    ],
    assignments: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="NAME=VALUE", help="An input; NAME:=JSON for other than text."),
    ] = None,
    inputs_file: Annotated[
        str | None, typer.Option("--inputs", metavar="FILE", help="A mapping of inputs, YAML or JSON; - reads stdin.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Show progress, or wait silently.")] = True,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once it is accepted; print its id.")] = False,
    registry: Annotated[str | None, typer.Option(metavar="HOST", help="Registry for images that name none.")] = None,
    registry_username: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who to be there; the password is AIOP_REGISTRY_PASSWORD.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--default-timeout", min=0, metavar="SECONDS", help="For steps that set none.")
    ] = None,
    requires: Requires = None,
    ignore_unsupported: IgnoreUnsupported = False,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Run a workflow and wait for its end; the exit code tells how (0, 1 failed, 6 cancelled)."""
    from aiop.cli.values import inputs_of
    from aiop.cli.watch import conclude, needs_of, watch_execution

    if inputs_file == "-" and workflow == "-":
        hint = "Put one of them into a file."
        raise Failure(Exit.USAGE, "only one of workflow and inputs can come from stdin", hint=hint)
    given = mapping_of(inputs_file)
    credentials = credentials_of(registry_username)
    with connect(server) as client:
        found = _find(client, workflow)
        submission = client.workflows.execute(
            found.id,
            inputs_of(assignments or (), given, found.raw.get("inputs")),
            container_registry=registry,
            container_credentials=credentials,
            workflow_defaults=None if timeout is None else {"inputs": {"default_timeout": timeout}},
            requires=requires,
            ignore_unsupported=ignore_unsupported or None,
        )
        if detach:
            _accepted(output, submission)
            return
        if watch:
            needs = needs_of(found.steps)
            code = watch_execution(client, submission.execution_id, name=found.name, needs=needs, output=output)
        else:
            code = conclude(client, client.executions.wait(submission.execution_id), output=output)
    raise typer.Exit(code)


def mapping_of(file: str | None) -> Mapping[str, Any]:
    """Read the file of inputs, if there is one."""
    if file is None:
        return {}
    from aiop.cli.document import read_document

    return read_document(file).data


def credentials_of(username: str | None) -> dict[str, str] | None:
    """Return the credentials for the registry; the password is never on the command line."""
    if username is None:
        return None
    password = os.environ.get("AIOP_REGISTRY_PASSWORD")
    if password is None:
        raise Failure(Exit.USAGE, "there is no password for the registry", hint="Set AIOP_REGISTRY_PASSWORD.")
    return {"username": username, "password": password}


def _find(client: Client, reference: str) -> Workflow:
    """Find a stored workflow, or store the file unless it is stored already just as it is."""
    from aiop.cli.document import is_file_name, read_document
    from aiop.cli.finding import workflow_id
    from aiop.cli.workflow import definition_of, faults_located

    if not is_file_name(reference):
        return client.workflows.get(workflow_id(client, reference))
    document = read_document(reference)
    name = document.data.get("name")
    if isinstance(name, str):
        for candidate in client.workflows.list(name=name).items:
            if candidate.name == name:
                stored = client.workflows.get(candidate.id)
                if definition_of(stored) == document.data:
                    return stored
    with faults_located(document):
        return client.workflows.create(document.data)


def _accepted(output: Format, submission: Submission) -> None:
    from aiop.cli.output import show

    show(output, submission.raw, names=[submission.execution_id], people=lambda: submission.execution_id)

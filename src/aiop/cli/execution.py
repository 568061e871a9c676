"""``aiop execution``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from aiop.cli import completion
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import ExecutionArgument, ExecutionStep, Format, Limit, Offset, Output, Server, Sort
from aiop.model.records import Stream
from aiop.model.state import ExecutionStatus

__all__ = ["app"]

app = typer.Typer(
    name="execution", help="Executions: look, follow, cancel.", no_args_is_help=True, rich_markup_mode=None
)


@app.command(
    "list",
    epilog=examples(
        "aiop execution list",
        "aiop execution list --workflow words --status failed",
        "aiop execution list --sort completed_at:desc -n 5 -o json",
    ),
)
def list_executions(
    workflow: Annotated[
        str | None,
        typer.Option(
            "--workflow", "-w", help="Only those of this workflow (id or name).", autocompletion=completion.workflows
        ),
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(
            "--pipeline", "-p", help="Only those of this pipeline (id or name).", autocompletion=completion.pipelines
        ),
    ] = None,
    status: Annotated[ExecutionStatus | None, typer.Option(help="Only those that are so.")] = None,
    limit: Limit = 20,
    offset: Offset = 0,
    sort: Sort = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """List executions, newest first."""
    from aiop.cli.finding import pipeline_id, workflow_id
    from aiop.cli.output import show, status_text, table
    from aiop.cli.pages import span, why
    from aiop.cli.text import age, now

    if workflow is not None and pipeline is not None:
        hint = "Say --workflow or --pipeline."
        raise Failure(Exit.USAGE, "an execution is of a workflow or of a pipeline, and never of both", hint=hint)
    with connect(server) as client:
        chosen = None if workflow is None else workflow_id(client, workflow)
        of_pipeline = None if pipeline is None else pipeline_id(client, pipeline)
        page = client.executions.list(
            workflow=chosen, pipeline=of_pipeline, status=status, sort=sort, limit=limit, offset=offset
        )
    rows = []
    for item in page.items:
        ended = sum(step.status.ended for step in item.steps.values())
        took = span(item.started_at, item.completed_at) or "-"
        reason = why(item.reason, item.error, item.waiting) or ""
        steps = f"{ended}/{len(item.steps)}"
        rows.append((item.id, status_text(item.status), steps, age(item.started_at, now()), took, reason))
    show(
        output,
        page.raw,
        names=[item.id for item in page.items],
        people=lambda: table(("ID", "STATUS", "STEPS", "STARTED", "TIME", "WHY"), rows, flexible=("WHY",)),
    )


@app.command(
    "show",
    epilog=examples(
        "aiop execution show 01a207c0",
        "aiop execution show 01a207c0 -o yaml",
    ),
)
def show_execution(execution: ExecutionArgument, output: Output = Format.TABLE, server: Server = None) -> None:
    """Show an execution with its steps."""
    from aiop.cli.finding import execution_id
    from aiop.cli.output import show
    from aiop.cli.pages import execution_page

    with connect(server) as client:
        found = client.executions.get(execution_id(client, execution))
    show(output, found.raw, names=[found.id], people=lambda: execution_page(found))


@app.command(
    "logs",
    epilog=examples(
        "aiop execution logs 01a207c0",
        "aiop execution logs 01a207c0 --follow",
        "aiop execution logs 01a207c0 --step count --stream stderr --timestamps",
    ),
)
def logs(
    execution: ExecutionArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the execution has ended.")] = False,
    step: ExecutionStep = None,
    stream: Annotated[Stream | None, typer.Option(help="Only this stream.")] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="With the time of each line.")] = False,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Print the log; -o json prints one object for each line."""
    from aiop.cli.finding import execution_id
    from aiop.cli.log_lines import LogPrinter

    printer = LogPrinter(output, alone=step is not None, timestamps=timestamps)
    with connect(server) as client:
        found = execution_id(client, execution)
        for line in client.executions.follow_logs(found, step=step, stream=stream, follow=follow):
            printer.print(line)


@app.command(
    "events",
    epilog=examples(
        "aiop execution events 01a207c0",
        "aiop execution events 01a207c0 -o json | jq -r .type",
    ),
)
def events(execution: ExecutionArgument, output: Output = Format.TABLE, server: Server = None) -> None:
    """Print every state change until the execution has ended; -o json prints one object for each."""
    from aiop.cli.finding import execution_id
    from aiop.cli.text import local, plain

    with connect(server) as client:
        for event in client.executions.events(execution_id(client, execution)):
            if output is Format.TABLE:
                data = "  ".join(f"{name}={value}" for name, value in event.data.items())
                print(plain(f"{event.seq:>5}  {local(event.at)}  {event.type:<25} {data}").rstrip(), flush=True)
            elif output is Format.NAME:
                print(event.type, flush=True)
            else:
                body = {"seq": event.seq, "type": event.type, "at": event.raw.get("at"), "data": event.data}
                _print_object(output, body)


@app.command(
    "cancel",
    epilog=examples(
        "aiop execution cancel 01a207c0",
        "aiop execution cancel 01a207c0 --wait",
    ),
)
def cancel(
    execution: ExecutionArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it has ended.")] = False,
    server: Server = None,
) -> None:
    """Cancel an execution: its running steps are stopped, no other is started."""
    from aiop.cli.finding import execution_id

    with connect(server) as client:
        found = execution_id(client, execution)
        client.executions.cancel(found)
        if wait:
            print(f"Execution {found} is {client.executions.wait(found).status}.")
        else:
            print(f"Asked execution {found} to cancel.")


def _print_object(output: Format, body: object) -> None:
    if output is Format.JSON:
        print(json.dumps(body, ensure_ascii=False), flush=True)
    else:
        from aiop.cli.output import yaml_text

        print(f"---\n{yaml_text(body)}", end="", flush=True)

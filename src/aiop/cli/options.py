"""Options and arguments that several commands share, so that they are called and explained the same everywhere."""

from __future__ import annotations

import enum
from typing import Annotated, TypeAlias

import typer

from aiop.cli import completion

__all__ = [
    "ExecutionArgument",
    "ExecutionStep",
    "Format",
    "IgnoreUnsupported",
    "Limit",
    "Offset",
    "Output",
    "Requires",
    "Server",
    "Sort",
    "WorkflowArgument",
    "Yes",
]


class Format(enum.StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


Server: TypeAlias = Annotated[
    str | None,
    typer.Option("--server", envvar="AIOP_SERVER", metavar="URL", help="Where the service is.", show_envvar=True),
]
Output: TypeAlias = Annotated[
    Format,
    typer.Option("--output", "-o", help="json and yaml: the answer as it is; name: ids alone.", show_default=True),
]
Limit: TypeAlias = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many rows at most.")]
Offset: TypeAlias = Annotated[int, typer.Option("--offset", min=0, help="How many rows to skip.")]
Sort: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="FIELD[:asc|:desc]",
        help="Order of the rows; else newest first.",
        autocompletion=completion.sort_fields,
    ),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Requires: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--requires",
        metavar="WORD",
        help="A capability that its agent must have.",
        autocompletion=completion.capabilities,
    ),
]
IgnoreUnsupported: TypeAlias = Annotated[
    bool, typer.Option("--ignore-unsupported", help="Run also where the engine cannot give limits it asks for.")
]
WorkflowArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="WORKFLOW", help="Its id, the beginning of it, or its name.", autocompletion=completion.workflows
    ),
]
ExecutionArgument: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="EXECUTION", help="Its id, or the beginning of it.", autocompletion=completion.executions),
]
ExecutionStep: TypeAlias = Annotated[
    str | None,
    typer.Option("--step", help="Only this step, without its name before each line.", autocompletion=completion.steps),
]

"""``aiop secret``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from aiop.cli import completion
from aiop.cli.asking import confirm
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import Format, Limit, Offset, Output, Server, Sort, Yes

__all__ = ["app"]

app = typer.Typer(
    name="secret", help="Named values for workflows; for admins.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As in ${secrets.NAME}.", autocompletion=completion.secrets)]


@app.command(
    "set",
    epilog=examples(
        "aiop secret set API_KEY  # asks for it",
        'aiop secret set API_KEY --description "of the weather service" < key.txt',
    ),
)
def put(
    name: Name,
    description: Annotated[str | None, typer.Option(help="What it is for; the one that is there stays.")] = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Store a secret or replace its value, which is asked for, or read from stdin."""
    from aiop.cli.output import show

    value = _read_value(name)
    with connect(server) as client:
        secret = client.secrets.put(name, value, description=description)
    did = "Stored" if secret.updated_at is None else "Replaced"
    show(output, secret.raw, names=[secret.name], people=lambda: f"{did} secret {secret.name}.")


@app.command(
    "list",
    epilog=examples(
        "aiop secret list",
        "aiop secret list --name KEY -o name",
    ),
)
def list_secrets(
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    limit: Limit = 20,
    offset: Offset = 0,
    sort: Sort = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """List the secrets. Nobody can list their values."""
    from aiop.cli.output import show, table
    from aiop.cli.text import local

    with connect(server) as client:
        page = client.secrets.list(name=name, limit=limit, offset=offset, sort=sort)
    rows = [
        (item.name, item.description or "", local(item.updated_at or item.created_at), item.created_by)
        for item in page.items
    ]
    show(
        output,
        page.raw,
        names=[item.name for item in page.items],
        people=lambda: table(("NAME", "DESCRIPTION", "SET", "CREATED BY"), rows, flexible=("DESCRIPTION",)),
    )


@app.command(
    "delete",
    epilog=examples(
        "aiop secret delete API_KEY",
    ),
)
def delete(name: Name, yes: Yes = False, server: Server = None) -> None:
    """Delete a secret: workflows that need it can be executed no more."""
    confirm(f"Delete secret {name}?", yes=yes)
    with connect(server) as client:
        client.secrets.delete(name)
    print(f"Deleted secret {name}.")


def _read_value(name: str) -> str:
    """Get the value without it showing anywhere. The end of a single line is no part of it; of several it is."""
    if sys.stdin.isatty():
        value = str(typer.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True))
    else:
        try:
            value = sys.stdin.read()
            value.encode()  # in some locales Python lets bytes that are no text through
        except UnicodeError as error:
            hint = "Put it into text, by base64 for example."
            raise Failure(Exit.USAGE, "the value is not text in UTF-8", hint=hint) from error
        if value.find("\n") == len(value) - 1:
            value = value.removesuffix("\n").removesuffix("\r")
    if not value.strip():
        raise Failure(Exit.USAGE, "the value is empty", hint=f"Type it, or pipe it in: aiop secret set {name} < FILE.")
    return value

"""``aiop token``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from aiop.cli import completion
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.options import Format, Limit, Offset, Output, Server, Sort
from aiop.model.records import Role

__all__ = ["app"]

app = typer.Typer(name="token", help="API tokens, for programs.", no_args_is_help=True, rich_markup_mode=None)


@app.command(
    "create",
    epilog=examples(
        "aiop token create laptop",
        "AIOP_TOKEN=$(aiop token create ci --role editor --expires-in 90d)",
    ),
)
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: Annotated[Role | None, typer.Option(help="What it may do; your own role by default.")] = None,
    expires_in: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long it works: 90d, 12h; for ever if absent.")
    ] = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Make a token and print its secret, which nobody can see again."""
    from aiop.cli.output import show
    from aiop.cli.text import seconds_of

    try:
        seconds = None if expires_in is None else seconds_of(expires_in)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--expires-in") from error
    with connect(server) as client:
        made = client.auth.tokens.create(name, role=role, expires_in=seconds)
    if output is Format.TABLE:
        print(f"Token {made.name} ({made.role}). Keep it now: it is not shown again.", file=sys.stderr)
    show(output, made.raw, names=[made.id], people=lambda: made.token)


@app.command(
    "list",
    epilog=examples(
        "aiop token list",
        "aiop token list --sort expires_at",
    ),
)
def list_tokens(
    limit: Limit = 20, offset: Offset = 0, sort: Sort = None, output: Output = Format.TABLE, server: Server = None
) -> None:
    """List your tokens."""
    from aiop.cli.output import show, table
    from aiop.cli.text import age, local, now

    with connect(server) as client:
        page = client.auth.tokens.list(limit=limit, offset=offset, sort=sort)
    rows = [
        (item.id, item.name, item.role, local(item.expires_at), age(item.last_used_at, now())) for item in page.items
    ]
    show(
        output,
        page.raw,
        names=[item.id for item in page.items],
        people=lambda: table(("ID", "NAME", "ROLE", "EXPIRES", "LAST USED"), rows, flexible=("NAME",)),
    )


@app.command(
    "revoke",
    epilog=examples(
        "aiop token revoke 01a207c0-b966-77bb-8de4-ee836d9b5291",
    ),
)
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id.", autocompletion=completion.tokens)],
    server: Server = None,
) -> None:
    """Make a token worthless at once."""
    with connect(server) as client:
        client.auth.tokens.revoke(token)
    print(f"Revoked {token}.")

"""``aiop user``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aiop.cli import completion
from aiop.cli.asking import confirm
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.login import read_password
from aiop.cli.options import Format, Limit, Offset, Output, Server, Sort, Yes
from aiop.model.records import Role

if TYPE_CHECKING:
    from aiop.client import User

__all__ = ["app"]

app = typer.Typer(name="user", help="People who sign in; for admins.", no_args_is_help=True, rich_markup_mode=None)

_VARIABLE = "AIOP_NEW_PASSWORD"

Username = Annotated[str, typer.Argument(metavar="USERNAME")]
Existing = Annotated[str, typer.Argument(metavar="USERNAME", autocompletion=completion.users)]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")]


@app.command(
    "create",
    epilog=examples(
        "aiop user create ann --role editor",
        "aiop user create ann --password-stdin < password.txt",
    ),
)
def create(
    username: Username,
    role: Annotated[Role, typer.Option(help="viewer reads, editor runs workflows, admin does all.")] = Role.VIEWER,
    password_stdin: PasswordStdin = False,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Add a user. The password is asked for, or taken from AIOP_NEW_PASSWORD."""
    password = read_password(_VARIABLE, from_stdin=password_stdin, confirm=True)
    with connect(server) as client:
        user = client.auth.users.create(username, password, role)
    _show(output, user, f"Created user {user.username} ({user.role}).")


@app.command(
    "list",
    epilog=examples(
        "aiop user list",
        "aiop user list --sort role -o name",
    ),
)
def list_users(
    limit: Limit = 20, offset: Offset = 0, sort: Sort = None, output: Output = Format.TABLE, server: Server = None
) -> None:
    """List the users."""
    from aiop.cli.output import show, table
    from aiop.cli.text import local

    with connect(server) as client:
        page = client.auth.users.list(limit=limit, offset=offset, sort=sort)
    rows = [(user.username, user.role, local(user.created_at)) for user in page.items]
    show(
        output,
        page.raw,
        names=[user.username for user in page.items],
        people=lambda: table(("USERNAME", "ROLE", "CREATED"), rows, flexible=("USERNAME",)),
    )


@app.command(
    "update",
    epilog=examples(
        "aiop user update ann --role admin",
        "aiop user update ann --password",
    ),
)
def update(
    username: Existing,
    role: Annotated[Role | None, typer.Option(help="The new role.")] = None,
    password: Annotated[
        bool, typer.Option("--password", help="Set a new password: it is asked for, or taken from AIOP_NEW_PASSWORD.")
    ] = False,
    password_stdin: PasswordStdin = False,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Change the role or the password of a user, whose sign-ins end with it."""
    if role is None and not password and not password_stdin:
        raise typer.BadParameter("say what to change: --role, --password or --password-stdin")
    secret = None
    if password or password_stdin:
        secret = read_password(_VARIABLE, from_stdin=password_stdin, confirm=True)
    with connect(server) as client:
        user = client.auth.users.update(username, password=secret, role=role)
    _show(output, user, f"Changed user {user.username} ({user.role}).")


@app.command(
    "delete",
    epilog=examples(
        "aiop user delete ann",
        "aiop user delete ann --yes",
    ),
)
def delete(username: Existing, yes: Yes = False, server: Server = None) -> None:
    """Delete a user with all tokens."""
    confirm(f"Delete user {username} with all tokens?", yes=yes)
    with connect(server) as client:
        client.auth.users.delete(username)
    print(f"Deleted user {username}.")


def _show(output: Format, user: User, sentence: str) -> None:
    from aiop.cli.output import show

    show(output, user.raw, names=[user.username], people=lambda: sentence)

"""``aiop login`` and ``aiop logout``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from aiop.cli.connection import address, explained, logins
from aiop.cli.examples import examples
from aiop.cli.exits import Exit, Failure
from aiop.cli.options import Server

__all__ = ["LOGIN_EXAMPLES", "LOGOUT_EXAMPLES", "login", "logout", "read_password"]

LOGIN_EXAMPLES = examples(
    "aiop login",
    "aiop login --server https://aiop.example.org --username ann",
    "aiop login -u ci --password-stdin < password.txt",
)
LOGOUT_EXAMPLES = examples("aiop logout", "aiop logout --server https://aiop.example.org")


def login(
    server: Server = None,
    username: Annotated[
        str | None, typer.Option("--username", "-u", envvar="AIOP_USERNAME", help="Who you are; asked for if absent.")
    ] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
) -> None:
    """Sign in, and speak to this server from now on. The password is asked for, or taken from AIOP_PASSWORD."""
    from aiop.client import Client, Unauthenticated
    from aiop.client.client import is_loopback

    url = address(server)
    kept = logins()
    if url.startswith("http://") and not is_loopback(url):
        print("aiop: warning: the password goes to this server unencrypted; prefer https://", file=sys.stderr)
    name = username or str(typer.prompt("Username", err=True))
    password = read_password("AIOP_PASSWORD", from_stdin=password_stdin)
    with explained(url), Client(url) as client:
        try:
            tokens = client.auth.sign_in(name, password)
        except Unauthenticated as error:
            hint = "Check name and password; an admin can set a new one with `aiop user update NAME --password`."
            raise Failure(Exit.NOT_ALLOWED, f"{url} does not let you in: {error.message}", hint=hint) from error
        user = client.auth.me()
    kept.save(url, tokens, choose=True)
    print(f"Signed in at {url} as {user.username} ({user.role}).")


def logout(server: Server = None) -> None:
    """Forget the sign-in. API tokens stay; `aiop token revoke` ends those."""
    url = address(server)
    print(f"Signed out of {url}." if logins().forget(url) else f"You were not signed in at {url}.")


def read_password(variable: str, *, from_stdin: bool, confirm: bool = False) -> str:
    """Get a password without it showing anywhere: from stdin, the environment, or a prompt."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif (found := os.environ.get(variable)) is not None:
        password = found
    elif sys.stdin.isatty():
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=confirm, err=True))
    else:
        hint = f"Give it with --password-stdin or in {variable}."
        raise Failure(Exit.USAGE, "there is no terminal to ask for the password", hint=hint)
    if not password:
        raise Failure(Exit.USAGE, "the password is empty", hint=f"Type one, or give it in {variable}.")
    return password

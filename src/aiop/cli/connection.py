"""From the options of a command to a client, and from the client's errors to what the user reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiop.cli.exits import Exit, Failure
from aiop.cli.places import LocalAdmin, login_file

if TYPE_CHECKING:
    from aiop.cli.logins import Logins
    from aiop.client import Client

__all__ = ["address", "connect", "explained", "logins"]

DEFAULT_SERVER = "http://127.0.0.1:8000"
_HURRIED = 1.0
"""Seconds that somebody waits who has hit Tab."""


def logins() -> Logins:
    """Return the sign-ins of this user."""
    from aiop.cli.logins import Logins

    return Logins(login_file(os.environ))


def address(server: str | None) -> str:
    """Say which service is meant: the one named, else the one of the last login, else the usual address."""
    chosen = server or logins().server or DEFAULT_SERVER
    return (chosen if "://" in chosen else f"http://{chosen}").rstrip("/")


@contextmanager
def connect(server: str | None, *, hurried: bool = False) -> Iterator[Client]:
    """Open a client with the best credentials at hand; a ``ClientError`` inside ends as a ``Failure``.

    Who is ``hurried`` would rather have no answer than wait for one.

    Credentials are ``AIOP_TOKEN``, else the sign-in that is kept, else what a service on this machine left for its
    owner.
    """
    import httpx

    from aiop.cli.logins import KeptTokens
    from aiop.client import Client, Retry
    from aiop.client.client import Options, is_loopback

    url = address(server)
    options: Options = {"retry": Retry(attempts=1 if hurried else 3), "headers": _trace(os.environ)}
    if hurried:
        options["timeout"] = _HURRIED
    try:
        if token := os.environ.get("AIOP_TOKEN"):
            options["token"] = token
        elif not is_loopback(url) or logins().asked_for(url):
            options["token_store"] = KeptTokens(logins(), url)
        else:
            # only who has not signed in as somebody is taken for the admin of this machine
            options["token_store"] = KeptTokens(logins(), url, found=True)
            port = httpx.URL(url).port or (443 if url.startswith("https") else 80)
            options["password"] = LocalAdmin(os.environ).password(port)
            options["username"] = LocalAdmin.username
        client = Client(url, **options)
    except (ValueError, httpx.InvalidURL) as error:
        raise Failure(
            Exit.USAGE,
            f"{url!r} is not an address of a service",
            hint="Say --server URL, like --server http://127.0.0.1:8000.",
        ) from error
    with client, explained(url):
        yield client


def _trace(environment: Mapping[str, str]) -> dict[str, str]:
    """Pass on the trace that this program is called in, by the variables for it."""
    return {name.lower(): environment[name] for name in ("TRACEPARENT", "TRACESTATE") if environment.get(name)}


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn the client's errors into failures."""
    from aiop.client import ClientError

    try:
        yield
    except ClientError as error:
        from aiop.cli.explaining import explain

        raise explain(error, url) from error

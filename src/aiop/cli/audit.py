"""``aiop audit``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from aiop.cli import completion
from aiop.cli.connection import connect
from aiop.cli.examples import examples
from aiop.cli.options import Format, Limit, Offset, Output, Server, Sort
from aiop.model.audit import AuditAction

if TYPE_CHECKING:
    from aiop.client import AuditEntry

__all__ = ["EXAMPLES", "audit"]

EXAMPLES = examples(
    "aiop audit",
    "aiop audit --target API_KEY",
    "aiop audit --actor ann --action WorkflowDeleted --since 7d",
)

_TIME = "2025-03-01, 2025-03-01T12:00, or how long ago: 90m, 12h, 7d."


def audit(
    actor: Annotated[
        str | None, typer.Option(metavar="USERNAME", help="Only what this user did.", autocompletion=completion.users)
    ] = None,
    action: Annotated[
        AuditAction | None,
        typer.Option(metavar="ACTION", help="Only what was done like this: SecretReplaced, ...", case_sensitive=False),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="ID|NAME", help="Only what was done to this workflow, secret, user, ...")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help=f"From then on: {_TIME}")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before then.")] = None,
    limit: Limit = 20,
    offset: Offset = 0,
    sort: Sort = None,
    output: Output = Format.TABLE,
    server: Server = None,
) -> None:
    """Tell who did what; for admins."""
    from aiop.cli.output import show, table
    from aiop.cli.text import local

    begin, end = _time(since, "--since"), _time(until, "--until")
    with connect(server) as client:
        page = client.audit.list(
            actor=actor, action=action, target=target, since=begin, until=end, limit=limit, offset=offset, sort=sort
        )
    rows = [
        (local(entry.at), _actor(entry), entry.action, entry.target or "-", entry.address or "-", _detail(entry))
        for entry in page.items
    ]
    show(
        output,
        page.raw,
        names=[entry.id for entry in page.items],
        people=lambda: table(("TIME", "ACTOR", "ACTION", "TARGET", "FROM", "DETAIL"), rows, flexible=("DETAIL",)),
    )


def _actor(entry: AuditEntry) -> str:
    if entry.actor is None:
        return "-"
    return entry.actor if entry.token is None else f"{entry.actor} (token {entry.token})"


def _detail(entry: AuditEntry) -> str:
    return ", ".join(f"{name} {value}" for name, value in entry.detail.items())


def _time(text: str | None, option: str) -> datetime | None:
    from aiop.cli.text import now, seconds_of

    if text is None:
        return None
    try:
        return now() - timedelta(seconds=seconds_of(text))
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r} is no time like {_TIME}", param_hint=option) from error

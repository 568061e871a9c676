"""What the shell offers at Tab for what only the service knows. Quick, silent, and never asks for a password."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import typer

if TYPE_CHECKING:
    from aiop.client import Client, Execution

__all__ = [
    "agents",
    "capabilities",
    "executions",
    "images",
    "outputs",
    "pipelines",
    "pipelines_and_directories",
    "secrets",
    "sort_fields",
    "steps",
    "tokens",
    "users",
    "workflows",
    "workflows_and_files",
]

Offers: TypeAlias = list[tuple[str, str]]
"""What may stand there, each with a word on what it is."""

_MOST = 50
_ONE_WORD = re.compile(r"[\w.,@%+=-]+")
_SORT_FIELDS = {
    "workflow": ("id", "name", "status", "created_at", "updated_at"),
    "pipeline": ("id", "name", "created_at", "updated_at"),
    "execution": ("id", "status", "created_at", "started_at", "completed_at"),
    "agent": ("id", "name", "created_at", "updated_at"),
    "secret": ("name", "created_at", "updated_at"),
    "token": ("name", "created_at", "expires_at"),
    "user": ("username", "role", "created_at"),
    "audit": ("at",),
}


def workflows(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the names of workflows, and the ids of the newest."""
    return _named(ctx, incomplete, "workflows", lambda item: item.description or item.status.value)


def pipelines(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the names of pipelines, and the ids of the newest."""
    return _named(ctx, incomplete, "pipelines", lambda item: item.description or "")


def agents(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the names of agents, and the ids of the newest."""
    return _named(ctx, incomplete, "agents", lambda item: item.status.value)


def workflows_and_files(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer workflows, and files to run; the shell knows best about paths."""
    return _or_paths(workflows, ctx, incomplete, "*.yaml", "*.yml", "*.json")


def pipelines_and_directories(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer pipelines, and directories to run; the shell knows best about paths."""
    return _or_paths(pipelines, ctx, incomplete, "*/")


def executions(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the ids of the newest executions."""
    return _asked(ctx, incomplete, lambda api: ((it.id, it.status) for it in api.executions.list(limit=_MOST).items))


def steps(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the steps of the execution that was named before."""
    return _asked(
        ctx, incomplete, lambda api: ((it.id, it.status) for it in _execution(api, ctx).steps.values())
    )  # fmt: skip


def outputs(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the files of the execution that was named before."""
    return _asked(ctx, incomplete, lambda api: ((it.name, it.path) for it in _execution(api, ctx).artifacts))


def secrets(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the names of secrets."""
    return _asked(
        ctx,
        incomplete,
        lambda api: ((it.name, it.description or "") for it in api.secrets.list(name=incomplete or None).items),
    )


def images(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the names of images that are there."""
    return _asked(
        ctx,
        incomplete,
        lambda api: ((name, it.digest) for it in api.images.list(limit=1000).items for name in it.names),
    )


def users(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the names of users, to admins."""
    return _asked(ctx, incomplete, lambda api: ((it.username, it.role) for it in api.auth.users.list(limit=1000).items))


def tokens(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the ids of your tokens."""
    return _asked(ctx, incomplete, lambda api: ((it.id, it.name) for it in api.auth.tokens.list(limit=1000).items))


def capabilities(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer what agents can do."""
    return _asked(
        ctx,
        incomplete,
        lambda api: ((word, f"of {it.name}") for it in api.agents.list(limit=_MOST).items for word in it.capabilities),
    )


def sort_fields(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the fields by which this command can sort, both ways."""
    words = ctx.command_path.split()
    fields = next((_SORT_FIELDS[word] for word in words if word in _SORT_FIELDS), ())
    offers = (f"{field}{direction}" for field in fields for direction in ("", ":desc"))
    return [offer for offer in offers if offer.startswith(incomplete)]


def _named(ctx: typer.Context, incomplete: str, resource: str, about: Callable[..., str]) -> Offers:
    def ask(client: Client) -> Iterable[tuple[str, str]]:
        read = getattr(client, resource).list
        for item in read(name=incomplete or None, limit=_MOST).items:
            # shells do not quote what they are offered
            yield (item.name, about(item)) if _ONE_WORD.fullmatch(item.name) else (item.id, item.name)
        if incomplete:
            yield from ((item.id, item.name) for item in read(limit=_MOST).items)

    return _asked(ctx, incomplete, ask)


def _or_paths(
    offer: Callable[[typer.Context, str], Offers], ctx: typer.Context, incomplete: str, *patterns: str
) -> Offers:
    if "/" in incomplete or incomplete.startswith((".", "~")):
        return []  # the shell takes this for: a path
    found = (path.name for pattern in patterns for path in sorted(Path().glob(pattern)))
    here = (name for name in found if name.startswith(incomplete) and not name.startswith("."))
    return [*offer(ctx, incomplete), *((name, "here") for name in here)]


def _asked(ctx: typer.Context, incomplete: str, ask: Callable[[Client], Iterable[tuple[str, str]]]) -> Offers:
    """Ask the service; whatever goes wrong, nothing is offered."""
    from aiop.cli.connection import connect

    with contextlib.suppress(Exception), connect(ctx.params.get("server"), hurried=True) as client:
        return [(offer, str(about)) for offer, about in dict(ask(client)).items() if offer.startswith(incomplete)]
    return []


def _execution(client: Client, ctx: typer.Context) -> Execution:
    from aiop.cli.finding import execution_id

    return client.executions.get(execution_id(client, ctx.params["execution"]))

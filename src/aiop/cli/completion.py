"""What the shell offers at Tab for names that only the service knows. Never fails, never asks for a password."""

from __future__ import annotations

import contextlib

import typer

__all__ = ["agents", "executions", "pipelines", "workflows"]

_MOST = 50


def workflows(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the names of workflows."""
    from aiop.cli.connection import connect

    with contextlib.suppress(Exception), connect(ctx.params.get("server")) as client:
        found = client.workflows.list(name=incomplete or None, limit=_MOST).items
        return [(item.name, item.description or "") for item in found if item.name.startswith(incomplete)]
    return []


def agents(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the names of agents."""
    from aiop.cli.connection import connect

    with contextlib.suppress(Exception), connect(ctx.params.get("server")) as client:
        found = client.agents.list(name=incomplete or None, limit=_MOST).items
        return [(item.name, item.status.value) for item in found if item.name.startswith(incomplete)]
    return []


def pipelines(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the names of pipelines."""
    from aiop.cli.connection import connect

    with contextlib.suppress(Exception), connect(ctx.params.get("server")) as client:
        found = client.pipelines.list(name=incomplete or None, limit=_MOST).items
        return [(item.name, item.description or "") for item in found if item.name.startswith(incomplete)]
    return []


def executions(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the ids of the newest executions."""
    from aiop.cli.connection import connect

    with contextlib.suppress(Exception), connect(ctx.params.get("server")) as client:
        found = client.executions.list(limit=_MOST).items
        return [(item.id, item.status.value) for item in found if item.id.startswith(incomplete)]
    return []

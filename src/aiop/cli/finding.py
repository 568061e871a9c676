"""From what a user types (an id, the beginning of one, a name) to an id."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aiop.cli.exits import Exit, Failure
from aiop.client import Client, Page

__all__ = ["agent_id", "execution_id", "pipeline_id", "workflow_id"]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BEGINNING = re.compile(r"[0-9a-f]{4}[0-9a-f-]*", re.IGNORECASE)
_SHOWN = 5


def workflow_id(client: Client, reference: str) -> str:
    """Find a workflow by id, exact name, or the beginning of its id; it must be the only one."""
    return _named(client.workflows, reference, "workflow", "workflows")


def agent_id(client: Client, reference: str) -> str:
    """Find an agent, likewise."""
    return _named(client.agents, reference, "agent", "agents")


def pipeline_id(client: Client, reference: str) -> str:
    """Find a pipeline, likewise."""
    return _named(client.pipelines, reference, "pipeline", "pipelines")


def execution_id(client: Client, reference: str) -> str:
    """Find an execution by id or the beginning of its id; it must be the only one."""
    if _UUID.fullmatch(reference):
        return reference
    return _only(_begun_with(client.executions.list, reference), reference, "execution", "executions")


def _named(resource: Any, reference: str, noun: str, nouns: str) -> str:
    if _UUID.fullmatch(reference):
        return reference
    named = [found.id for found in resource.iter(name=reference) if found.name == reference]
    begun = [] if named else _begun_with(resource.list, reference)
    return _only(named or begun, reference, noun, nouns)


def _only(found: list[str], reference: str, noun: str, nouns: str) -> str:
    if not found:
        hint = f"`aiop {noun} list` shows what there is."
        raise Failure(Exit.REFUSED, f"there is no {noun} {reference!r}", hint=hint)
    if len(found) > 1:
        shown = [*found[:_SHOWN], "..."] if len(found) > _SHOWN else found
        hint = f"Say which by its id; `aiop {noun} list` tells them apart."
        raise Failure(Exit.REFUSED, f"{reference!r} fits several {nouns}", details=shown, hint=hint)
    return found[0]


def _begun_with(read: Callable[..., Page[Any]], beginning: str) -> list[str]:
    """Return up to a handful of ids that begin so.

    The list is sorted by id, so that its place is found by halving: 17 small requests for 100,000 rows.
    """
    beginning = beginning.lower()
    if not _BEGINNING.fullmatch(beginning):
        return []
    low, high = 0, read(limit=1).total
    while low < high:
        middle = (low + high) // 2
        row = read(sort="id:asc", limit=1, offset=middle).items
        if row and row[0].id < beginning:
            low = middle + 1
        else:
            high = middle
    rows = read(sort="id:asc", limit=_SHOWN + 1, offset=low).items
    return [row.id for row in rows if row.id.startswith(beginning)]

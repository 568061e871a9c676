"""Why a container ended: by itself, or because somebody or the end of the engine took it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aiop.engines.docker.client import DockerClient
from aiop.engines.docker.containers import parse_time

__all__ = ["SUSPECT_CODES", "was_taken"]

_KILL, _TERM = 137, 143
_UNKNOWN = 255
"""What the engine writes if it finds that a container ended while it was away."""

SUSPECT_CODES = frozenset({_KILL, _TERM, _UNKNOWN})

_EVENTS_KEPT = 256
"""How many events an engine remembers; it forgets all when it ends."""

_SETTLE = timedelta(seconds=1)
"""How long after the end of a container its last event may come."""


async def was_taken(client: DockerClient, inspected: Mapping[str, Any], *, adopted: bool) -> bool:
    """Whether a container with a suspect exit code, not stopped by us, was ended from outside.

    The engine's memory of events tells: a kill with the fitting signal was somebody's; an end without a kill was the
    container's own; no end at all means that the engine which saw it is gone, and took it along. If more has happened
    than the engine remembers, a container that we had lost sight of (``adopted``) counts as taken.
    """
    state = inspected["State"]
    started, finished = parse_time(state["StartedAt"]), parse_time(state["FinishedAt"])
    if started is None or finished is None:
        return bool(state["ExitCode"] == _UNKNOWN)
    events = await _events(client, started, finished + _SETTLE)
    own = [event for event in events if event.get("Actor", {}).get("ID") == inspected["Id"]]
    if any(event.get("Action") == "kill" and _fits(event, state["ExitCode"]) for event in own):
        return True
    if any(event.get("Action") == "die" for event in own):
        return False
    return adopted or len(events) < _EVENTS_KEPT


def _fits(event: Mapping[str, Any], code: int) -> bool:
    signal = event["Actor"].get("Attributes", {}).get("signal")
    return code == _UNKNOWN or signal is None or signal in (str(code - 128), {_KILL: "SIGKILL", _TERM: "SIGTERM"}[code])


async def _events(client: DockerClient, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
    params = {"since": f"{since.timestamp():.6f}", "until": f"{until.timestamp():.6f}"}
    async with client.stream("GET", "events", params) as response:
        return [json.loads(line) async for line in response.content]

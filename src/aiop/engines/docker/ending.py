"""Why a container ended: by itself, or because somebody or the end of the engine took it."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aiop.engines.docker.client import DockerClient
from aiop.engines.docker.containers import parse_time

__all__ = ["Ending", "ending_of"]

_KILL, _TERM = 137, 143
_UNKNOWN = 255
"""What the engine writes if it finds that a container ended while it was away."""

_SUSPECT_CODES = frozenset({_KILL, _TERM, _UNKNOWN})
_DEADLY_SIGNALS = frozenset({"9", "15", "SIGKILL", "SIGTERM"})

_EVENTS_KEPT = 256
"""How many events an engine remembers; it forgets all when it ends."""

_SETTLE = timedelta(seconds=1)
"""How long after the end of a container its last event may come."""


class Ending(enum.Enum):
    """What is known of the end of a container that we did not stop."""

    OWN = enum.auto()
    TAKEN = enum.auto()
    """Somebody, or the end of the engine, killed it."""
    UNSEEN = enum.auto()
    """By itself, while no engine looked on; what it wrote last may be lost."""


async def ending_of(client: DockerClient, inspected: Mapping[str, Any], *, adopted: bool, witnessed: bool) -> Ending:
    """Find out how a container ended.

    The engine's memory of events tells: a kill was somebody's; an end without a kill was the container's own; no end
    at all means that the engine which saw it is gone, or that there was none, and a container with the exit code of a
    signal was taken along. If more has happened than the engine remembers, one with such a code that we had lost
    sight of (``adopted``) counts as taken. ``witnessed``: the engine told us of the end when it came. Of one that
    ends well under our eyes it is not asked whether somebody told it to.
    """
    state = inspected["State"]
    suspect = state["ExitCode"] in _SUSPECT_CODES
    if not suspect and not adopted and not state["ExitCode"]:
        return Ending.OWN
    started, finished = parse_time(state["StartedAt"]), parse_time(state["FinishedAt"])
    if started is None or finished is None:
        return Ending.TAKEN if suspect else Ending.UNSEEN
    # The engine answers once the time asked for has come; that is worth waiting for only to see the end itself.
    look_for_end = suspect or not witnessed
    last = finished + _SETTLE
    # A signal is told of after it was sent; what is asked for up to now is answered at once.
    until = last if look_for_end else min(max(finished, datetime.now(UTC)), last)
    events = await _events(client, started, until)
    own = [event for event in events if event.get("Actor", {}).get("ID") == inspected["Id"]]
    if any(_deadly(event) for event in own):
        return Ending.TAKEN
    if not look_for_end or any(event.get("Action") == "die" for event in own):
        return Ending.OWN
    remembered = len(events) < _EVENTS_KEPT
    if suspect:
        return Ending.TAKEN if adopted or remembered else Ending.OWN
    return Ending.UNSEEN if remembered else Ending.OWN


def _deadly(event: Mapping[str, Any]) -> bool:
    signal = (event["Actor"].get("Attributes") or {}).get("signal")
    return event.get("Action") == "kill" and (signal is None or signal in _DEADLY_SIGNALS)


async def _events(client: DockerClient, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
    params = {"since": f"{since.timestamp():.6f}", "until": f"{until.timestamp():.6f}"}
    async with client.stream("GET", "events", params) as response:
        return [json.loads(line) async for line in response.content]

"""What the engine's adapter knows of a container that it has taken up, and what can be wrong with one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiodocker.stream import Stream as Attachment

from aiop.engines.docker.containers import parse_time
from aiop.engines.docker.output import Delivery
from aiop.engines.docker.workspaces import WAY_LABEL, Way
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun, Outcome, exit_code_of
from aiop.model.state import Reason

__all__ = ["Attempt", "ImageMissing", "StartRefused"]


@dataclass(slots=True)
class Attempt:
    """A container that ``start`` or ``adopt`` took up."""

    key: StepKey
    run: ContainerRun
    delivery: Delivery
    attachment: Attachment | None = None
    connection: AsyncExitStack = field(default_factory=AsyncExitStack)
    way: Way | None = None
    """Of its workspace; known once the container is there."""
    image_id: str = ""
    started_at: datetime | None = None
    running: bool = True
    taken_up_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    refusal: Outcome | None = None
    """Why there is nothing to wait for."""

    def note_container(self, inspected: Mapping[str, Any]) -> None:
        """Take over what an inspection tells of a container that is there."""
        way = (inspected["Config"].get("Labels") or {}).get(WAY_LABEL)
        self.way = Way(way) if way else None

    def note_start(self, inspected: Mapping[str, Any]) -> None:
        """Take over what an inspection tells of a container that was started."""
        self.started_at = parse_time(inspected["State"]["StartedAt"])
        self.image_id = inspected["Image"]


class ImageMissing(Exception):
    """The engine does not have the image."""


class StartRefused(Exception):
    """The engine will not make or start this container, however often it is asked."""

    def __init__(self, reason: Reason, words: str) -> None:
        super().__init__(words)
        self.outcome = Outcome(exit_code=exit_code_of(words), reason=reason, error=words)

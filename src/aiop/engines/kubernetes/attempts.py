"""What the adapter knows of an attempt that it has taken up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from aiop.engines.kubernetes.names import pod_name
from aiop.engines.kubernetes.output import Delivery
from aiop.engines.kubernetes.pods import MODE, Mode
from aiop.engines.kubernetes.watch import Pod
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun, Outcome
from aiop.model.state import Reason

__all__ = ["Attempt", "StartRefused"]


@dataclass(slots=True)
class Attempt:
    """A pod that ``start`` or ``adopt`` took up."""

    key: StepKey
    run: ContainerRun
    delivery: Delivery
    mode: str = Mode.WRAPPED
    started_at: datetime | None = None
    refusal: Outcome | None = None
    """Why there is nothing to wait for."""
    collecting: asyncio.Task[Outcome] | None = None
    """Reads the log from the start on, whether or not somebody waits."""

    @property
    def name(self) -> str:
        """That of the pod."""
        return pod_name(self.key)

    @property
    def token(self) -> str | None:
        """What the marks in its log begin with, if there are any."""
        return self.key.layer if self.mode == Mode.WRAPPED else None

    async def let_go(self) -> None:
        """Read no more; the pod goes on."""
        if self.collecting is not None:
            self.collecting.cancel()
            await asyncio.gather(self.collecting, return_exceptions=True)

    def note_pod(self, pod: Pod) -> None:
        """Take over what was written on the pod when it was made."""
        self.mode = (pod["metadata"].get("annotations") or {}).get(MODE, Mode.BARE)


class StartRefused(Exception):
    """The cluster will not run this, however often it is asked."""

    def __init__(self, reason: Reason, words: str, *, code: int | None = None) -> None:
        super().__init__(words)
        self.outcome = Outcome(exit_code=code, reason=reason, error=words)

"""Waking those who wait: within a process, and between replicas."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Protocol

from aiop.model.ids import ExecutionId

__all__ = ["WORK", "Bus", "Listener", "execution_topic"]


WORK = "work"
"""Topic: an execution was submitted, released or asked to cancel; supervisors listen."""


def execution_topic(execution: ExecutionId) -> str:
    """Topic: something of this execution (state, event, log) was committed."""
    return f"execution:{execution}"


class Listener(Protocol):
    """One waiter on one topic."""

    async def wait(self, timeout: timedelta | None = None) -> bool:
        """Return ``True`` once the topic was published since the last return, ``False`` after ``timeout``.

        Wakes are merged: many publications may give one return. One that came before the call counts.
        """


class Bus(Protocol):
    """Carries wakes and no facts. A wake may get lost: whoever waits also looks now and then by itself."""

    def publish(self, topic: str) -> None:
        """Wake all listeners of ``topic`` on every replica; never blocks and never fails."""

    def listen(self, topic: str) -> AbstractContextManager[Listener]:
        """Open a listener; wakes from the moment of entering count."""

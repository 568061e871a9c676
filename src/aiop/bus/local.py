"""The bus of a single process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

__all__ = ["LocalBus"]


class LocalBus:
    """``interfaces.Bus`` within one event loop; to be called from that loop only."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[_LocalListener]] = {}

    def publish(self, topic: str) -> None:
        """Wake all listeners of ``topic``."""
        for listener in self._listeners.get(topic, ()):
            listener.wake()

    def publish_all(self) -> None:
        """Wake all listeners."""
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.wake()

    @contextmanager
    def listen(self, topic: str) -> Iterator[_LocalListener]:
        """Open a listener."""
        listener = _LocalListener()
        self._listeners.setdefault(topic, set()).add(listener)
        try:
            yield listener
        finally:
            remaining = self._listeners[topic]
            remaining.discard(listener)
            if not remaining:
                del self._listeners[topic]


class _LocalListener:
    def __init__(self) -> None:
        self._published = asyncio.Event()

    def wake(self) -> None:
        self._published.set()

    async def wait(self, timeout: timedelta | None = None) -> bool:
        """Return whether the topic was published."""
        try:
            async with asyncio.timeout(None if timeout is None else timeout.total_seconds()):
                await self._published.wait()
        except TimeoutError:
            return False
        self._published.clear()
        return True

"""What an engine waits for before it can start something, told to who shows it to people.

The listener travels in the context of the task, as what ``still_ours`` asks does: all that lies in between has no use
for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from aiop.model.state import WaitCode, Waiting

__all__ = ["explained", "explaining", "image_pull"]

SLOW = 1.0
"""Seconds from which on people ask why nothing happens; what is quicker needs no word, and no commit."""

T = TypeVar("T")


def _nobody(_: Waiting) -> None:
    """Nobody asked."""


_listener: ContextVar[Callable[[Waiting], None]] = ContextVar("aiop_listener", default=_nobody)


@contextmanager
def explaining(listener: Callable[[Waiting], None]) -> Iterator[None]:
    """Have ``explained`` tell ``listener`` in what is done inside."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


async def explained(work: Awaitable[T], waiting: Waiting) -> T:
    """Await ``work``, and tell what is waited for if that takes long."""
    told = asyncio.get_running_loop().call_later(SLOW, _listener.get(), waiting)
    try:
        return await work
    finally:
        told.cancel()


def image_pull(image: str) -> Waiting:
    """Wait for an image that comes from its registry."""
    return Waiting(WaitCode.IMAGE_PULL, f"the image {image} is being pulled")

"""Whether the execution is still ours: asked by an engine right before it makes something that runs.

A process that was stopped for a while does not know that another has taken its executions over: it would go on with
the request that it was about to send. The answer travels in the context of the task, like the actor
(docs/decisions/0010-the-actor-travels-in-the-context.md): all that lies in between has no use for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["holding", "still_ours"]


async def _always() -> None:
    """Say yes: nobody else could take it."""


_held: ContextVar[Callable[[], Awaitable[None]]] = ContextVar("aiop_held", default=_always)


async def still_ours() -> None:
    """Return if the lease is sure to hold; else once it is, or never: whoever lost it is cancelled.

    To be awaited between the last long wait (a pull) and the request that makes a container.
    """
    await _held.get()()


@contextmanager
def holding(held: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Have ``still_ours`` await ``held`` in what is done inside."""
    before = _held.set(held)
    try:
        yield
    finally:
        _held.reset(before)

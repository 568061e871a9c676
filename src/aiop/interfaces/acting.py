"""In whose name a call is made: known from the first moment of a request, and asked for where its change is written.

It travels in the context of the task and not in the signatures in between, none of which has a use for it
(docs/decisions/0010-the-actor-travels-in-the-context.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from aiop.model.audit import Actor
from aiop.model.ids import TokenId

__all__ = ["acting", "current_actor", "identified"]

_SERVICE = Actor()
_current: ContextVar[Actor] = ContextVar("aiop_actor", default=_SERVICE)


def current_actor() -> Actor:
    """Return who makes the call that this task serves; the service itself outside of calls."""
    return _current.get()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Do what is inside in the name of ``actor``."""
    before = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(before)


def identified(username: str, *, token: str | None = None, token_id: TokenId | None = None) -> None:
    """Note who the actor is: he has shown it just now. Holds until the ``acting`` around it ends."""
    _current.set(replace(_current.get(), username=username, token=token, token_id=token_id))

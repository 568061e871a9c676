"""What the logic of the client asks of the world.

All logic is written once, as generators that do no I/O: a ``Flow`` yields an effect and is sent what came of it, or
has the failure thrown into it. A driver performs the effects, blocking or awaiting, so that the two clients
cannot differ in anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

__all__ = ["Alone", "Close", "Effect", "Emit", "Flow", "Open", "Pause", "Read", "Reply", "Request", "Send", "Stream"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. ``json``, ``form`` and the content of the file at ``file`` are the body, one at most; query
    values of ``None`` are left out.

    ``sent`` is told how many bytes of the file have been sent, from 0 again when the request is repeated.
    ``repeatable``: doing it twice is the same as doing it once.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = field(default=None, repr=False)
    file: str | None = None
    sent: Callable[[int], None] | None = field(default=None, repr=False, compare=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    signed: bool = True
    repeatable: bool = False
    read_timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of any status; ``headers`` in lower case. An opened stream has no ``body`` unless it was refused."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Send:
    """Answered with the ``Reply``; fails with ``ServiceUnreachable``."""

    request: Request


@dataclass(frozen=True, slots=True)
class Open:
    """Like ``Send``, but the body of a success is left to ``Read``. Closes what the flow had open before."""

    request: Request


@dataclass(frozen=True, slots=True)
class Read:
    """Answered with the next bytes, ``None`` at the end of the body; fails with ``ServiceUnreachable``."""


@dataclass(frozen=True, slots=True)
class Close:
    """Closes what is open, if anything is. The end of the flow does too."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Answered after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Alone:
    """Run the flow while no other flow of this client is run alone; answered with its result."""

    flow: Flow[Any]


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Hand an item to who iterates; only a ``Stream`` may."""

    item: T


Effect: TypeAlias = Send | Open | Read | Close | Pause | Alone
Flow: TypeAlias = Generator[Effect, Any, T]
Stream: TypeAlias = Generator[Effect | Emit[T], Any, None]

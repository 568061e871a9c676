"""Every exception that crosses a package border.

AiopError
├── RequestError                 the caller can mend it; has a stable ``code``
│   ├── InvalidRequest           one ``Fault`` for each thing that is wrong
│   ├── InvalidState             right request, wrong moment (cancel of an ended execution)
│   ├── Unauthenticated
│   ├── Forbidden
│   ├── NotFound
│   ├── IdempotencyConflict      the key was used with another body
│   ├── TooLarge
│   └── TooManyRequests
├── SourceRefused                a source, an archive or a path in them is not what can be taken
├── SchemaUnfit                  the database has a schema that this release cannot work on
├── StorageUnavailable           the database or the disk cannot take or give data now (full, locked, gone)
├── ArtifactLost                 a snapshot, layer or output that is referred to is not there, or not whole
├── LeaseLost                    another owner has the execution; stop acting on it
└── EngineError
    ├── EngineUnavailable        the engine does not answer; try again later
    │   ├── EngineRefused        it answers, but cannot be used as it is: too old, or not for us
    │   ├── OutputGap            what was given of an attempt's output is not whole; adopt it, to be given it again
    │   ├── ImageStoreFull       there is no room on the disk for an image
    │   └── RegistryUnavailable  the engine answers, the registry that it pulls from does not
    ├── StartDelayed             the engine has taken the attempt, and starts it later: call ``start`` again
    ├── ImageRefused             the registry answers that it has no such image for us
    └── StepLost                 the engine answers, but what ran there is gone or was ended from outside

A failed step is not in this tree: it is an ``Outcome``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "AiopError",
    "ArtifactLost",
    "EngineError",
    "EngineRefused",
    "EngineUnavailable",
    "Fault",
    "Forbidden",
    "IdempotencyConflict",
    "ImageRefused",
    "ImageStoreFull",
    "InvalidRequest",
    "InvalidState",
    "LeaseLost",
    "NotFound",
    "OutputGap",
    "RegistryUnavailable",
    "RequestError",
    "SchemaUnfit",
    "SourceRefused",
    "StartDelayed",
    "StepLost",
    "StorageUnavailable",
    "TooLarge",
    "TooManyRequests",
    "Unauthenticated",
]


class AiopError(Exception):
    """Root of all errors that aiop raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document: ``field`` is its dotted path (``steps[1].container.image``)."""

    field: str
    message: str


class RequestError(AiopError):
    """A request that cannot be served as it is; ``code`` is stable and meant for programs."""

    code = "invalid_request"


class InvalidRequest(RequestError):
    """A request body, parameter or document with at least one fault."""

    def __init__(self, faults: Sequence[Fault], message: str = "Invalid request body") -> None:
        super().__init__(message)
        self.faults = tuple(faults)

    @classmethod
    def at(cls, field: str, message: str) -> InvalidRequest:
        """Build the error for one fault."""
        return cls([Fault(field, message)])


class InvalidState(RequestError):
    """The request does not fit the present state of the resource."""

    code = "invalid_state"


class Unauthenticated(RequestError):
    """No valid credentials were given."""

    code = "unauthenticated"


class Forbidden(RequestError):
    """The caller is known, but the role is too low."""

    code = "forbidden"


class NotFound(RequestError):
    """The named resource does not exist."""

    code = "not_found"


class IdempotencyConflict(RequestError):
    """An ``Idempotency-Key`` came again with another request."""

    code = "idempotency_conflict"


class TooLarge(RequestError):
    """The request body is over the limit."""

    code = "too_large"


class TooManyRequests(RequestError):
    """The caller must slow down; ``retry_after`` is in seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceRefused(AiopError):
    """A source or an archive cannot be taken as it is; the message names the path and why. The user can mend it."""


class SchemaUnfit(AiopError):
    """The schema of the database is too old or too new for this release, or would become so for others at work."""


class StorageUnavailable(AiopError):
    """The database, or the disk, cannot be written or read now; nothing of the call has happened.

    ``full``: for want of space, which somebody has to make.
    """

    def __init__(self, message: str = "", *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


class ArtifactLost(AiopError):
    """A snapshot, a layer or an output that is referred to is not there, or is not known to be whole."""


class LeaseLost(AiopError):
    """Another owner has claimed the execution since; nothing of the commit was written."""


class EngineError(AiopError):
    """The engine, not the step, is at fault."""


class EngineUnavailable(EngineError):
    """The engine, or the registry it pulls from, cannot be reached; the same call may succeed later."""


class EngineRefused(EngineUnavailable):
    """The engine answers, but it cannot be used as it is; somebody must mend that before it helps to call again."""


class OutputGap(EngineUnavailable):
    """What the sink was given live is not how the output begins: the engine left parts out. It answers all the same:
    ``adopt`` at once, and the sink is given all of it.
    """


class RegistryUnavailable(EngineUnavailable):
    """The registry of an image cannot be reached by the engine; the message holds the engine's words."""


class ImageStoreFull(EngineUnavailable):
    """The disk that an engine keeps its images on has no room for one; nothing of it was left there."""


class ImageRefused(EngineError):
    """The registry answered that there is no such image for us; the message is the engine's."""


class StartDelayed(EngineError):
    """The engine has taken the attempt and will start it when it can; the message says what it waits for.

    Call ``start`` again, at once: it waits on, and raises this again only for another reason than the last.
    """


class StepLost(EngineError):
    """The attempt is not on the engine any more, or was ended by something other than aiop and itself."""

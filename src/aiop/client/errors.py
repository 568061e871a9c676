"""What a call of the client may raise.

AiopError
└── ClientError
    ├── ServiceUnreachable       no connection, or it broke; nothing is known about the request
    ├── UnexpectedAnswer         something answered, but it does not speak this API
    ├── WaitTimeout              the execution goes on, but the caller's patience has ended
    └── ApiError                 the service refused; ``status``, ``code``, ``message``, ``faults``
        ├── InvalidRequest       400
        │   └── InvalidState     400 ``invalid_state``: right request, wrong moment
        ├── Unauthenticated      401
        ├── Forbidden            403
        ├── NotFound             404
        ├── Conflict             409
        ├── TooLarge             413
        ├── TooManyRequests      429
        └── ServiceError         5xx
            └── Unavailable      503
"""

from __future__ import annotations

from collections.abc import Sequence

from aiop.errors import AiopError, Fault

__all__ = [
    "ApiError",
    "ClientError",
    "Conflict",
    "Forbidden",
    "InvalidRequest",
    "InvalidState",
    "NotFound",
    "ServiceError",
    "ServiceUnreachable",
    "TooLarge",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "WaitTimeout",
]


class ClientError(AiopError):
    """Root of all errors of the client."""


class ServiceUnreachable(ClientError):
    """The service cannot be reached, or the connection broke before the answer was complete.

    ``sent`` is ``False`` if the request certainly never left, so that any request may be repeated.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class UnexpectedAnswer(ClientError):
    """The answer is not one of this API: another program, a proxy's page, or a much newer service."""


class WaitTimeout(ClientError):
    """The execution has not ended in the time given; it goes on."""


class ApiError(ClientError):
    """The service refused the request; ``code`` is stable and meant for programs."""

    def __init__(self, status: int, code: str, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "; ".join([self.message, *(f"{fault.field}: {fault.message}" for fault in self.faults)])


class InvalidRequest(ApiError):
    """The request has the faults that ``faults`` lists."""


class InvalidState(InvalidRequest):
    """The request does not fit the present state of the resource."""


class Unauthenticated(ApiError):
    """No valid credentials were given, and they could not be renewed."""


class Forbidden(ApiError):
    """The credentials are good, but the role is too low."""


class NotFound(ApiError):
    """The named resource does not exist."""


class Conflict(ApiError):
    """The ``Idempotency-Key`` was used with another request."""


class TooLarge(ApiError):
    """The request body is over the service's limit."""


class TooManyRequests(ApiError):
    """The service asked to slow down, more often than the client may repeat the request."""


class ServiceError(ApiError):
    """The service failed; the message holds the id under which its log tells more."""


class Unavailable(ServiceError):
    """The service cannot do this now; the same request may succeed later."""

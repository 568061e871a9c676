"""What the client's errors mean to who sits at the keyboard, and what to do about each."""

from __future__ import annotations

from dataclasses import dataclass

from aiop.cli.exits import Exit, Failure
from aiop.client import (
    ApiError,
    ClientError,
    Conflict,
    Forbidden,
    InvalidRequest,
    InvalidState,
    NotFound,
    ServiceError,
    ServiceUnreachable,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    WaitTimeout,
)

__all__ = ["explain"]


@dataclass(frozen=True, slots=True)
class _Meaning:
    """``sentence`` may name the ``{url}`` and the ``{error}``."""

    kind: type[ClientError]
    code: Exit
    sentence: str
    hint: str


_AGAIN = "Try again later; `aiop status` tells how the service is."
_MEANINGS = (  # of a kind and of what is derived from it, the derived one comes first
    _Meaning(
        ServiceUnreachable,
        Exit.UNREACHABLE,
        "cannot reach the service at {url}: {error}",
        "Start it with `aiop serve`, or name another with --server or AIOP_SERVER.",
    ),
    _Meaning(
        UnexpectedAnswer,
        Exit.REFUSED,
        "{url}: {error}",
        "Is this the address of the service? Name another with --server or AIOP_SERVER.",
    ),
    _Meaning(WaitTimeout, Exit.REFUSED, "{error}", "`aiop watch` takes the watching up again."),
    _Meaning(
        Unauthenticated,
        Exit.NOT_ALLOWED,
        "not signed in at {url}: {error}",
        "Sign in with `aiop login`, or set AIOP_TOKEN; one that is set is taken before a login.",
    ),
    _Meaning(
        Forbidden,
        Exit.NOT_ALLOWED,
        "{error}",
        "Your role is too low for this; an admin can raise it with `aiop user update`.",
    ),
    _Meaning(NotFound, Exit.REFUSED, "{error}", "The `list` command beside this one shows what there is."),
    _Meaning(Conflict, Exit.REFUSED, "{error}", "Run the command again: it takes a key of its own."),
    _Meaning(
        TooLarge,
        Exit.REFUSED,
        "{error}",
        "Send less, or have AIOP_MAX_BODY_BYTES (for uploads AIOP_SOURCE_LIMIT_BYTES) of the service raised.",
    ),
    _Meaning(TooManyRequests, Exit.UNREACHABLE, "the service cannot do this now: {error}", _AGAIN),
    _Meaning(Unavailable, Exit.UNREACHABLE, "the service cannot do this now: {error}", _AGAIN),
    _Meaning(
        ServiceError,
        Exit.REFUSED,
        "the service failed: {error}",
        "Its log tells more, under the id in the message. Please report it.",
    ),
    _Meaning(InvalidState, Exit.REFUSED, "{error}", "Look how it is now, by `show` or `list` beside this command."),
    _Meaning(InvalidRequest, Exit.REFUSED, "{error}", "Correct what is named; --help tells what the command takes."),
    _Meaning(ClientError, Exit.REFUSED, "{error}", "`aiop status` tells how the service is."),
)


def explain(error: ClientError, url: str) -> Failure:
    """Say what an error means, with every fault that it lists."""
    meaning = next(each for each in _MEANINGS if isinstance(error, each.kind))
    sentence, details = str(error), []
    if isinstance(error, ApiError):
        sentence = error.message
        details = [f"{fault.field}: {fault.message}" if fault.field else fault.message for fault in error.faults]
    return Failure(meaning.code, meaning.sentence.format(url=url, error=sentence), details=details, hint=meaning.hint)

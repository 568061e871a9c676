"""What an error of the SDK means: for the engine, for the image, or for the one container that was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from aiop.errors import EngineError, EngineUnavailable, ImageRefused, RegistryUnavailable
from aiop.model.run import Credentials

__all__ = [
    "SessionLost",
    "StartRefused",
    "cli_words",
    "image_fault",
    "mendable",
    "transient",
    "translated",
    "words_of",
]

_TRANSIENT = re.compile(
    r"cannot allocate memory|connection (refused|reset|error)|context canceled"
    r"|context deadline exceeded|closed network connection|error reading from server|is closing|no space left on device"
    r"|shutting down|too many open files|transport is closing|unavailable"
    r"|unexpected eof|\bEOF$",
    re.IGNORECASE,
)
"""Words that tell of the state of the engine or the session, not of what was asked."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

_TRACE = re.compile(r"\s*\[traceparent:[^\]]*\]")

_LOST = re.compile(r"(client|session)\b.*\bnot found|no active sessions?|session .*(closed|removed)", re.IGNORECASE)
"""Words of an engine that does not know the session: it was started anew."""

_MENDABLE = re.compile(r"no driver for scheme|incompatible (client|engine) version", re.IGNORECASE)

_NETWORK = re.compile(
    r"connection (refused|reset)|deadline exceeded|dial tcp|\beof\b|i/o timeout|server misbehaving"
    r"|network is unreachable|no route to host|no such host|temporary failure|timeout|tls handshake|too ?many ?requests"
    r"|\b(429|5\d\d) ",
    re.IGNORECASE,
)
"""Words that tell of a registry that cannot be reached, or cannot answer now."""

_ANSWERED = re.compile(
    r"\b(401|403|404)\b|authorization|denied|insufficient_scope|not found|unauthorized", re.IGNORECASE
)


class SessionLost(EngineUnavailable):
    """The session cannot be used any more, nor can what runs there be come back to."""


class StartRefused(Exception):
    """The engine will not run this container, however often it is asked; the message is the engine's."""


def transient(words: str) -> bool:
    """Whether the words are about the engine or the session rather than about what was asked."""
    return _TRANSIENT.search(words) is not None


def words_of(error: BaseException) -> str:
    """Return what an error says, for people."""
    return _TRACE.sub("", str(error) or type(error).__name__).strip()


def cli_words(text: str) -> str:
    """Find the reason in what Dagger's command line has written: its error, and the last word of what it has run."""
    lines = [line.rstrip() for line in _COLOURS.sub("", _TRACE.sub("", text)).splitlines()]
    errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    said = [line.partition("] | ")[2] for line in lines if "] | " in line]
    return ": ".join([*errors[-1:], *said[-1:]]) or "\n".join(lines).strip()


def mendable(words: str) -> bool:
    """Whether it helps only to change the endpoint, or one of the versions."""
    return _MENDABLE.search(words) is not None


def image_fault(words: str, credentials: Credentials | None) -> EngineError:
    """Turn what the engine says of an image that it did not get into what callers expect; nothing of the login."""
    if credentials is not None:
        for secret in (credentials.password, credentials.username):
            words = words.replace(secret, "***") if secret else words
    if _ANSWERED.search(words):
        return ImageRefused(words)
    if _NETWORK.search(words):
        return RegistryUnavailable(words)
    if transient(words):
        return EngineUnavailable(words)
    return ImageRefused(words)


@contextmanager
def translated() -> Iterator[None]:
    """Raise ``EngineUnavailable`` for what may pass, ``SessionLost``, and ``StartRefused`` for what will not be done.

    An ``ExecError`` passes: it is the outcome of a command.
    """
    import dagger  # costs a second and 30 MB, which only those pay who have such an engine
    import httpx
    from gql.transport.exceptions import TransportError as GraphqlTransportError

    try:
        yield
    except dagger.ExecError:
        raise
    except dagger.QueryError as error:
        words = words_of(error)
        if _LOST.search(words):
            raise SessionLost(words) from error
        if transient(words):
            raise EngineUnavailable(words) from error
        raise StartRefused(words) from error
    except (dagger.DaggerError, GraphqlTransportError, httpx.HTTPError, OSError) as error:
        # Some of these messages go on for lines.
        raise SessionLost(f"the session with the Dagger Engine is lost: {words_of(error).splitlines()[0]}") from error

"""Sends a request until there is an answer: signs it, repeats it where that is safe, renews the sign-in, and turns
refusals into errors.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from aiop.client.decode import decode
from aiop.client.effects import Alone, Flow, Open, Pause, Reply, Request, Send
from aiop.client.errors import ServiceUnreachable, UnexpectedAnswer
from aiop.client.refusal import refusal
from aiop.client.retry import Retry, asked_delay
from aiop.client.session import Session, Tokens, TokenStore

__all__ = ["Calls"]

T = TypeVar("T")

_BUSY = frozenset({429, 503})
_GATEWAY = frozenset({502, 504})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT"})


class Calls:
    """One client's way to talk to the service."""

    def __init__(
        self,
        *,
        tokens: Tokens | None = None,
        store: TokenStore | None = None,
        username: str | None = None,
        password: str | None = None,
        retry: Retry | None = None,
        reconnect: Retry | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.session = Session(self._exchange, tokens=tokens, store=store, username=username, password=password)
        self.retry = retry or Retry()
        self.reconnect = reconnect or Retry(attempts=12)
        self.chance = chance

    def ask(self, request: Request, kind: type[T]) -> Flow[T]:
        """Send the request; its answer is the dataclass ``kind`` as JSON."""
        return self.read(request, lambda body: decode(kind, body))

    def read(self, request: Request, parse: Callable[[Any], T]) -> Flow[T]:
        """Send the request and parse its JSON answer."""
        reply = yield from self.send(request)
        try:
            return parse(json.loads(reply.body))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnexpectedAnswer(f"{request.method} {request.path} gave an answer that is not of this API") from error

    def send(self, request: Request, *, opened: bool = False) -> Flow[Reply]:
        """Send the request, or open its answer as a stream; returns a success or raises a ``ClientError``."""
        retry = self.reconnect if opened else self.retry
        renewed = False
        attempt = 1
        while True:
            if request.signed and self.session.access_token is None and self.session.renewable:
                renewed = True
                yield Alone(self.session.renew(None))
            used = self.session.access_token if request.signed else None
            pause: float | None
            try:
                reply: Reply = yield (Open if opened else Send)(_signed(request, used))
            except ServiceUnreachable as error:
                pause = retry.after(attempt, chance=self.chance())
                if pause is None or not (_repeatable(request) or not error.sent):
                    raise
            else:
                if reply.status < 300:
                    return reply
                if reply.status == 401 and request.signed and not renewed:
                    renewed = True
                    if self.session.renewable and (yield Alone(self.session.renew(used))):
                        continue
                pause = self._pause_for(request, reply, retry, attempt)
                if pause is None:
                    raise refusal(reply)
            yield Pause(pause)
            attempt += 1

    def _pause_for(self, request: Request, reply: Reply, retry: Retry, attempt: int) -> float | None:
        # 429 is answered before anything is done, so that any request may follow it
        if reply.status == 429 or (reply.status in _BUSY | _GATEWAY and _repeatable(request)):
            return retry.after(attempt, retry_after=asked_delay(reply.headers), chance=self.chance())
        return None

    def _exchange(self, request: Request) -> Flow[Tokens]:
        return self.ask(request, Tokens)


def _repeatable(request: Request) -> bool:
    return request.repeatable or request.method in _REPEATABLE


def _signed(request: Request, token: str | None) -> Request:
    if token is None:
        return request
    return replace(request, headers={**request.headers, "Authorization": f"Bearer {token}"})

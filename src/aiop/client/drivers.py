"""The two ways to perform effects. Everything that differs between ``Client`` and ``AsyncClient`` is in this file."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from aiop.client.effects import Alone, Close, Effect, Emit, Flow, Open, Pause, Read, Reply, Request, Send, Stream
from aiop.client.errors import ClientError, ServiceUnreachable

__all__ = ["AsyncDriver", "SyncDriver"]

T = TypeVar("T")
Y = TypeVar("Y")

_PIECE = 256 * 1024


@dataclass(slots=True)
class _Failed:
    """What came of an effect that failed; thrown into the flow."""

    error: ClientError


@dataclass(slots=True)
class _Returned:
    """The flow has ended with this value."""

    value: Any


class SyncDriver:
    """Performs effects on a blocking ``httpx.Client``; may be used by several threads."""

    def __init__(self, http: httpx.Client, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http = http
        self._sleep = sleep
        self._lock = threading.Lock()

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        body = _Body()
        outcome: Any = None
        try:
            while not isinstance(effect := _advance(flow, outcome), _Returned):
                outcome = self._perform(effect, body)
            return effect.value  # type: ignore[no-any-return]
        finally:
            flow.close()
            body.close()

    def iterate(self, flow: Stream[T]) -> Generator[T, None, None]:
        """Run a stream as far as its items are asked for."""
        body = _Body()
        outcome: Any = None
        try:
            while not isinstance(effect := _advance(flow, outcome), _Returned):
                if isinstance(effect, Emit):
                    yield effect.item
                    outcome = None
                else:
                    outcome = self._perform(effect, body)
        finally:
            flow.close()
            body.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _perform(self, effect: Effect, body: _Body) -> Any:
        try:
            match effect:
                case Send(request):
                    return _reply(self._http.send(_build(self._http, request, _pieces)))
                case Open(request):
                    body.close()
                    response = self._http.send(_build(self._http, request, _pieces), stream=True)
                    return body.take(response)
                case Read():
                    return next(body.chunks, None)
                case Close():
                    body.close()
                case Pause(seconds):
                    self._sleep(seconds)
                case Alone(flow):
                    with self._lock:
                        return self.run(flow)
        except httpx.RequestError as error:
            return _Failed(_unreachable(error))
        except ClientError as error:
            return _Failed(error)


class _Body:
    """The body that a blocking flow reads at the moment."""

    def __init__(self) -> None:
        self._response: httpx.Response | None = None
        self.chunks: Iterator[bytes] = iter(())

    def take(self, response: httpx.Response) -> Reply:
        self._response = response
        if not response.is_success:
            response.read()
            return _reply(response)
        self.chunks = response.iter_bytes()
        return _reply(response, body=b"")

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
        self._response, self.chunks = None, iter(())


class AsyncDriver:
    """Performs effects on an ``httpx.AsyncClient``; may be used by several tasks of one event loop."""

    def __init__(self, http: httpx.AsyncClient, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._http = http
        self._sleep = sleep
        self._lock = asyncio.Lock()

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        body = _AsyncBody()
        outcome: Any = None
        try:
            while not isinstance(effect := _advance(flow, outcome), _Returned):
                outcome = await self._perform(effect, body)
            return effect.value  # type: ignore[no-any-return]
        finally:
            flow.close()
            await body.close()

    async def iterate(self, flow: Stream[T]) -> AsyncGenerator[T, None]:
        """Run a stream as far as its items are asked for."""
        body = _AsyncBody()
        outcome: Any = None
        try:
            while not isinstance(effect := _advance(flow, outcome), _Returned):
                if isinstance(effect, Emit):
                    yield effect.item
                    outcome = None
                else:
                    outcome = await self._perform(effect, body)
        finally:
            flow.close()
            await body.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _perform(self, effect: Effect, body: _AsyncBody) -> Any:
        try:
            match effect:
                case Send(request):
                    return _reply(await self._http.send(_build(self._http, request, _awaited_pieces)))
                case Open(request):
                    await body.close()
                    response = await self._http.send(_build(self._http, request, _awaited_pieces), stream=True)
                    return await body.take(response)
                case Read():
                    return await anext(body.chunks, None)
                case Close():
                    await body.close()
                case Pause(seconds):
                    await self._sleep(seconds)
                case Alone(flow):
                    async with self._lock:
                        return await self.run(flow)
        except httpx.RequestError as error:
            return _Failed(_unreachable(error))
        except ClientError as error:
            return _Failed(error)


class _AsyncBody:
    """The body that an awaiting flow reads at the moment."""

    def __init__(self) -> None:
        self._response: httpx.Response | None = None
        self.chunks: AsyncIterator[bytes] = _nothing()

    async def take(self, response: httpx.Response) -> Reply:
        self._response = response
        if not response.is_success:
            await response.aread()
            return _reply(response)
        self.chunks = response.aiter_bytes()
        return _reply(response, body=b"")

    async def close(self) -> None:
        if self._response is not None:
            await self._response.aclose()
        self._response, self.chunks = None, _nothing()


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _advance(flow: Generator[Y, Any, Any], outcome: Any) -> Y | _Returned:
    """Give the flow what came of its last effect; returns its next one."""
    try:
        return flow.throw(outcome.error) if isinstance(outcome, _Failed) else flow.send(outcome)
    except StopIteration as end:
        return _Returned(end.value)


def _pieces(path: str, sent: Callable[[int], None]) -> Iterator[bytes]:
    """Read a file anew for each time that it is sent; who asks for the next piece has sent the one before."""
    with Path(path).open("rb") as file:
        sent(0)
        while piece := file.read(_PIECE):
            yield piece
            sent(file.tell())


async def _awaited_pieces(path: str, sent: Callable[[int], None]) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(Path(path).open, "rb") as file:
        sent(0)
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
            sent(file.tell())


def _untold(_: int) -> None:
    """Serve requests that nobody watches."""


def _build(
    http: httpx.Client | httpx.AsyncClient,
    request: Request,
    read: Callable[[str, Callable[[int], None]], Iterator[bytes] | AsyncIterator[bytes]],
) -> httpx.Request:
    timeout = http.timeout
    if request.read_timeout is not None:
        timeout = httpx.Timeout(timeout.connect, read=request.read_timeout)
    return http.build_request(
        request.method,
        request.path,
        params={name: value for name, value in request.query.items() if value is not None},
        json=request.json,
        data=request.form,
        content=None if request.file is None else read(request.file, request.sent or _untold),
        headers=request.headers,
        timeout=timeout,
    )


def _reply(response: httpx.Response, *, body: bytes | None = None) -> Reply:
    return Reply(response.status_code, dict(response.headers), response.content if body is None else body)


def _unreachable(error: Exception) -> ServiceUnreachable:
    sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return ServiceUnreachable(str(error) or type(error).__name__, sent=sent)

"""One session with a Dagger Engine: Dagger's command line as a process beside us, and the SDK's connection to it.

The process serves this machine's files to the engine, and the API on a local port. It ends when its standard input
does, so at our own end too, whatever that is. What the session runs ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import structlog

from aiop.engines.dagger.faults import SessionLost, cli_words, mendable, translated, words_of
from aiop.engines.dagger.logs import Router, events
from aiop.engines.dagger.sdk import connected, download_cli, remembered
from aiop.errors import EngineRefused, EngineUnavailable

if TYPE_CHECKING:
    from dagger import Client, Container, Directory

__all__ = ["Session"]

_CLI = "_EXPERIMENTAL_DAGGER_CLI_BIN"
_RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
"""Dagger's own names for where its command line is, and where its engine."""

_OPEN_SECONDS = 30
_PROVISION_SECONDS = 600
"""Where an image is named, or nothing, an engine is fetched and started first."""
_CLOSE_SECONDS = 10
_LAST_WORDS = 2000
_ANY_ONE = 0o777

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Port:
    number: int
    token: str


class Session:
    """An open session. ``client`` is the SDK's; ``lost`` is done once the session has ended, whoever ended it."""

    def __init__(self, process: asyncio.subprocess.Process, words: bytearray) -> None:
        self._process = process
        self._words = words
        self._stack = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self.router = Router()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.login = asyncio.Lock()
        """Held by whoever is logged in at a registry."""
        self.bases: dict[str, Container] = {}
        """What containers begin with, by image."""

    client: Client
    empty: Directory
    """Anybody may write there."""

    @classmethod
    async def open(cls, endpoint: str | None, *, cli: str | None = None) -> Session:
        """Start one with the engine at ``endpoint``; raises ``EngineUnavailable``, ``EngineRefused``.

        ``cli`` is the path of Dagger's command line; by default the one that Dagger's own variable names, else the SDK
        downloads one.
        """
        if endpoint is not None:
            await _knock(endpoint)
        await asyncio.to_thread(importlib.import_module, "dagger")
        words = bytearray()
        process = await _start(endpoint, cli)
        session, opened = cls(process, words), False
        try:
            provided = endpoint is None or endpoint.startswith("image://")
            async with asyncio.timeout(_PROVISION_SECONDS if provided else _OPEN_SECONDS):
                await session._open()
            opened = True
        except TimeoutError:
            raise _silence(endpoint) from None
        finally:
            if not opened:
                session._kill()
                await session.aclose()
        return session

    @property
    def alive(self) -> bool:
        """Whether it was not lost yet, as far as is known."""
        return not self.lost.done()

    @property
    def pid(self) -> int:
        """Of the process beside us."""
        return self._process.pid

    @contextlib.contextmanager
    def calls(self) -> Iterator[None]:
        """Raise what errors of calls inside mean, see ``translated``; a session that is found lost is given up."""
        try:
            with translated():
                yield
        except SessionLost:
            self._note_loss()
            # It would hold on to an engine that wants to end.
            self._kill()
            raise

    @contextlib.contextmanager
    def traced(self) -> Iterator[str]:
        """Make the calls inside with a trace of their own, and return it: by it their output is told apart."""
        from opentelemetry import context, trace

        number = int.from_bytes(secrets.token_bytes(16)) | 1
        span = trace.SpanContext(
            trace_id=number,
            span_id=int.from_bytes(secrets.token_bytes(8)) | 1,
            is_remote=False,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )
        token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(span)))
        try:
            yield f"{number:032x}"
        finally:
            context.detach(token)

    async def aclose(self) -> None:
        """End it, with all that it runs."""
        self._note_loss()
        with contextlib.suppress(Exception):
            await self._stack.aclose()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._kill()
            await self._process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    # --- opening ------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        self._tasks.append(asyncio.create_task(self._drain(), name="dagger-session-errors"))
        port = await self._port()
        try:
            self.client = await self._stack.enter_async_context(connected(port=port.number, token=port.token))
        except EngineUnavailable as error:
            raise self._fault(str(error)) from error
        self._tasks.append(asyncio.create_task(self._watch(), name="dagger-session"))
        self._tasks.append(asyncio.create_task(self._follow(port), name="dagger-session-logs"))
        empty = self.client.directory().with_new_directory("empty", permissions=_ANY_ONE).directory("empty")
        with self.calls():
            self.empty = await remembered(empty)

    async def _port(self) -> _Port:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        line = await self._process.stdout.readline()
        try:
            told = json.loads(line)
            return _Port(int(told["port"]), str(told["session_token"]))
        except (ValueError, KeyError, TypeError):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._process.wait()
            raise self._fault() from None

    def _said(self) -> str:
        words = cli_words(bytes(self._words).decode(errors="replace"))
        return f": {words}" if words else ""

    def _fault(self, *words: str) -> EngineUnavailable:
        said = "".join(("no session with the Dagger Engine", *(f": {word}" for word in words), self._said()))
        return EngineRefused(said) if mendable(said) else EngineUnavailable(said)

    # --- while it is open ---------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Keep the last words of the process; a full pipe would hold it up."""
        assert self._process.stderr is not None  # noqa: S101 - it is a pipe
        while data := await self._process.stderr.read(4096):
            self._words += data
            del self._words[:-_LAST_WORDS]

    async def _watch(self) -> None:
        await self._process.wait()
        self._note_loss()

    async def _follow(self, port: _Port) -> None:
        """Read the stream of records from its beginning to the end of the session."""
        last = ""
        async with httpx.AsyncClient(
            auth=(port.token, ""), timeout=httpx.Timeout(None, connect=_CLOSE_SECONDS), trust_env=False
        ) as http:
            while self.alive:
                headers = {"Accept": "text/event-stream", **({"X-Last-Event-ID": last} if last else {})}
                try:
                    async with http.stream(
                        "GET", f"http://127.0.0.1:{port.number}/v1/logs", headers=headers
                    ) as response:
                        response.raise_for_status()
                        async for event in events(_lines(response.aiter_raw())):
                            if event.data:
                                self.router.take(event.data)
                            last = event.id or last
                except (httpx.HTTPError, ValueError) as error:
                    log.info("dagger_logs_interrupted", error=words_of(error))
                await asyncio.sleep(0.2)

    def _note_loss(self) -> None:
        if not self.lost.done():
            self.lost.set_result(None)


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Cut at the ends of lines; a line may be of many megabytes."""
    gathered: list[bytes] = []
    async for piece in pieces:
        first, *others = piece.split(b"\n")
        gathered.append(first)
        for other in others:
            yield b"".join(gathered).removesuffix(b"\r")
            gathered = [other]


async def _knock(endpoint: str) -> None:
    """Raise if nobody listens there, where that can be known at once: the command line tries on, and says nothing."""
    scheme, _, place = endpoint.partition("://")
    try:
        async with asyncio.timeout(_OPEN_SECONDS):
            if scheme == "unix":
                _, writer = await asyncio.open_unix_connection(place)
            elif scheme == "tcp":
                host, _, port = place.rpartition(":")
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            else:
                return
    except TimeoutError:
        raise _silence(endpoint) from None
    except ValueError:
        raise EngineRefused(f"{endpoint} is no place of a Dagger Engine: it lacks a port") from None
    except OSError as error:
        kind = EngineRefused if isinstance(error, PermissionError) else EngineUnavailable
        raise kind(f"no Dagger Engine at {endpoint}: {error.strerror or words_of(error)}") from error
    writer.close()


def _silence(endpoint: str | None) -> EngineUnavailable:
    return EngineUnavailable(f"no answer from the Dagger Engine at {endpoint or 'its usual place'}")


async def _start(endpoint: str | None, cli: str | None) -> asyncio.subprocess.Process:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGGER_SESSION_")}
    if endpoint is not None:
        environment[_RUNNER_HOST] = endpoint
    # What the engine tells of its work is for us, not for whoever else this service tells of its own.
    environment = {name: value for name, value in environment.items() if not name.startswith("OTEL_")}
    environment["DO_NOT_TRACK"] = "1"
    program = cli or os.environ.get(_CLI) or await download_cli()
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            program,
            "session",
            *("--label", "dagger.io/sdk.name:python"),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=environment,
            # A Ctrl-C at a terminal is for us.
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        raise EngineRefused(f"Dagger's command line cannot be run: {program}: {error.strerror}") from error
    except OSError as error:
        raise EngineUnavailable(f"Dagger's command line cannot be run: {error}") from error

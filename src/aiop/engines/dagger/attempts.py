"""What the adapter knows of one attempt: the call that runs it, what was heard of it, and how it ended."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiop.engines.dagger.images import Image
from aiop.engines.dagger.logs import Record
from aiop.engines.dagger.output import Delivery
from aiop.engines.dagger.session import Session
from aiop.errors import EngineUnavailable
from aiop.interfaces import OutputSink
from aiop.model.ids import StepKey
from aiop.model.records import Stream
from aiop.model.run import ContainerRun, Outcome
from aiop.model.state import Reason

if TYPE_CHECKING:
    from dagger import CacheVolume, Container, Directory

__all__ = ["Attempt"]

_KILLED = 137
_LAST_OUTPUT_SECONDS = 1.0
"""How long to wait for the last live output of what was killed."""
_END_SECONDS = 5.0
"""How long what was stopped has to end after its grace, before its call is taken back."""


class Attempt:
    """An attempt that was taken up. ``directory`` is its own; ``files`` hold its output once it was fetched."""

    def __init__(self, key: StepKey, run: ContainerRun, delivery: Delivery, session: Session, directory: Path) -> None:
        self.key = key
        self.run = run
        self.delivery = delivery
        self.session = session
        self.directory = directory
        self.identity = key.name
        """What the engine may take results of others by; its own name if by none."""
        self.image: Image | None = None
        self.base: Container | None = None
        self.workspace: Directory | None = None
        self.desk: CacheVolume | None = None
        """By which the command can be told to end, where it can."""
        self.files: Mapping[Stream, Path] = {}
        self.started_at: datetime | None = None
        self._refusal: Outcome | None = None
        self._task: asyncio.Task[Outcome] | None = None
        self._stopped: asyncio.Event | None = None
        self._trace = ""
        self._ended = asyncio.Event()
        self._closed: set[Stream] = set()
        self._silent = asyncio.Event()

    @property
    def digest(self) -> str | None:
        """That of the image."""
        return self.image.digest if self.image is not None else None

    @property
    def running(self) -> bool:
        """Whether its command may run now."""
        return self._task is not None and not self._task.done() and not self._ended.is_set()

    @property
    def over(self) -> bool:
        """Whether nothing runs any more, and nothing will."""
        return self._refusal is not None or (self._task is not None and self._task.done())

    @property
    def usable(self) -> bool:
        """Whether there is, or will be, an outcome."""
        if self._refusal is not None or self._stopped is not None:
            return True
        if self._task is None:
            return False
        if self._task.done():
            return not self._task.cancelled() and self._task.exception() is None
        return self.session.alive

    def prepare(self) -> None:
        """Make the directory; raises ``EngineUnavailable`` if it cannot be made now."""
        try:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise EngineUnavailable(f"no directory can be made for what steps output: {error.strerror}") from error

    def refuse(self, reason: Reason, words: str) -> None:
        """Note that nothing will run."""
        self._refusal = Outcome(exit_code=None, reason=reason, error=words, image_digest=self.digest)

    def begin(self, call: Coroutine[Any, Any, Outcome]) -> None:
        """Make the call that runs it, and listen for its output."""
        with self.session.traced() as self._trace:
            self.session.router.listen(self._trace, self._hear)
            self.started_at = datetime.now(UTC)
            self._task = asyncio.create_task(call, name=f"dagger {self.key.name}")

    def take_up(self, sink: OutputSink) -> None:
        """Give what was and will be heard to another sink, from the beginning."""
        self.delivery = Delivery(sink) if self.files else self.delivery.again(sink)

    async def outcome(self) -> Outcome:
        """Return how it ended; raises ``EngineUnavailable`` if its session was lost, and what the call has raised.

        Cancelling leaves the call alone.
        """
        if self._refusal is not None:
            return self._refusal
        assert self._task is not None  # noqa: S101 - it was begun or refused
        either: set[asyncio.Future[Any]] = {self._task, self.session.lost}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._stopped is not None:
            await self._stopped.wait()
            if self._task.cancelled():
                return self._killed()
        if not self._task.done():
            self._task.cancel()
            raise EngineUnavailable("the session with the Dagger Engine has ended")
        if self._task.cancelled():
            raise EngineUnavailable("the call to the Dagger Engine was taken back")
        return self._task.result()

    async def last_output(self) -> None:
        """Wait for the end of what is heard, but not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_OUTPUT_SECONDS):
                await self._silent.wait()

    def ended(self) -> None:
        """Note that the command has ended; what it left may still be on its way."""
        self._ended.set()

    async def stop(self, request: Callable[[], Coroutine[Any, Any, object]] | None, *, grace: timedelta) -> None:
        """Have ``request`` tell the command to end, and wait for that; nothing happens if it has ended.

        Where there is no request, or it is not followed in time, the call is taken back: the engine kills the command.
        """
        task = self._task
        if task is None or task.done():
            return
        if request is not None and not self._ended.is_set():
            await self._tell(request(), task, grace)
        if not self._ended.is_set() and not task.done():
            self._stopped = self._stopped or asyncio.Event()
            task.cancel()
        await asyncio.wait({task})
        if self._stopped is not None:
            await self.last_output()
            self._stopped.set()

    async def _tell(self, request: Coroutine[Any, Any, object], task: asyncio.Task[Outcome], grace: timedelta) -> None:
        """Return once the command has ended, or will not do so by itself."""
        telling = asyncio.create_task(request, name=f"dagger stop {self.key.name}")
        ended = asyncio.create_task(self._ended.wait())
        try:
            async with asyncio.timeout(grace.total_seconds() + _END_SECONDS):
                await asyncio.wait({telling, ended, task}, return_when=asyncio.FIRST_COMPLETED)
                if telling.done() and not telling.cancelled() and telling.exception() is None:
                    await asyncio.wait({ended, task}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            pass
        finally:
            telling.cancel()
            ended.cancel()
            await asyncio.gather(telling, ended, return_exceptions=True)

    async def cancel(self) -> None:
        """Take the call back and forget it."""
        self.session.router.forget(self._trace)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _killed(self) -> Outcome:
        return Outcome(
            exit_code=_KILLED,
            reason=Reason.EXIT_CODE,
            error="killed by the engine on our request: what it left is lost",
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            image_digest=self.digest,
        )

    def _hear(self, record: Record) -> None:
        if record.ended:
            self._closed.add(record.stream)
            if self._closed >= {Stream.STDOUT, Stream.STDERR}:
                self._silent.set()
        else:
            self.delivery.live(record)

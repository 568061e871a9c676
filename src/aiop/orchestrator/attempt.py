"""Drives one attempt: from its place in the queue, over the engine, to its result. One task each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from aiop.errors import (
    EngineUnavailable,
    OutputGap,
    RegistryUnavailable,
    StartDelayed,
    StepLost,
    StorageUnavailable,
)
from aiop.interfaces import Clock, explaining, still_ours
from aiop.model.definition import JsonValue, Step
from aiop.model.ids import StepKey
from aiop.model.pipelines import WorkspaceRecord
from aiop.model.run import ContainerRun, Outcome
from aiop.model.state import Reason, StepStatus, WaitCode, Waiting
from aiop.orchestrator.output import AttemptOutput
from aiop.orchestrator.place import Place
from aiop.orchestrator.result import AttemptResult
from aiop.orchestrator.workspaces import Workspaces
from aiop.spec import TemplateError, VolumeRefused, read_outputs

__all__ = ["Attempt", "AttemptObserver"]

T = TypeVar("T")

REGISTRY_TRIES = 5
FIRST_PAUSE = timedelta(milliseconds=200)
LONGEST_PAUSE = timedelta(seconds=10)

_STOPPED_FOR = {
    Reason.CANCELLED: "cancelled on request",
    Reason.FAIL_FAST: "stopped: another step failed",
    Reason.EXECUTION_TIMEOUT: "stopped: the execution is out of time",
    Reason.AGENT_DELETED: "stopped: its agent was deleted",
}


class AttemptObserver(Protocol):
    """Whoever owns the execution. None of these may raise what is not named, and only ``container`` may wait."""

    async def container(self, attempt: Attempt) -> ContainerRun:
        """Render the step with the secrets as they are now; raises ``TemplateError`` or ``VolumeRefused``."""

    def attempt_entered(self, attempt: Attempt, workspace: WorkspaceRecord) -> None:
        """Note what the attempt sees of files."""

    def attempt_waits(self, attempt: Attempt, waiting: Waiting) -> None:
        """Note why the attempt does not go on."""

    def attempt_started(self, attempt: Attempt) -> None:
        """Note that the container runs, since ``attempt.started_at``."""


class Attempt:
    """One attempt of one step. ``started_at`` of a record means that its container was started before.

    ``workspaces`` are those of a pipeline; ``inputs`` are set by ``AttemptObserver.container``.
    """

    def __init__(
        self,
        key: StepKey,
        step: Step,
        *,
        place: Place,
        clock: Clock,
        output: AttemptOutput,
        observer: AttemptObserver,
        timeout: timedelta | None,
        started_at: datetime | None = None,
        workspaces: Workspaces | None = None,
    ) -> None:
        self.key = key
        self.step = step
        self.output = output
        self._place = place
        self._clock = clock
        self._observer = observer
        self._timeout = timeout
        self._workspaces = workspaces
        self.inputs: Mapping[str, JsonValue] = {}
        self.started_at = started_at
        self._on_engine = started_at is not None
        self._touched = self._on_engine
        self._trouble_since: datetime | None = None
        """Since when the engine has not answered."""
        self._stopping: Reason | None = None
        self._task: asyncio.Task[Any] | None = None
        self._abandoned = False
        """The container cannot be stopped and never will be: its agent was deleted while its engine was away."""
        self._waiter: asyncio.Task[Any] | None = None
        self._stopper: asyncio.Task[None] | None = None

    # --- from outside ---------------------------------------------------------------------------------------

    def stop(self, reason: Reason) -> None:
        """End the attempt as soon as may be; ``run`` returns a result with this reason. The first reason stays."""
        if self._stopping is not None:
            return
        self._stopping = reason
        if self._on_engine:
            self._stopper = asyncio.create_task(self._stop_or_abandon(), name=f"stop {self.key.name}")
        elif self._waiter is not None:
            self._waiter.cancel()

    def leave(self, error: str) -> AttemptResult:
        """Return what this attempt comes to if its engine is given up; whoever cancels ``run`` takes this instead.

        Only what the engine was never asked to start is sure not to run there.
        """
        return self._lost(error, final=self._touched)

    async def run(self) -> AttemptResult:
        """Run the attempt to its end. Cancelling leaves the container as it is."""
        self._task = asyncio.current_task()
        try:
            with explaining(partial(self._observer.attempt_waits, self)):
                return await self._go()
        except TemplateError as error:
            return self._failed(Reason.TEMPLATE, str(error))
        except VolumeRefused as error:
            return self._failed(Reason.VOLUME, str(error))
        except _StoppedError:
            return self._stopped()
        except asyncio.CancelledError:
            if self._abandoned and self._task is not None and self._task.uncancel() == 0:
                return self._stopped()
            raise
        finally:
            if self._stopper is not None:
                self._stopper.cancel()

    async def _go(self) -> AttemptResult:
        container: ContainerRun | None = None
        if self._workspaces is not None:
            # Before a place is taken: what the cache knows needs none.
            entered = await self._enduring(partial(self._enter, await self._rendered(), self._workspaces))
            if isinstance(entered, AttemptResult):
                return entered
            container = entered
        slots = self._place.slots
        if self._on_engine:
            slots.force()
        elif not slots.try_take():
            sentence = f"all {slots.limit} places for containers are taken"
            self._observer.attempt_waits(self, Waiting(WaitCode.AGENT_CAPACITY, sentence))
            await self._interruptibly(slots.take(self.key.execution))
        try:
            return await self._run(container or await self._rendered())
        finally:
            slots.give_back()

    async def _rendered(self) -> ContainerRun:
        return await self._interruptibly(self._observer.container(self))

    async def _run(self, container: ContainerRun) -> AttemptResult:
        outcome = await self._enduring(partial(self._whole_try, container))
        if isinstance(outcome, AttemptResult):
            return outcome
        result = self._result(outcome)
        if self._workspaces is None or outcome.exit_code is None or result.status is StepStatus.CANCELLED:
            return result
        return await self._enduring(partial(self._workspaces.leave, self.key, self.step, result, container))

    async def _enter(self, container: ContainerRun, workspaces: Workspaces) -> ContainerRun | AttemptResult:
        """Make the workspace, or find that nothing need be run."""
        entered = await self._interruptibly(
            workspaces.enter(
                self.key,
                self.step,
                container,
                inputs=self.inputs,
                engine=self._place.engine,
                adopted=self._on_engine,
            )
        )
        if entered.workspace is not None:
            self._observer.attempt_entered(self, entered.workspace)
        self.output.restore(entered.lines)
        return entered.go

    # --- the life of the container ----------------------------------------------------------------------------

    async def _enduring(self, work: Callable[[], Awaitable[T]]) -> T | AttemptResult:
        """Do ``work`` until it gets through: an engine, a registry or a disk that is away is waited for."""
        pause = FIRST_PAUSE
        registry_tries = 0
        while True:
            try:
                return await work()
            except _StoppedError:
                await self._stop_container()
                return self._stopped()
            except StepLost as error:
                return self._stopped() if self._stopping else self._lost(str(error))
            except StorageUnavailable as error:
                self._observer.attempt_waits(self, Waiting(WaitCode.STORAGE, str(error)))
                wait = self._clock.sleep(pause)
            except EngineUnavailable as error:
                now = self._clock.now()
                self._trouble_since = self._trouble_since or now
                if isinstance(error, RegistryUnavailable):
                    registry_tries += 1
                    if registry_tries >= REGISTRY_TRIES:
                        return self._lost(str(error), Reason.IMAGE_PULL, final=True)
                left = self._trouble_since + self._place.patience - now
                if left <= timedelta(0):
                    return self._stopped() if self._stopping else self._given_up(str(error))
                code = WaitCode.IMAGE_PULL if registry_tries else WaitCode.ENGINE_UNAVAILABLE
                self._observer.attempt_waits(self, Waiting(code, str(error)))
                wait = self._wait_out(pause, limit=left)
            try:
                await self._interruptibly(wait)
            except _StoppedError:
                await self._stop_container()
                return self._stopped()
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _whole_try(self, container: ContainerRun) -> Outcome:
        """As ``_one_try``, however long the start takes; output that was not given whole is asked for again."""
        while True:
            try:
                return await self._one_try(container)
            except StartDelayed as delay:
                self._trouble_since = None
                self._observer.attempt_waits(self, Waiting(WaitCode.START, str(delay)))
            except OutputGap as gap:
                self.output.begin_again(f"[{gap}: all of it follows]", self._clock.now())

    async def _one_try(self, container: ContainerRun) -> Outcome:
        engine = self._place.engine
        self.output.rewind()
        if self._on_engine:
            started_at = await engine.adopt(self.key, container, self.output.feed)
        else:
            await self._interruptibly(still_ours())
            self._touched = True
            started_at = await self._interruptibly(engine.start(self.key, container, self.output.feed))
            self._on_engine = True
        self._trouble_since = None
        if started_at is None:
            return await engine.wait(self.key)
        if self.started_at is None:
            self.started_at = started_at
            self._observer.attempt_started(self)
        if self._stopping is not None and self._stopper is None:
            self._stopper = asyncio.create_task(self._stop_or_abandon(), name=f"stop {self.key.name}")
        if self._timeout is None:
            return await engine.wait(self.key)
        timer = asyncio.create_task(self._time_out(started_at + self._timeout), name=f"timeout {self.key.name}")
        try:
            return await engine.wait(self.key)
        finally:
            timer.cancel()

    async def _time_out(self, deadline: datetime) -> None:
        await self._clock.sleep(deadline - self._clock.now())
        self.stop(Reason.TIMEOUT)

    async def _wait_out(self, pause: timedelta, *, limit: timedelta | None = None) -> None:
        """Return some time after the engine has answered again, or after ``limit``."""
        waits = [asyncio.ensure_future(self._place.gate.passed())]
        if limit is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(limit)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        await self._clock.sleep(pause)

    async def _stop_container(self) -> bool:
        """Stop it, however long that takes; ``False`` if the engine is away for good."""
        while True:
            try:
                await self._place.engine.stop(self.key, grace=self.step.grace)
            except EngineUnavailable:
                if self._stopping is Reason.AGENT_DELETED:
                    return False
                await self._wait_out(FIRST_PAUSE)
            else:
                return True

    async def _stop_or_abandon(self) -> None:
        task = self._task
        if not await self._stop_container() and task is not None:
            self._abandoned = True
            task.cancel()

    async def _interruptibly(self, work: Coroutine[Any, Any, T]) -> T:
        """Await ``work`` so that ``stop`` can break it off while nothing is known to run; raises ``_StoppedError``."""
        if self._on_engine:
            return await work
        if self._stopping is not None:
            work.close()
            raise _StoppedError
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in one
        self._waiter = task
        try:
            return await work
        except asyncio.CancelledError:
            # As in ``asyncio.timeout``: only our own cancel is turned into an exception.
            if self._stopping is not None and task.uncancel() == 0:
                raise _StoppedError from None
            raise
        finally:
            self._waiter = None

    # --- results -----------------------------------------------------------------------------------------------

    def _result(self, outcome: Outcome) -> AttemptResult:
        self.output.finish()
        text, truncated = self.output.result
        if outcome.log_gap is not None:
            self.output.note(f"[{outcome.log_gap}]", self._clock.now())
            truncated = True
        read = read_outputs(self.step, outcome, result=text)
        status, reason, error = StepStatus.COMPLETED, outcome.reason, outcome.error
        if self._stopping is not None:
            status, reason, error = self._verdict()
        elif reason is not None:
            status = StepStatus.FAILED
            if self._overdue(outcome):
                status, reason, error = StepStatus.FAILED, Reason.TIMEOUT, self._timeout_sentence()
            elif error is None:
                error = self._exit_sentence(outcome)
        elif read.reason is not None:
            status, reason, error = StepStatus.FAILED, read.reason, read.error
        return AttemptResult(
            status,
            reason,
            error,
            outcome.exit_code,
            outcome.started_at or self.started_at,
            outcome.finished_at or self._clock.now(),
            read.values,
            truncated,
            outcome.image_digest,
            replayed=outcome.replayed and status is StepStatus.COMPLETED,
        )

    def _overdue(self, outcome: Outcome) -> bool:
        """Tell whether the time was up, though the service that stopped the container is not the one that asks."""
        if self._timeout is None or outcome.started_at is None or outcome.finished_at is None:
            return False
        return outcome.finished_at - outcome.started_at >= self._timeout

    def _verdict(self) -> tuple[StepStatus, Reason | None, str | None]:
        if self._stopping is Reason.TIMEOUT:
            return StepStatus.FAILED, Reason.TIMEOUT, self._timeout_sentence()
        assert self._stopping is not None  # noqa: S101 - asked only of what was stopped
        return StepStatus.CANCELLED, self._stopping, _STOPPED_FOR[self._stopping]

    def _timeout_sentence(self) -> str:
        seconds = self._timeout.total_seconds() if self._timeout else 0
        return f"timed out after {seconds:g} s"

    def _exit_sentence(self, outcome: Outcome) -> str:
        words = self.output.last_words
        sentence = "killed: out of memory" if outcome.reason is Reason.OOM_KILLED else f"exit code {outcome.exit_code}"
        return f"{sentence}: {words}" if words else sentence

    def _stopped(self) -> AttemptResult:
        self.output.finish()
        status, reason, error = self._verdict()
        return self._without_container(status, reason, error)

    def _failed(self, reason: Reason, error: str) -> AttemptResult:
        return self._without_container(StepStatus.FAILED, reason, error)

    def _given_up(self, error: str) -> AttemptResult:
        return self._lost(f"no answer for {self._place.patience.total_seconds():g} s: {error}", final=True)

    def _lost(self, error: str, reason: Reason = Reason.ENGINE_LOST, *, final: bool = False) -> AttemptResult:
        self.output.finish()
        result = self._without_container(StepStatus.FAILED, reason, error)
        return replace(result, infrastructure=True, final=final)

    def _without_container(self, status: StepStatus, reason: Reason | None, error: str | None) -> AttemptResult:
        return AttemptResult(status, reason, error, started_at=self.started_at, completed_at=self._clock.now())


class _StoppedError(Exception):
    """``stop`` was called while nothing was known to run."""

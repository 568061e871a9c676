"""An engine that has taken an attempt and cannot start it yet is asked on, and what it says is shown."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from aiop.errors import StartDelayed
from aiop.interfaces import explained, image_pull
from aiop.model.definition import Container, Step
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.run import ContainerRun, Outcome
from aiop.model.state import Reason, StepStatus, WaitCode, Waiting
from aiop.orchestrator.attempt import Attempt
from aiop.orchestrator.masking import Masker
from aiop.orchestrator.output import AttemptOutput
from aiop.orchestrator.slots import Slots
from aiop.runtime.clock import SystemClock

KEY = StepKey(ExecutionId("e"), StepId("s"))
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Busy:
    """An engine that gives reasons, one for each start, and then starts, or waits for ever."""

    def __init__(self, *reasons, starts=True):
        self.reasons = list(reasons)
        self.starts = starts
        self.stopped = []

    async def start(self, key, run, sink):
        if self.reasons:
            raise StartDelayed(self.reasons.pop(0))
        if not self.starts:
            await asyncio.Event().wait()
        return AT

    async def wait(self, key):
        return Outcome(0, started_at=AT, finished_at=AT)

    async def stop(self, key, *, grace):
        self.stopped.append(key)


class Pulling:
    """An engine that has two images to get before it starts."""

    def __init__(self):
        self.asked, self.quick, self.slow = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def start(self, key, run, sink):
        self.asked.set()
        await explained(self.quick.wait(), image_pull("small"))
        await explained(self.slow.wait(), image_pull("big"))
        return AT

    async def wait(self, key):
        return Outcome(0, started_at=AT, finished_at=AT)


class Observer:
    def __init__(self):
        self.waits = []
        self.waited = asyncio.Event()

    async def container(self, attempt):
        return ContainerRun("image")

    def attempt_waits(self, attempt, waiting):
        self.waits.append(waiting)
        self.waited.set()

    def attempt_started(self, attempt):
        self.waits.append("started")


def attempt_on(engine, observer):
    place = SimpleNamespace(engine=engine, slots=Slots(1), patience=timedelta(0), gate=None)
    output = AttemptOutput(Masker([]), limit=1000, notify=lambda: None)
    step = Step(StepId("s"), "s", Container("image"))
    return Attempt(KEY, step, place=place, clock=SystemClock(), output=output, observer=observer, timeout=None)


async def test_each_reason_is_shown_and_the_start_waited_for():
    observer = Observer()
    result = await attempt_on(Busy("Unschedulable: no cpu", "FailedMount: no disk"), observer).run()
    assert result.status is StepStatus.COMPLETED
    assert observer.waits == [
        Waiting(WaitCode.START, "Unschedulable: no cpu"),
        Waiting(WaitCode.START, "FailedMount: no disk"),
        "started",
    ]


async def test_an_image_that_is_long_in_coming_is_named_once_and_a_quick_one_not(monkeypatch):
    observer = Observer()
    engine = Pulling()
    running = asyncio.create_task(attempt_on(engine, observer).run())
    await engine.asked.wait()
    assert observer.waits == []
    monkeypatch.setattr("aiop.interfaces.delays.SLOW", 0)
    engine.quick.set()
    await observer.waited.wait()
    engine.slow.set()
    await running
    assert observer.waits == [Waiting(WaitCode.IMAGE_PULL, "the image big is being pulled"), "started"]


async def test_what_waits_for_its_start_can_be_cancelled():
    observer, engine = Observer(), Busy("Unschedulable: no cpu", starts=False)
    attempt = attempt_on(engine, observer)
    running = asyncio.create_task(attempt.run())
    await observer.waited.wait()
    attempt.stop(Reason.CANCELLED)
    result = await running
    assert (result.status, result.reason) == (StepStatus.CANCELLED, Reason.CANCELLED)
    assert engine.stopped == [KEY]

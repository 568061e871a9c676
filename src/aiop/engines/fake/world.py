"""Where fake containers live, and where tests take hold of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from aiop.engines.fake.container import OUTPUT_PATH, FakeContainer
from aiop.engines.fake.script import Script
from aiop.engines.fake.shell import interpret
from aiop.engines.fake.workspace import FakeWorkspace
from aiop.errors import EngineUnavailable
from aiop.interfaces import Clock
from aiop.model.ids import StepKey
from aiop.model.run import ContainerRun

__all__ = ["Behaviour", "EngineMisuse", "FakeWorld", "Ledger", "Method"]

Behaviour: TypeAlias = Callable[[StepKey, ContainerRun], Script | None] | Mapping[str, Script | Sequence[Script]] | None
"""By step id, a sequence by attempt (the last one repeats). For what it does not name, the command is interpreted."""

Method: TypeAlias = Literal["check", "resolve", "start", "adopt", "wait", "stop", "remove", "attempts"]
Selector: TypeAlias = StepKey | str
"""One attempt, or all of a step by its id."""


class EngineMisuse(AssertionError):
    """The engine was called in a way that its contract forbids."""


@dataclass(slots=True)
class _Fault:
    """What happens to coming calls of one method."""

    times: int
    selector: Selector | None
    error: Exception | None
    after: bool
    hang: asyncio.Event | None = None


@dataclass(slots=True)
class Ledger:
    """What was done to each key, by whatever engine instance; ``peak`` is the most that ever ran at once."""

    started: Counter[StepKey] = field(default_factory=Counter)
    collected: Counter[StepKey] = field(default_factory=Counter)
    removed: Counter[StepKey] = field(default_factory=Counter)
    runs: dict[StepKey, ContainerRun] = field(default_factory=dict)
    misuses: list[str] = field(default_factory=list)
    running: int = 0
    peak: int = 0


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(delay.total_seconds())


class FakeWorld:
    """Containers, their ledger and the faults to come. It outlives the engines that work on it.

    ``ledger`` and ``containers`` are for reading. Every method here takes effect at once.
    """

    def __init__(self, behaviour: Behaviour = None, *, clock: Clock | None = None) -> None:
        self.behaviour = behaviour
        self.clock: Clock = clock or _SystemClock()
        self.containers: dict[StepKey, FakeContainer] = {}
        self.ledger = Ledger()
        self.reachable = True
        self.images: dict[str, str] = {}
        """Digests of images that a test has pushed anew, by name."""
        self._faults: dict[str, list[_Fault]] = {}
        self._watchers: list[asyncio.Future[None]] = []

    # --- for tests: take hold of containers -----------------------------------------------------------------

    def running(self) -> list[StepKey]:
        """List what runs, in the order of the starts."""
        return [key for key, container in self.containers.items() if container.running]

    def release(self, which: Selector) -> None:
        """Let gated containers go on; those to come are not meant. Raises ``LookupError`` if there is none."""
        chosen = [container for container in self._select(which) if container.gated]
        if not chosen:
            raise LookupError(f"no gated container of {which}")
        for container in chosen:
            container.play()

    def lose(self, which: Selector) -> None:
        """Make containers vanish, as if somebody had removed them."""
        for container in list(self._select(which)):
            container.vanish()
            del self.containers[container.key]

    def kill(self, which: Selector) -> None:
        """End containers from outside, as the end of the engine does: they count as lost."""
        for container in self._select(which):
            if container.running:
                container.killed = True
                container.end(137)

    async def until(self, condition: Callable[[FakeWorld], bool]) -> None:
        """Return once ``condition`` holds; it is looked at after each change in this world."""
        while not condition(self):
            watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.append(watcher)
            await watcher

    # --- for tests: faults ----------------------------------------------------------------------------------

    def fail(
        self,
        method: Method,
        *,
        times: int = 1,
        error: Exception | None = None,
        key: Selector | None = None,
        after: bool = False,
    ) -> None:
        """Let the next ``times`` calls raise; ``after``: once they have had their effect (the answer is lost)."""
        fault = _Fault(times, key, error or EngineUnavailable(f"{method} was told to fail"), after)
        self._faults.setdefault(method, []).append(fault)

    def hang(
        self, method: Method, *, times: int = 1, key: Selector | None = None, after: bool = False
    ) -> asyncio.Event:
        """Let the next ``times`` calls stand still until the returned event is set, before or after their effect."""
        event = asyncio.Event()
        self._faults.setdefault(method, []).append(_Fault(times, key, None, after, event))
        return event

    def down(self) -> None:
        """Make the engine unreachable: every call raises ``EngineUnavailable``, also those under way."""
        self.reachable = False
        for container in self.containers.values():
            container.wake()
        self.note()

    def up(self) -> None:
        """Make the engine reachable again; containers ran on meanwhile."""
        self.reachable = True
        self.note()

    # --- for the engine -------------------------------------------------------------------------------------

    def script_for(self, key: StepKey, run: ContainerRun) -> Script:
        """Decide what the container of this key does."""
        script: Script | Sequence[Script] | None = None
        if callable(self.behaviour):
            script = self.behaviour(key, run)
        elif self.behaviour is not None:
            script = self.behaviour.get(key.step)
        if isinstance(script, Script):
            return script
        if script is not None:
            return script[min(key.attempt, len(script)) - 1]
        words = (*(run.command or ()), *(run.args or ()))
        environment = {**run.environment, "AIOP_OUTPUT": OUTPUT_PATH}
        if run.workspace is None:
            return interpret(words, environment, run.files)
        workspace = FakeWorkspace(run.workspace)
        return interpret(
            words, environment, run.files, directory=run.working_dir or workspace.target, read=workspace.read
        )

    def image_digest(self, image: str) -> str:
        """Return what an image's name stands for now."""
        return self.images.get(image, f"sha256:{image}")

    def observe(self, difference: int) -> None:
        """Count what runs."""
        self.ledger.running += difference
        self.ledger.peak = max(self.ledger.peak, self.ledger.running)
        self.note()

    def note(self) -> None:
        """Tell whoever waits in ``until`` that something changed."""
        if self._watchers:
            watchers, self._watchers = self._watchers, []
            for watcher in watchers:
                if not watcher.done():
                    watcher.set_result(None)

    def misuse(self, sentence: str) -> EngineMisuse:
        """Write the fault of the caller down; the result is to be raised."""
        self.ledger.misuses.append(sentence)
        return EngineMisuse(sentence)

    async def meet_faults(self, method: str, key: StepKey | None, *, after: bool) -> None:
        """Raise or stand still if the world was told so."""
        if not self.reachable:
            raise EngineUnavailable("the engine is down")
        if self._faults and (fault := self._take_fault(method, key, after)) is not None:
            if fault.hang is not None:
                await fault.hang.wait()
            if fault.error is not None:
                raise fault.error

    def _take_fault(self, method: str, key: StepKey | None, after: bool) -> _Fault | None:
        for fault in self._faults.get(method, ()):
            if fault.after is after and (fault.selector is None or (key is not None and _means(fault.selector, key))):
                fault.times -= 1
                if fault.times == 0:
                    self._faults[method].remove(fault)
                return fault
        return None

    def _select(self, which: Selector) -> Iterator[FakeContainer]:
        if isinstance(which, StepKey):
            return iter([self.containers[which]] if which in self.containers else [])
        return (container for container in self.containers.values() if container.key.step == which)


def _means(selector: Selector, key: StepKey) -> bool:
    return selector == (key if isinstance(selector, StepKey) else key.step)

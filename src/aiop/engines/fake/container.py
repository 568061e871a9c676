"""One container of the fake world."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from aiop.engines.fake.script import Act, Pause, Print, Remove, Save, Script
from aiop.engines.fake.workspace import FakeWorkspace
from aiop.interfaces import Clock, OutputSink
from aiop.model.ids import StepKey
from aiop.model.records import Stream
from aiop.model.run import OUTPUT_LIMIT, ContainerRun, Outcome, OutputFile
from aiop.model.state import Reason

__all__ = ["OUTPUT_PATH", "FakeContainer"]

OUTPUT_PATH = "/aiop/output"
"""What ``AIOP_OUTPUT`` says in a fake container."""


class FakeContainer:
    """Plays a script. It belongs to the world and goes on when the engine that started it is thrown away.

    ``observer`` is told +1 when it starts to run and -1 when it no longer does.
    """

    __slots__ = (
        "_acts",
        "_clock",
        "_files",
        "_image_digest",
        "_observer",
        "_printed",
        "_timer",
        "_waiter",
        "_workspace",
        "exit_code",
        "finished_at",
        "gated",
        "key",
        "killed",
        "lost",
        "run",
        "script",
        "sink",
        "started_at",
    )

    def __init__(
        self,
        key: StepKey,
        run: ContainerRun,
        script: Script,
        *,
        clock: Clock,
        observer: Callable[[int], None],
        image_digest: str,
    ) -> None:
        self.key = key
        self.run = run
        self.script = script
        self.sink: OutputSink | None = None
        self.started_at: datetime | None = None
        self.finished_at: datetime | None = None
        self.exit_code: int | None = None
        self.gated = False
        self.lost = False
        self.killed = False
        self._clock = clock
        self._image_digest = image_digest
        self._observer = observer
        self._acts = script.timeline()
        self._workspace = FakeWorkspace(run.workspace) if run.workspace is not None else None
        self._files: dict[str, bytes] = {}
        for path, content in run.files.items():
            self._save(path, content)
        self._printed: list[tuple[Stream, bytes, datetime]] = []
        self._timer: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.started_at is not None and self.finished_at is None and not self.lost

    def start(self) -> None:
        """Play up to the first pause or the end."""
        self.started_at = self._clock.now()
        self._observer(1)
        self.play()

    def play(self) -> None:
        """Go on after a pause."""
        self.gated = False
        for act in self._acts:
            if isinstance(act, Pause):
                self._pause(act)
                return
            self._do(act)
        self.end(self.script.exit_code)

    def end(self, exit_code: int) -> None:
        """End now, whatever was still to come."""
        if self.running:
            self.finished_at = self._clock.now()
            self.exit_code = exit_code
            self._halt()

    def vanish(self) -> None:
        """Be gone without a trace."""
        if self.running:
            self.lost = True
            self._halt()
        self.lost = True

    def attach(self, sink: OutputSink) -> None:
        """Give the sink all of the output so far and from now on; it takes the place of the one before."""
        for stream, data, at in self._printed:
            sink(stream, data, at)
        self.sink = sink

    async def changed(self) -> None:
        """Return at the next ``wake``; one waiter at a time."""
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def wake(self) -> None:
        """Let the waiter look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def outcome(self) -> Outcome:
        """Tell how it ended."""
        script = self.script
        if not script.startable:
            return Outcome(exit_code=script.exit_code or None, reason=script.reason, error=script.error)
        by_itself = self.exit_code == script.exit_code
        reason = script.reason if by_itself else None
        return Outcome(
            exit_code=self.exit_code,
            reason=reason or (Reason.EXIT_CODE if self.exit_code else None),
            error=script.error if by_itself else None,
            started_at=self.started_at,
            finished_at=self.finished_at,
            image_digest=self._image_digest,
            output_file=_limited(script.output_file or self._files.get(OUTPUT_PATH)),
            outputs=self._outputs(),
        )

    def _outputs(self) -> Mapping[str, OutputFile]:
        found: dict[str, bytes | OutputFile] = {
            name: content for name, path in self.run.output_paths.items() if (content := self._read(path)) is not None
        }
        found.update(self.script.outputs)
        return {name: file for name, content in found.items() if (file := _limited(content)) is not None}

    def _do(self, act: Act) -> None:
        match act:
            case Print(stream, data):
                piece = (stream, data, self._clock.now())
                self._printed.append(piece)
                if self.sink is not None:
                    self.sink(*piece)
            case Save(path, data, append):
                self._save(path, ((self._read(path) or b"") if append else b"") + data)
            case Remove(path):
                self._files.pop(path, None)
                if self._workspace is not None and self._workspace.inside(path):
                    self._workspace.remove(path)

    def _read(self, path: str) -> bytes | None:
        if self._workspace is not None and self._workspace.inside(path):
            return self._workspace.read(path)
        return self._files.get(path)

    def _save(self, path: str, content: bytes) -> None:
        if self._workspace is not None and self._workspace.inside(path):
            self._workspace.write(path, content)
        else:
            self._files[path] = content

    def _pause(self, pause: Pause) -> None:
        if pause.delay is None:
            self.gated = True
        else:
            self._timer = asyncio.get_running_loop().create_task(self._sleep(pause.delay))

    async def _sleep(self, delay: timedelta) -> None:
        await self._clock.sleep(delay)
        self._timer = None
        self.play()

    def _halt(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.gated = False
        self._observer(-1)
        self.wake()


def _limited(content: bytes | OutputFile | None) -> OutputFile | None:
    if content is None or isinstance(content, OutputFile):
        return content
    if len(content) > OUTPUT_LIMIT:
        return OutputFile(None, f"larger than {OUTPUT_LIMIT} bytes")
    return OutputFile(content)

"""One attempt that runs or has run, seen from the service: its output, its process and its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from aiop.engines.oci.directory import AttemptDirectory, Exit
from aiop.engines.oci.linux import send_signal
from aiop.engines.oci.spool import Flow, Spool
from aiop.interfaces import OutputSink
from aiop.model.records import Stream

__all__ = ["Running"]

_STATUS = re.compile(rb"(\d*)(?: (\d+)\n)?")
_STREAMS = ((Stream.STDOUT, "out", "1"), (Stream.STDERR, "err", "2"))
_DISK_PAUSE = 1.0
"""Seconds after which a full disk is tried again."""


class Running:
    """Reads what the pipes of an attempt hold, and gives the sink all of the output from its beginning.

    ``settled`` is done once it is known whether the container was started, ``ended`` once it has ended and the sink has
    everything; its result is ``None`` if nobody knows how it ended. ``open`` before anything else.
    """

    def __init__(self, directory: AttemptDirectory, sink: OutputSink, *, runtime_state: Path) -> None:
        loop = asyncio.get_running_loop()
        self.directory = directory
        self.settled: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[Exit | None] = loop.create_future()
        self._pid: int | None = None
        self._state = runtime_state / directory.name / "status"
        self._loop = loop
        self._sink = sink
        self._status = -1
        self._said = b""
        self._spools: dict[Stream, Spool] = {}
        self._retries: set[asyncio.TimerHandle] = set()
        self._cut = False

    async def open(self) -> None:
        """Give the sink what is there already, then follow. Raises ``OSError``."""
        try:
            for stream, pipe, file in _STREAMS:
                self._spools[stream] = Spool(self.directory.path / pipe, self.directory.path / file)
            await self._catch_up()
            if (known := self.directory.exit()) is not None:
                self._end(known)
                return
            self._status = os.open(self.directory.path / "status", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            for stream, spool in self._spools.items():
                self._loop.add_reader(spool.pipe, self._on_output, stream)
            self._loop.add_reader(self._status, self._on_status)
            self._on_status()
            if self._state.exists():
                # Another service has read the pipe.
                self._settle()
        except BaseException:
            self.close()
            raise

    def signal(self, number: int) -> None:
        """Signal the container's first process, if it has not ended."""
        process = self._process()
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                send_signal(process, number)
            os.close(process)

    def _process(self) -> int | None:
        """Return a descriptor of it, to be closed.

        A service that did not start it asks the runtime's own state, which is there as long as the container is.
        """
        try:
            pid = self._pid or int(json.loads(self._state.read_text())["pid"])
            descriptor = os.pidfd_open(pid)
        except (OSError, ValueError, KeyError):
            return None
        if self._state.exists():
            return descriptor
        # Another process may have got the number meanwhile.
        os.close(descriptor)
        return None

    def close(self) -> None:
        """Stop reading; the container is left as it is. Who waits is cancelled."""
        self._let_go()
        for future in (self.settled, self.ended):
            future.cancel()

    def _let_go(self) -> None:
        for retry in self._retries:
            retry.cancel()
        for spool in self._spools.values():
            if spool.pipe >= 0:
                self._loop.remove_reader(spool.pipe)
            spool.close()
        if self._status >= 0:
            self._loop.remove_reader(self._status)
            os.close(self._status)
            self._status = -1

    @property
    def cut(self) -> bool:
        """Whether there was more output than is kept."""
        return self._cut

    async def _catch_up(self) -> None:
        """Hand on what was read from the pipes before; its time is that of the last piece of it."""
        written = []
        for stream, _, file in _STREAMS:
            with contextlib.suppress(FileNotFoundError):
                at = (self.directory.path / file).stat().st_mtime
                written.append((at, stream))
        for at, stream in sorted(written):
            while data := self._spools[stream].take():
                self._sink(stream, data, datetime.fromtimestamp(at, UTC))
                await asyncio.sleep(0)

    # --- events ---------------------------------------------------------------------------------------------

    def _on_output(self, stream: Stream) -> None:
        spool = self._spools[stream]
        try:
            flow = spool.fill()
        except OSError:
            # The disk is full. The container waits, as it would for a terminal.
            self._loop.remove_reader(spool.pipe)
            self._later(stream)
            return
        if flow is Flow.OVER:
            self._loop.remove_reader(spool.pipe)
        self._hand_on(stream)

    def _later(self, stream: Stream) -> None:
        def again() -> None:
            self._retries.discard(retry)
            self._loop.add_reader(self._spools[stream].pipe, self._on_output, stream)

        retry = self._loop.call_later(_DISK_PAUSE, again)
        self._retries.add(retry)

    def _hand_on(self, stream: Stream) -> None:
        now = datetime.now(UTC)
        while data := self._spools[stream].take():
            self._sink(stream, data, now)

    def _on_status(self) -> None:
        try:
            data = os.read(self._status, 64)
        except BlockingIOError:
            return
        self._said += data
        match = _STATUS.match(self._said)
        pid, code = match.groups() if match else (b"", None)
        if pid:
            self._pid = int(pid)
            self._settle()
        if code is not None:
            # Another service may have been told of the start; what could not be started left a word in the log.
            started = bool(pid) or not self.directory.log()
            self._finish(Exit(int(code), started, at=os.fstat(self._status).st_mtime_ns // 1000))
        elif not data:
            # The waiter is gone: somebody else took its word, or it was killed.
            self._end(self.directory.exit())

    def _finish(self, how: Exit) -> None:
        """Take the rest of the output, which is in the pipes, then write down the end and let the waiter go."""
        if self._state.exists():
            # The runtime itself was killed: what it left may still run, and how that ends nobody will know.
            self._end(None)
            return
        try:
            for spool in self._spools.values():
                while spool.fill() is Flow.MORE:
                    pass
            if self.directory.exists():
                self.directory.write_exit(how)
        except OSError:
            # On a full disk: all of it stays where it is.
            retry = self._loop.call_later(_DISK_PAUSE, self._finish, how)
            self._retries.add(retry)
            return
        self.directory.release_waiter()
        self._end(how)

    def _end(self, how: Exit | None) -> None:
        for stream, spool in self._spools.items():
            self._hand_on(stream)
            self._cut = self._cut or spool.full
        self._let_go()
        self._settle()
        if not self.ended.done():
            # If somebody has removed it, it did not end by itself.
            self.ended.set_result(how if self.directory.is_whole() else None)

    def _settle(self) -> None:
        if not self.settled.done():
            self.settled.set_result(None)

"""The real service in a process of its own, to be used, killed and started again."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiop.client import AsyncClient, ServiceUnreachable

PASSWORD = "correct-horse-battery"


class ServiceProcess:
    """``aiop serve`` on a data directory, on one ``core`` if that is given, run as ``wrap`` says.

    The port stays the same over restarts.
    """

    def __init__(
        self, data_dir: Path, *, core: int | None = None, wrap: Callable[..., list[str]] | None = None, **settings: str
    ) -> None:
        self.data_dir = data_dir
        self.log = data_dir.with_name(data_dir.name + ".log")
        self.port = 0
        self._prefix = [] if core is None else ["taskset", "--cpu-list", str(core)]
        self._wrap = wrap or (lambda *words: [*words])
        self._settings = {f"AIOP_{name.upper()}": value for name, value in settings.items()}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self, **options: Any) -> AsyncClient:
        return AsyncClient(self.url, username="admin", password=PASSWORD, **options)

    async def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIOP_")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a service that is started often must not compile each time
        environment |= {
            "AIOP_DATA_DIR": str(self.data_dir),
            "AIOP_PORT": str(self.port),
            "AIOP_ADMIN_PASSWORD": PASSWORD,
            **self._settings,
        }
        start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._wrap(*self._prefix, sys.executable, "-c", "from aiop.cli.main import main; main()", "serve"),
                env=environment, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        async with asyncio.timeout(30):
            while not self.port:
                found = re.search(r"http://127\.0\.0\.1:(\d+)", self.log.read_bytes()[start:].decode())
                if found:
                    self.port = int(found[1])
                await self._look_again()
            async with self.client() as client:
                while True:
                    try:
                        await client.ready()
                    except ServiceUnreachable:
                        await self._look_again()
                    else:
                        return

    async def _look_again(self) -> None:
        assert self._process is not None
        if self._process.returncode is not None:
            raise AssertionError(f"the service ended by itself:\n{self.log.read_text()[-4000:]}")
        await asyncio.sleep(0.02)  # another process: there is no event to await

    async def kill(self) -> None:
        """``kill -9``."""
        await self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: it answers nothing, and its connections stay open."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was, and does not know."""
        os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> int:
        """Ask it to stop; returns its exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(30):
            return await process.wait()

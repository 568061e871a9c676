"""A PostgreSQL server for tests: one for the session, on a port of its own, with a database for each test."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from itertools import count
from pathlib import Path

import asyncpg

from aiop.store import upgrade
from aiop.store.tables import metadata

_USERS = ("postgres", "nobody")
"""Whoever of these is there runs the server: it refuses root."""
_START_SECONDS = 30
_SETTINGS = {
    # The machine does not lose power in a test; a crash of the server alone loses nothing that was written.
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}


class PostgresMissing(Exception):
    """No PostgreSQL is installed; the message says what is missing."""


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path is None:
        raise PostgresMissing("PostgreSQL's server is not installed")
    return Path(on_path).parent


class Postgres:
    """One server. ``stop`` and ``start`` restart it, on the same port."""

    def __init__(self, *, root: Path | None = None, **settings: str) -> None:
        self._bin = _binaries()
        self._settings = {**_SETTINGS, **settings}
        self._root = root or Path(tempfile.mkdtemp(prefix="aiop-postgres-"))
        self._as: dict[str, int] = {}
        if os.geteuid() == 0:
            user = next(pwd.getpwnam(name) for name in _USERS if _exists(name))
            self._as = {"user": user.pw_uid, "group": user.pw_gid}
            os.chown(self._root, user.pw_uid, user.pw_gid)
        self.data = self._root / "data"
        self.port = _free_port()
        self._run("initdb", "--auth=trust", "--username=aiop", "--encoding=UTF8", "--no-sync", "-D", str(self.data))
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self._shared: str | None = None
        self.start()

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended, by itself or otherwise."""
        return self._process is not None and self._process.poll() is None

    def program(self, name: str) -> Path:
        """One of the programs that belong to it."""
        return self._bin / name

    def url(self, database: str) -> str:
        """As the service takes it."""
        return f"postgresql://aiop@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with (self._root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.data, "-p", str(self.port), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **self._as,
            )  # fmt: skip
        until = time.monotonic() + _START_SECONDS
        answer = [self._bin / "pg_isready", "--quiet", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(answer, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"PostgreSQL did not start:\n{(self._root / 'log').read_text()[-2000:]}")
            time.sleep(0.02)  # another process: there is no event to await

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends what is under way, SIGQUIT is a crash that it recovers from."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)

    def close(self) -> None:
        """End it and delete its files."""
        if self._process is not None and self._process.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self._root, ignore_errors=True)

    async def new_database(self, *, tables: bool = True) -> str:
        """Make a database, with the tables in it unless it is to be empty; returns its URL."""
        name = f"test_{next(self._names)}"
        async with connected(self.url("postgres")) as connection:
            await connection.execute(f"CREATE DATABASE {name}")
        if tables:
            await upgrade(self.url(name))
        return self.url(name)

    async def clear_database(self) -> str:
        """Return the URL of one that is used again and again, without a row in it."""
        if self._shared is None:
            self._shared = await self.new_database()
        async with connected(self._shared) as connection:
            await connection.execute("; ".join(f"DELETE FROM {name}" for name in metadata.tables))
        return self._shared

    async def drop(self, url: str) -> None:
        """Delete a database, and end whoever is connected to it."""
        async with connected(self.url("postgres")) as connection:
            await connection.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60, **self._as
        )


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A plain connection, past the store."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

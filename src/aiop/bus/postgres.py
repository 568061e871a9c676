"""The bus of several processes on one PostgreSQL database: ``LISTEN`` and ``NOTIFY``."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from aiop.bus.local import LocalBus
from aiop.interfaces import Clock, Listener

if TYPE_CHECKING:
    import asyncpg

__all__ = ["PostgresBus"]

_CHANNEL = "aiop"
_SEND = f"SELECT pg_notify('{_CHANNEL}', payload) FROM unnest($1::text[]) AS payload"  # noqa: S608 - our own word
_EVERYTHING = ""
"""Stands for all topics."""

_TOPIC_LIMIT = 1000
_TOPICS_AT_ONCE = 500
"""A payload is at most 8,000 bytes, and the server keeps what a listener has not taken yet: more is said shorter."""

_SILENCE = timedelta(seconds=10)
"""After so long the connection is asked whether it lives: nobody says that a network has been cut."""
_PATIENCE = 5.0
_FIRST_PAUSE = timedelta(milliseconds=100)
_LONGEST_PAUSE = timedelta(seconds=5)

log = structlog.get_logger("aiop.bus")


class PostgresBus:
    """``interfaces.Bus``. Listeners of this process are woken at once, those of others through the database.

    While one message is on its way the next ones gather, each topic once. A lost connection is made again; whoever
    waits is woken then, since nobody knows what was missed.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        """``url`` is taken as libpq would; its driver, if it names one, is left out."""
        self._url = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)
        self._clock = clock
        self._local = LocalBus()
        self._sender = secrets.token_hex(4)
        self._pending: dict[str, None] = {}
        self._news = asyncio.Event()
        self._lost = False
        self.listening = asyncio.Event()
        """Set while others are heard."""

    def publish(self, topic: str) -> None:
        """Wake all listeners of ``topic``, here at once."""
        self._local.publish(topic)
        self._pending[topic if len(topic) <= _TOPIC_LIMIT else _EVERYTHING] = None
        self._news.set()

    def listen(self, topic: str) -> AbstractContextManager[Listener]:
        """Open a listener."""
        return self._local.listen(topic)

    async def run(self) -> None:
        """Carry wakes until cancelled."""
        import asyncpg

        pause, known = _FIRST_PAUSE, True
        while True:
            try:
                connection = await self._connect()
                try:
                    if not known:
                        log.info("bus_connected")
                    pause, known = _FIRST_PAUSE, True
                    await self._carry(connection)
                finally:
                    self.listening.clear()
                    with suppress(Exception):
                        await connection.close(timeout=1)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if known:
                    log.warning("bus_disconnected", error=str(error) or type(error).__name__)
                known = False
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _connect(self) -> asyncpg.Connection:
        import asyncpg

        # What is lost with the server is a wake, and those who wait look by themselves: no flush is waited for.
        settings = {"application_name": "aiop bus", "synchronous_commit": "off", "jit": "off"}
        connection = await asyncpg.connect(
            self._url, timeout=_PATIENCE, command_timeout=_PATIENCE, server_settings=settings
        )
        try:
            self._lost = False
            connection.add_termination_listener(self._ended)
            await connection.add_listener(_CHANNEL, self._heard)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _carry(self, connection: asyncpg.Connection) -> None:
        self.listening.set()
        self._local.publish_all()
        while True:
            try:
                async with asyncio.timeout(_SILENCE.total_seconds()):
                    await self._news.wait()
            except TimeoutError:
                await connection.execute("SELECT 1")
            self._news.clear()
            if self._lost:
                raise ConnectionResetError("the connection has ended")
            if self._pending:
                await self._send(connection)

    async def _send(self, connection: asyncpg.Connection) -> None:
        topics, self._pending = self._pending, {}
        try:
            named = topics if len(topics) <= _TOPICS_AT_ONCE else [_EVERYTHING]
            await connection.execute(_SEND, [f"{self._sender} {topic}" for topic in named])
        except BaseException:
            self._pending = {**topics, **self._pending}
            raise

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        sender, _, topic = str(payload).partition(" ")
        if sender == self._sender:
            return
        if topic == _EVERYTHING:
            self._local.publish_all()
        else:
            self._local.publish(topic)

    def _ended(self, _connection: Any) -> None:
        self._lost = True
        self._news.set()

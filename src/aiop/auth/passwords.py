"""Passwords, hashed with argon2id off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from aiop.errors import TooManyRequests

__all__ = ["Passwords"]

T = TypeVar("T")


class Passwords:
    """Hashes and checks. Each hash takes memory and time on purpose, so only a few run at once, and few wait."""

    def __init__(
        self, *, time_cost: int = 2, memory_kib: int = 19 * 1024, concurrency: int = 2, queue: int = 32
    ) -> None:
        # The costs are OWASP's first choice for argon2id with one lane.
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._slots = asyncio.Semaphore(concurrency)
        self._room = concurrency + queue
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """Return the encoded hash; raises ``TooManyRequests`` when too many wait."""
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Tell whether the password fits; without a hash it takes as long and is ``False``.

        Raises ``TooManyRequests`` when too many wait.
        """
        return await self._in_thread(lambda: self._check(encoded, password))

    def _check(self, encoded: str | None, password: str) -> bool:
        if self._decoy is None:
            self._decoy = self._hasher.hash("")
        try:
            self._hasher.verify(self._decoy if encoded is None else encoded, password)
        except (VerificationError, InvalidHashError):
            return False
        return encoded is not None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._room <= 0:
            raise TooManyRequests("Too many sign-ins at once", retry_after=1)
        self._room -= 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._room += 1

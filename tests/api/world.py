"""What the tests of the API work with: the application on a real store, and a clock that they move."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from aiop.api import Services
from aiop.auth import FernetVault
from aiop.bus.local import LocalBus
from aiop.model.agent import AgentHealth, AgentRecord, EngineCheck
from aiop.model.images import ImageConfig, KeptImage, Pruned
from aiop.model.run import Credentials
from aiop.store import SqlStore

SECRET = "a secret that is only used in these tests"
PASSWORD = "correct horse"
REFERENCE = Path(__file__).parent / "reference"


class HandClock:
    """Moves only when told to."""

    def __init__(self) -> None:
        self.time = datetime(2025, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, delay: timedelta) -> None:
        raise AssertionError("nothing in the API sleeps")

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)


class StillProbe:
    """Finds every engine well, unless told otherwise."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.error: str | None = None

    async def probe(self, _: AgentRecord) -> EngineCheck:
        if self.error is not None:
            return EngineCheck(AgentHealth.OFFLINE, self.clock.now(), error=self.error)
        return EngineCheck(AgentHealth.ONLINE, self.clock.now(), version="20.10")


class FewImages:
    """Keeps what it is told to, and remembers what it was given."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.kept: list[KeptImage] = []
        self.given: list[Any] = []
        self.error: Exception | None = None

    def add(self, name: str, *, size: int = 10) -> KeptImage:
        digest = f"sha256:{len(self.kept):064}"
        self.kept.insert(0, KeptImage(digest, digest, (name,), size, 1, self.clock.now(), imported=True, holders=0))
        return self.kept[0]

    def list(self) -> Sequence[KeptImage]:
        return self.kept

    async def pull(self, reference: str, credentials: Credentials | None) -> KeptImage:
        return self._came(reference, credentials)

    async def take_from_docker(self, reference: str) -> KeptImage:
        return self._came(reference, "docker")

    async def import_archive(self, archive: AsyncIterable[bytes], reference: str | None) -> Sequence[KeptImage]:
        return [self._came(reference or "in/archive:1", b"".join([piece async for piece in archive]))]

    async def import_root(self, archive: AsyncIterable[bytes], reference: str, config: ImageConfig) -> KeptImage:
        return self._came(reference, b"".join([piece async for piece in archive]), config)

    async def prune(self, limit: int | None = None, *, imported: bool = False) -> Pruned:
        self.given.append((limit, imported))
        gone, self.kept = self.kept, []
        return Pruned(len(gone), sum(image.size for image in gone))

    def _came(self, name: str, *given: Any) -> KeptImage:
        if self.error is not None:
            raise self.error
        self.given.append((name, *given))
        return self.add(name)


@dataclass(frozen=True)
class Service:
    """The application on a real store."""

    app: FastAPI
    services: Services
    store: SqlStore
    bus: LocalBus
    clock: HandClock
    vault: FernetVault
    database: Path
    probe: StillProbe
    images: FewImages

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(transport=transport, base_url="http://aiop.test", headers=headers)


def reference(name: str) -> Any:
    """Read an example of the API reference."""
    return json.loads((REFERENCE / f"{name}.json").read_text())

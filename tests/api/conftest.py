from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from aiop.api import Services, StreamTimes, create_app
from aiop.artifacts import LocalArtifacts
from aiop.auth import AuthService, FernetVault, Passwords
from aiop.bus.local import LocalBus
from aiop.model.agent import AgentHealth, AgentRecord, EngineAddress, EngineType
from aiop.model.ids import AgentId, new_id
from aiop.model.records import Role
from aiop.monitoring import Monitoring
from aiop.operations import AgentOperations, ImageOperations, Operations, PipelineOperations
from aiop.store import open_store
from api.owner import Owner
from api.pipelines import DOCUMENT, created
from api.world import PASSWORD, SECRET, FewImages, HandClock, Service, StillProbe, reference


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def application() -> FastAPI:
    """Build the routes once, which takes longer than most tests; each test sets what they work with."""
    return create_app(cast("Any", None))


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the tables once."""
    database = tmp_path_factory.mktemp("blank") / "aiop.db"

    async def make() -> None:
        async with open_store(f"sqlite+aiosqlite:///{database}", clock=HandClock()):
            pass

    asyncio.run(make())
    return database


@pytest.fixture
async def service(tmp_path: Path, clock: HandClock, application: FastAPI, blank: Path) -> AsyncIterator[Service]:
    bus = LocalBus()
    probe = StillProbe(clock)
    vault = FernetVault(SECRET)
    database = Path(shutil.copy(blank, tmp_path))
    artifacts = LocalArtifacts(tmp_path / "artifacts", clock)
    images = FewImages(clock)
    await artifacts.open()
    async with open_store(f"sqlite+aiosqlite:///{database}", clock=clock) as store:
        passwords = Passwords(time_cost=1, memory_kib=8)
        services = Services(
            operations=Operations(store, bus, vault, volume_roots=("/tmp",)),
            pipelines=PipelineOperations(
                store, artifacts, bus, vault, source_roots=(str(tmp_path),), volume_roots=("/tmp",)
            ),
            artifacts=artifacts,
            agents=AgentOperations(store, bus, vault, clock, probe=probe),
            images=ImageOperations(store, images, default_engine=EngineAddress(EngineType.OCI)),
            default_engine=EngineAddress(EngineType.DOCKER),
            auth=AuthService(store, clock, secret=SECRET, passwords=passwords, access_ttl=timedelta(hours=9)),
            store=store,
            bus=bus,
            clock=clock,
            monitoring=Monitoring(store, clock, default_engine=EngineAddress(EngineType.DOCKER)),
            max_body_bytes=64 * 1024,
            streams=StreamTimes(look=timedelta(milliseconds=50), stall=timedelta(milliseconds=50)),
        )
        await store.add_agent(AgentRecord(AgentId(new_id()), "local", clock.now(), health=AgentHealth.ONLINE))
        for role in Role:
            await services.auth.users.create(role, PASSWORD, role)
        application.state.services = services
        yield Service(application, services, store, bus, clock, vault, database, probe, images)
    await artifacts.aclose()


SignIn = Callable[[str], Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def sign_in(service: Service) -> AsyncIterator[SignIn]:
    """Sign in as the user whose name is that of his role."""
    clients: list[httpx.AsyncClient] = []

    async def signed_in(username: str) -> httpx.AsyncClient:
        session = await service.services.auth.login(username, PASSWORD)
        clients.append(service.client(session.access_token))
        return clients[-1]

    yield signed_in
    for client in clients:
        await client.aclose()


@pytest.fixture
async def client(sign_in: SignIn) -> httpx.AsyncClient:
    return await sign_in("editor")


@pytest.fixture
async def viewer(sign_in: SignIn) -> httpx.AsyncClient:
    return await sign_in("viewer")


@pytest.fixture
async def admin(sign_in: SignIn) -> httpx.AsyncClient:
    return await sign_in("admin")


@pytest.fixture
async def anonymous(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with service.client() as client:
        yield client


@pytest.fixture
async def workflow(client: httpx.AsyncClient) -> str:
    """Store the workflow of the reference and return its id."""
    answer = await client.post("/dagger/workflows", json=reference("workflow_create.request"))
    assert answer.status_code == 201
    return answer.json()["id"]


@pytest.fixture
async def execution(client: httpx.AsyncClient, workflow: str) -> str:
    """Execute the workflow of the reference and return the execution's id."""
    answer = await client.post(f"/dagger/workflows/{workflow}/execute", json={"inputs": {"param1": "value1"}})
    assert answer.status_code == 201
    return answer.json()["execution_id"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a directory with a pipeline."""
    made = tmp_path / "project"
    made.mkdir()
    (made / "pipeline.yaml").write_text(DOCUMENT)
    (made / "main.c").write_text("int main;")
    return made


@pytest.fixture
async def pipeline(client: httpx.AsyncClient, source: Path) -> str:
    """Store the pipeline of the source and return its id."""
    return await created(client, source_directory=str(source))


@pytest.fixture
def owner(service: Service) -> Owner:
    return Owner(service.store, service.bus, service.clock)

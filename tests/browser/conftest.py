"""A service on real Docker, and a real Chromium that looks at it. Every page that a test opens is watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

import aiop
from aiop.client import AsyncClient
from browser.watch import Watch
from chromium import FLAGS, executable
from docker_lab import DockerLab, missing
from service_process import PASSWORD, ServiceProcess

BUILT = Path(aiop.__file__).parent / "ui" / "index.html"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all in the one event loop that the browser and the service are used from."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def built() -> None:
    if not BUILT.exists():
        missing("browser", "the web UI is not built: make ui")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(built: None) -> AsyncIterator[Browser]:
    program = executable()
    if program is None:
        missing("browser", "chromium is not installed")
    expect.set_options(timeout=30_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def service(docker_lab: DockerLab, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    """The service of all tests here; each leaves the others' workflows alone."""
    data = tmp_path_factory.mktemp("browser") / "data"
    process = ServiceProcess(data, docker_endpoint=docker_lab.endpoint, volume_roots=str(data.parent))
    await process.start()
    yield process
    await process.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def api(service: ServiceProcess) -> AsyncIterator[AsyncClient]:
    """The API beside the browser, to make what a test looks at."""
    async with service.client() as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bare(built: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceProcess]:
    """A service without real containers on which nothing was ever done; who kills it starts it again."""
    process = ServiceProcess(tmp_path_factory.mktemp("bare") / "data", engine="fake")
    await process.start()
    yield process
    await process.stop()


@pytest.fixture(scope="session")
def gates(service: ServiceProcess) -> Path:
    """A directory that steps may mount."""
    directory = service.data_dir.parent / "gates"
    directory.mkdir(exist_ok=True)
    return directory


@pytest.fixture(scope="session")
def image(docker_lab: DockerLab) -> str:
    return docker_lab.image


@pytest.fixture(scope="session")
def where() -> dict[str, str]:
    """Locale and zone of whoever looks."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def context(chromium: Browser, service: ServiceProcess, where: dict[str, str]) -> AsyncIterator[BrowserContext]:
    """A browser of somebody who was never here."""
    made = await chromium.new_context(
        base_url=service.url,
        viewport={"width": 1280, "height": 800},
        reduced_motion="reduce",
        color_scheme="light",
        accept_downloads=True,
        **where,
    )
    made.set_default_timeout(30_000)
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def watch(context: BrowserContext, service: ServiceProcess) -> AsyncIterator[Watch]:
    watch = Watch(context, service.url)
    yield watch
    await asyncio.sleep(0)
    assert watch.faults == []


@pytest.fixture
def watch_expects_404(watch: Watch) -> None:
    """The browser notes answers that say that something is not there."""
    watch.expected.append("404")


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(context: BrowserContext, watch: Watch) -> Page:
    """A page on which nobody is signed in."""
    return await context.new_page()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, watch: Watch) -> Page:
    """A page on which ``admin`` is signed in."""
    answer = await context.request.post("/auth/session", form={"username": "admin", "password": PASSWORD})
    assert answer.ok
    return await context.new_page()

"""Takes a picture of every screen of the web UI, light and dark, into ``docs/images/ui``. Needs Chromium and an engine.

    python scripts/screenshots.py [NAME...]

With names, only those pictures are taken. What is on the pictures is real: see ``screenshot_data``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, Request, StorageState, expect, sync_playwright

from aiop.client import Client
from chromium import FLAGS, executable
from demo import AIOP, ServiceFailed, await_ready, free_port
from docker_engine import EngineMissing, docker_engine
from example_images import provide_images
from screenshot_data import Present, write_past

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "images" / "ui"
STATE = ROOT / "var" / "engine"
PASSWORD = "screenshots-are-public"  # noqa: S105 - of a service that lives for a minute
PENDING = ".mantine-Skeleton-root, [role=status][aria-label=Loading]"
"""What stands where something is on its way."""
MISSPELT = """name: greet-and-count
inputs:
  who: {type: text, default: world}
steps:
  - id: greet
    container: {image: "busybox:1", script: "echo Hello"}
  - id: count
    depends_on: [great]
    container:
      image: busybox:1
      command: [wc, -c]
      enviroment: {LANG: C}
"""
NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
"""How Chromium gives up what it loads when the network of a container comes or goes."""
WIDE = (1360, 850)
NARROW = (390, 844)


@dataclass(frozen=True)
class Screen:
    """One picture: ``path`` leads there, ``until`` is a selector of what shows that it is there."""

    name: str
    path: str
    until: str
    size: tuple[int, int] = WIDE
    signed_in: bool = True
    act: Callable[[Page], None] | None = None


def screens(present: Present) -> Iterator[Screen]:
    """List every screen."""
    failed, indexing = f"/executions/{present.failed}", f"/executions/{present.indexing}"
    yield Screen("sign-in", "/sign-in", "form", signed_in=False)
    yield Screen("overview", "/", "text=Failed lately")
    yield Screen("executions", "/executions", "tbody tr a")
    yield Screen("executions-failed", "/executions?status=failed", "tbody tr a")
    yield Screen("execution-graph", f"/executions/{present.training}", ".react-flow__node")
    yield Screen("execution-failed", f"{failed}?step=check-links", "[role=log] :text('2 links lead nowhere')")
    yield Screen("execution-fan-out", indexing, ".react-flow__node")
    yield Screen("execution-group", f"{indexing}?group=embed-01", "aside >> text=embed-01")
    yield Screen("execution-timeline", f"{indexing}?view=timeline", "text=embed-12")
    yield Screen("execution-log", f"{indexing}?view=log", "[role=log] :text('embedded')")
    yield Screen("execution-step", f"{failed}?step=check-links", "aside >> text=Attempts", act=details)
    yield Screen("execution-values", f"/executions/{present.report}?view=values", "text=target")
    workflow = f"/workflows/{present.workflow}"
    yield Screen("workflows", "/workflows", "tbody tr a")
    yield Screen("workflow", workflow, "text=sales-report")
    yield Screen("workflow-edit", f"{workflow}/edit", "text=No faults")
    yield Screen("workflow-versions", f"{workflow}/versions", ".cm-changedLine, .cm-deletedChunk")
    yield Screen("workflow-run", workflow, "[role=dialog] button[type=submit]", act=run)
    yield Screen("pipelines", "/pipelines", "text=handbook")
    pipeline, agents = f"/pipelines/{present.pipeline}", present.agents
    yield Screen("workflow-new", "/workflows/new", "text=No faults")
    yield Screen("workflow-faults", "/workflows/new", "[aria-label=Faults] li", act=misspell)
    yield Screen("pipeline", pipeline, "text=SHA256SUMS")
    yield Screen("pipeline-new", "/pipelines/new", "text=No faults", act=inline)
    yield Screen("pipeline-run", pipeline, "[role=dialog] button[type=submit]", act=run)
    yield Screen("agents", "/agents", "tbody tr a")
    yield Screen("agent", f"/agents/{agents['local']}", "text=Registered")
    yield Screen("agent-offline", f"/agents/{agents['build-farm']}", "text=Its engine is in trouble")
    yield Screen("agent-register", "/agents", "text=Node selector", act=register)
    yield Screen("users", "/settings/users", "text=editor")
    yield Screen("tokens", "/settings/tokens", "text=nightly-build")
    yield Screen("secrets", "/settings/secrets", "text=warehouse-password")
    yield Screen("audit", "/settings/audit", "tbody tr")
    yield Screen("narrow-executions", "/executions", "tbody tr a", size=NARROW)
    yield Screen("narrow-pipeline", pipeline, "text=SHA256SUMS", size=NARROW)
    yield Screen("narrow-agent", f"/agents/{agents['build-farm']}", "text=Its engine is in trouble", size=NARROW)
    yield Screen("narrow-workflow", workflow, "text=sales-report", size=NARROW)
    yield Screen("narrow-agents", "/agents", "h1", size=NARROW)
    yield Screen("narrow-overview", "/", "text=Failed lately", size=NARROW)
    yield Screen("narrow-execution", failed, ".react-flow__node", size=NARROW)


def details(page: Page) -> None:
    """Open the details of the step."""
    page.get_by_role("tab", name="Details").click()


def misspell(page: Page) -> None:
    """Write a definition that is wrong in three places."""
    expect(page.get_by_text("No faults")).to_be_visible()
    page.get_by_role("textbox", name="Definition").fill(MISSPELT)


def inline(page: Page) -> None:
    """Write the definition of a pipeline in the form."""
    page.get_by_label("Name").fill("nightly-archive")
    page.get_by_role("textbox", name="Directory").fill("/src/archive")
    page.get_by_text("Here", exact=True).click()
    expect(page.get_by_text("No faults")).to_be_visible()


def register(page: Page) -> None:
    """Fill in the form of an agent on a cluster."""
    page.get_by_role("button", name="Register").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("cluster")
    dialog.get_by_role("combobox", name="Type").click()
    page.get_by_role("option", name="Kubernetes").click()
    dialog.get_by_label("Namespace").fill("batch")


def run(page: Page) -> None:
    """Open the form that runs the workflow."""
    page.get_by_role("button", name="Run").first.click()


def main(names: list[str]) -> int:
    """Take the pictures; returns the exit code."""
    try:
        with ExitStack() as stack:
            endpoint = stack.enter_context(docker_engine(STATE))
            provide_images(endpoint)
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            write_past(directory / "aiop.db")
            url = stack.enter_context(service(directory, endpoint))
            client = stack.enter_context(Client(url, username="admin", password=PASSWORD))
            present = Present(client)
            playwright = stack.enter_context(sync_playwright())
            expect.set_options(timeout=30_000)  # the machine runs containers meanwhile
            browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
            stack.callback(browser.close)
            session = sign_in(browser, url)
            TARGET.mkdir(parents=True, exist_ok=True)
            for screen in screens(present):
                if not names or screen.name in names:
                    take(browser, url, screen, session)
    except (EngineMissing, ServiceFailed) as error:
        print(f"aiop: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def service(directory: Path, endpoint: str) -> Iterator[str]:
    """Run the service on a free port with a database that is there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIOP_")}
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings: Mapping[str, str] = {
        "AIOP_DATA_DIR": str(directory),
        "AIOP_PORT": str(port),
        "AIOP_ADMIN_PASSWORD": PASSWORD,
        "AIOP_DOCKER_ENDPOINT": endpoint,
        "AIOP_MAX_CONCURRENT_EXECUTIONS": "2",
        "AIOP_MAX_CONCURRENT_STEPS": "6",
    }
    log = directory / "service.log"
    with log.open("wb") as sink:
        process = subprocess.Popen([AIOP, "serve"], env={**kept, **settings}, stdout=sink, stderr=sink)
    try:
        await_ready(process, url, log)
        yield url
    finally:
        process.terminate()
        process.wait()


def sign_in(browser: Browser, url: str) -> StorageState:
    """Sign in, once for all pictures: the audit log is one of them."""
    with browser.new_context(base_url=url) as context:
        context.request.post("/auth/session", form={"username": "admin", "password": PASSWORD})
        return context.storage_state()


def load(page: Page, path: str) -> None:
    """Open a page, again until nothing that it loads was given up."""
    broken: list[str] = []

    def note(request: Request) -> None:
        broken.append(request.failure or "")

    page.on("requestfailed", note)
    page.goto(path)
    while any(NETWORK_CHANGED in each for each in broken):
        broken.clear()
        page.reload()


def take(browser: Browser, url: str, screen: Screen, session: StorageState) -> None:
    """Take one picture in both colour schemes."""
    for scheme in ("light", "dark"):
        width, height = screen.size
        context = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Zurich",
            storage_state=session if screen.signed_in else None,
        )
        page = context.new_page()
        load(page, screen.path)
        if screen.act is not None:
            screen.act(page)
        page.wait_for_selector(screen.until)
        expect(page.locator(PENDING)).to_have_count(0)
        page.evaluate("document.fonts.ready.then(() => undefined)")
        page.screenshot(path=TARGET / f"{screen.name}-{scheme}.png")
        context.close()
    print(screen.name, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

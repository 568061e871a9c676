"""What the page of a large execution costs a browser: to open, to move about in, and while its steps change.

    python bench/ui.py [--steps 2000] [--lines 100000] [--rounds 5] [--instance FILE] [--only PART]

Graphs: layers with random needs, a chain, and with `--instance` that of a WfInstances file (github.com/wfcommons),
repeated until there are enough steps. Each is opened in a new browser that has nothing in its cache, folded and
unfolded. Prints the time from the navigation to the first picture with steps in it, requests, bytes, elements, and
the frames while the graph is moved and while the steps end one after the other; then the same of a long log, while it
is written and afterwards, with the memory of the page.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from aiop.client import AsyncClient
from chromium import FLAGS, executable
from service_process import PASSWORD, ServiceProcess

Step = dict[str, Any]

WATCH = """
new MutationObserver((_, observer) => {
  const found = document.querySelector(".react-flow__node, [data-stream]");
  if (!found?.checkVisibility({visibilityProperty: true})) return;
  observer.disconnect();
  // After the frame that shows it.
  requestAnimationFrame(() => setTimeout(() => { window.__drawn = performance.now(); }));
}).observe(document, {subtree: true, childList: true, attributes: true});
window.__frames = [];
window.__look = () => {
  const frames = [];
  let last = performance.now();
  const next = now => { frames.push(now - last); last = now; window.__looking = requestAnimationFrame(next); };
  window.__looking = requestAnimationFrame(next);
  window.__stop = () => { cancelAnimationFrame(window.__looking); return frames.slice(1); };
};
"""
LOADED = """() => {
  const all = performance.getEntriesByType("resource");
  return {requests: all.length, bytes: all.reduce((sum, each) => sum + each.transferSize, 0)};
}"""


def step(name: str, *needs: str, script: str = "true") -> Step:
    return {"id": name, "depends_on": list(needs), "container": {"script": script}}


def layered(steps: int, script: str = "true") -> list[Step]:
    """Layers of 10 to 80 steps, each with one to four needs in the layer before."""
    chance = random.Random(1)
    layers: list[list[str]] = [[]]
    made: list[Step] = []
    numbers = count()
    while len(made) < steps:
        layer = [f"task-{next(numbers)}" for _ in range(min(chance.randint(10, 80), steps - len(made)))]
        for name in layer:
            before = layers[-1]
            needs = chance.sample(before, min(len(before), chance.randint(1, 4)))
            made.append(step(name, *needs, script=script))
        layers.append(layer)
    return made


def chain(steps: int) -> list[Step]:
    return [step(f"s{n}", *([f"s{n - 1}"] if n else [])) for n in range(steps)]


def instance(file: Path, steps: int) -> list[Step]:
    """The graph of a file, side by side as often as it takes."""
    tasks = json.loads(file.read_text())["workflow"]["specification"]["tasks"]
    return [
        step(f"{task['id']}-{copy}", *(f"{parent}-{copy}" for parent in task["parents"]))
        for copy in range(-(-steps // len(tasks)))
        for task in tasks
    ]


async def execute(client: AsyncClient, name: str, steps: Sequence[Step]) -> str:
    workflow = await client.workflows.create(
        {"name": name, "container_config": {"image": "fake"}, "steps": list(steps)}
    )
    return (await client.workflows.execute(workflow.id)).execution_id


@asynccontextmanager
async def opened(browser: Browser, service: ServiceProcess, path: str) -> AsyncIterator[tuple[Page, float]]:
    """Open a page in a browser of its own, signed in; with how long it took until it was drawn, in milliseconds."""
    context = await browser.new_context(base_url=service.url, viewport={"width": 1280, "height": 800})
    await context.add_init_script(WATCH)
    await context.request.post("/auth/session", form={"username": "admin", "password": PASSWORD})
    page = await context.new_page()
    await page.goto(path)
    drawn = await page.wait_for_function("() => window.__drawn", timeout=120_000)
    try:
        yield page, await drawn.json_value()
    finally:
        await context.close()


async def moved(page: Page) -> list[float]:
    """Drag the graph to and fro, and zoom out and in; returns the frames that came meanwhile."""
    await page.mouse.move(640, 520)
    await page.evaluate("window.__look()")
    for turn in range(4):
        await page.mouse.down()
        for place in range(30):
            away = place if turn % 2 == 0 else 30 - place
            await page.mouse.move(640 - 12 * away, 520 - 6 * away)
        await page.mouse.up()
        await page.mouse.move(640, 520)
    for turn in range(40):
        await page.mouse.wheel(0, 60 if turn < 20 else -60)
    return await page.evaluate("window.__stop()")


def frames(all_of_them: Sequence[float]) -> str:
    """The time between two pictures; 16.7 ms is as good as a screen can show."""
    if not all_of_them:
        return "no frames"
    ordered = sorted(all_of_them)
    late = sum(each > 50 for each in ordered)
    return (
        f"frames p50 {statistics.median(ordered):.0f} ms, p95 {ordered[int(len(ordered) * 0.95)]:.0f} ms, "
        f"longest {ordered[-1]:.0f} ms, {late} of {len(ordered)} above 50 ms"
    )


async def memory(session: CDPSession) -> float:
    """What the page's JavaScript holds after a collection, in MB."""
    await session.send("HeapProfiler.collectGarbage")
    return (await session.send("Runtime.getHeapUsage"))["usedSize"] / 1e6


async def graphs(browser: Browser, service: ServiceProcess, options: argparse.Namespace) -> None:
    shapes = {"layers": layered(options.steps), "chain": chain(options.steps)}
    if options.instance is not None:
        shapes[options.instance.stem] = instance(options.instance, options.steps)
    async with service.client() as client:
        for name, steps in shapes.items():
            execution = await execute(client, name, steps)
            await client.executions.wait(execution)
            needs = sum(len(each["depends_on"]) for each in steps)
            print(f"{name}: {len(steps):,} steps, {needs:,} dependencies")
            for fold in ("true", "false"):
                times = []
                for _ in range(options.rounds):
                    async with opened(browser, service, f"/executions/{execution}?fold={fold}") as (page, took):
                        times.append(took)
                        if len(times) < options.rounds:
                            continue
                        loaded = await page.evaluate(LOADED)
                        drawn = await page.locator(".react-flow__node").count()
                        elements = await page.evaluate("document.querySelectorAll('*').length")
                        print(
                            f"  {'folded' if fold == 'true' else 'unfolded'}: drawn after "
                            f"{statistics.median(times):.0f} ms ({min(times):.0f} to {max(times):.0f}); "
                            f"{loaded['requests']} requests, {loaded['bytes'] / 1000:.0f} kB; "
                            f"{drawn} nodes, {elements} elements"
                        )
                        print(f"    moved: {frames(await moved(page))}")


async def live(browser: Browser, service: ServiceProcess, options: argparse.Namespace) -> None:
    async with service.client() as client:
        for fold in ("true", "false"):
            execution = await execute(client, "live", layered(options.steps, "sleep 0.3"))
            async with opened(browser, service, f"/executions/{execution}?fold={fold}") as (page, took):
                await page.evaluate("window.__look()")
                ended = await client.executions.wait(execution)
                still = await page.evaluate("window.__stop()")
                length = (ended.completed_at - ended.started_at).total_seconds()
                print(
                    f"live, {'folded' if fold == 'true' else 'unfolded'}: drawn after {took:.0f} ms; "
                    f"{options.steps} steps in {length:.1f} s: {frames(still)}"
                )


async def logs(browser: Browser, service: ServiceProcess, options: argparse.Namespace) -> None:
    each = 500
    batch = "\n".join(f"line {n} of a log that says something about what it does" for n in range(each))
    script = "echo $BATCH\nsleep 0.02\n" * (options.lines // each)
    talk: Step = {"id": "talk", "container": {"script": script, "environment": {"BATCH": batch}}}
    async with service.client() as client:
        execution = await execute(client, "log", [talk])
        path = f"/executions/{execution}?view=log"
        for state in ("while it is written", "afterwards"):
            async with opened(browser, service, path) as (page, took):
                session = await page.context.new_cdp_session(page)
                await page.evaluate("window.__look()")
                await client.executions.wait(execution)
                await page.get_by_text(str(options.lines), exact=True).wait_for(timeout=120_000)
                seen = await page.evaluate("[performance.now(), window.__stop()]")
                print(
                    f"log of {options.lines:,} lines, {state}: first line after {took:.0f} ms, "
                    f"last after {seen[0]:.0f} ms; {frames(seen[1])}; {await memory(session):.0f} MB"
                )
                log = page.get_by_role("log")
                await page.evaluate("window.__look()")
                for place in range(40):
                    await log.evaluate("(each, part) => each.scrollTop = each.scrollHeight * part", 1 - place / 40)
                rows = await page.locator("[data-stream]").count()
                print(f"  scrolled: {frames(await page.evaluate('window.__stop()'))}; {rows} rows")
                await page.evaluate("window.__look()")
                await page.get_by_role("textbox", name="Search the log").press_sequentially("line 49", delay=50)
                print(f"  searched: {frames(await page.evaluate('window.__stop()'))}")


PARTS = {"graphs": graphs, "live": live, "logs": logs}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--instance", type=Path)
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    program = executable()
    if program is None:
        sys.exit("chromium is not installed")
    with tempfile.TemporaryDirectory() as directory:
        service = ServiceProcess(Path(directory) / "data", engine="fake")
        await service.start()
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
                for name, part in PARTS.items():
                    if options.only in (None, name):
                        await part(browser, service, options)
                await browser.close()
        finally:
            await service.stop()


if __name__ == "__main__":
    asyncio.run(main())

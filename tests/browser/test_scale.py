"""Large executions and logs: however many steps and lines there are, few are drawn."""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from aiop.interfaces import Changes, ExecutionChange, NewExecution, NewWorkflow
from aiop.model.agent import AgentHealth, AgentRecord
from aiop.model.ids import AgentId, ExecutionId, StepId, VersionId, WorkflowId, new_id
from aiop.model.records import LogBatch, LogLine, StepRecord, Stream
from aiop.model.state import ExecutionStatus, StepStatus
from aiop.store import open_store
from browser.flows import step
from service_process import PASSWORD, ServiceProcess

pytestmark = pytest.mark.browser

STEPS = 2000
BATCHES, LINES = 200, 500
LAYER = 50
DRAWN = 400
"""So many nodes, rows or lines between nodes may be drawn at most."""


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        raise AssertionError("nothing here waits")


@dataclass(frozen=True)
class Large:
    service: ServiceProcess
    fan: str
    chain: str
    tangle: str
    talk: str


def tangled() -> list[dict[str, Any]]:
    """Layers of steps that need a few at random of the layer before: no two stand alike."""
    chance = random.Random(1)
    layers = [[f"task-{n}" for n in range(start, start + LAYER)] for start in range(0, STEPS, LAYER)]
    needs = zip(layers, [[], *layers], strict=False)
    return [
        step(each, "true", *chance.sample(before, min(len(before), 3))) for layer, before in needs for each in layer
    ]


def said(at: datetime) -> list[LogBatch]:
    """A long log; some of its lines are wider than a window."""
    texts = [f"line {number}{' and on' * (80 if number % 97 == 0 else 0)}" for number in range(BATCHES * LINES)]
    lines = [LogLine(at, Stream.STDOUT, text) for text in texts]
    return [
        LogBatch(number + 1, StepId("talk"), 0, 1, tuple(lines[number * LINES : (number + 1) * LINES]))
        for number in range(BATCHES)
    ]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def large(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Large]:
    """A service whose database has the executions already."""
    data = tmp_path_factory.mktemp("large") / "data"
    data.mkdir()
    middle = [step(f"work-{n}", "true", "split") for n in range(STEPS - 2)]
    fan = [step("split", "true"), *middle, step("join", "true", *(each["id"] for each in middle))]
    chain = [step(f"s{n}", "true", *([f"s{n - 1}"] if n else [])) for n in range(STEPS)]
    async with open_store(f"sqlite+aiosqlite:///{data / 'aiop.db'}", clock=Clock()) as store:
        agent = AgentRecord(AgentId(new_id()), "past", Clock().now(), max_load=10, health=AgentHealth.ONLINE)
        await store.add_agent(agent)
        ids = []
        shapes = {"fan": fan, "chain": chain, "tangle": tangled(), "talk": [step("talk", "true")]}
        for name, steps in shapes.items():
            document = json.dumps({"name": name, "container_config": {"image": "busybox:1"}, "steps": steps})
            new = NewWorkflow(WorkflowId(new_id()), VersionId(new_id()), name, None, document)
            await store.create_workflow(new)
            execution = NewExecution(ExecutionId(new_id()), new.id, new.version_id, {}, {})
            ids.append(await store.submit(execution))
            [lease] = await store.claim("past", ttl=timedelta(hours=1), limit=1)
            now = Clock().now()
            records = [StepRecord(StepId(each["id"]), StepStatus.COMPLETED, 0, 1, now, now) for each in steps]
            logs = said(now) if name == "talk" else []
            done = ExecutionChange(ExecutionStatus.COMPLETED, now, now)
            await store.commit(lease, Changes(execution=done, steps=records, logs=logs))
    process = ServiceProcess(data, engine="fake")
    await process.start()
    yield Large(process, *ids)
    await process.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def page(chromium: Browser, large: Large) -> AsyncIterator[Page]:
    context = await chromium.new_context(
        base_url=large.service.url, viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    context.set_default_timeout(30_000)
    answer = await context.request.post("/auth/session", form={"username": "admin", "password": PASSWORD})
    assert answer.ok
    yield await context.new_page()
    await context.close()


async def test_a_fan_out_of_two_thousand_steps_is_three_nodes(page: Page, large: Large) -> None:
    await page.goto(f"/executions/{large.fan}")
    nodes = page.locator(".react-flow__node")
    await expect(nodes).to_have_count(3)
    await page.get_by_role("button", name="completed work-").click()
    members = page.get_by_role("complementary", name="Steps work-")
    await expect(members.get_by_text("1,998 steps")).to_be_visible()
    assert 0 < await members.get_by_role("button").count() < 100
    await members.get_by_role("textbox", name="Find a step").fill("work-1997")
    await members.get_by_role("button", name="completed work-1997").click()
    await expect(page.get_by_role("complementary", name="Step work-1997")).to_be_visible()


async def test_of_two_thousand_nodes_only_those_in_sight_are_drawn(page: Page, large: Large) -> None:
    for execution in (large.fan, large.chain, large.tangle):
        await page.goto(f"/executions/{execution}?fold=false")
        nodes = page.locator(".react-flow__node")
        await expect(nodes.first).to_be_visible()
        assert 0 < await nodes.count() < DRAWN
        assert await page.locator(".react-flow__viewport svg path[d*=C]").count() < DRAWN


async def test_a_tangle_of_two_thousand_steps_folds_into_its_layers(page: Page, large: Large) -> None:
    await page.goto(f"/executions/{large.tangle}")
    await expect(page.locator(".react-flow__node").first).to_be_visible()
    await page.get_by_role("button", name="Show the whole graph").click()
    nodes = page.get_by_role("button", name="completed task-…")
    await expect(nodes).to_have_count(STEPS // LAYER)
    await nodes.last.click()
    members = page.get_by_role("complementary", name="Steps task-…")
    await expect(members.get_by_text(f"{LAYER} steps")).to_be_visible()
    await page.get_by_role("switch", name="Fold steps that are alike").click()
    await expect(page.get_by_role("button", name=re.compile(r"completed task-\d")).first).to_be_visible()
    assert await page.locator(".react-flow__node").count() < DRAWN


async def test_the_timeline_of_two_thousand_steps_draws_the_rows_in_sight(page: Page, large: Large) -> None:
    await page.goto(f"/executions/{large.chain}?view=timeline")
    timeline = page.get_by_role("region", name="Timeline")
    await expect(timeline.get_by_role("button").first).to_be_visible()
    assert await timeline.get_by_role("button").count() < 100
    await timeline.evaluate("each => each.scrollTop = each.scrollHeight")
    await expect(timeline.get_by_text("s1999", exact=True)).to_be_visible()


async def test_a_log_of_a_hundred_thousand_lines_is_followed_to_its_last_and_draws_those_in_sight(
    page: Page, large: Large
) -> None:
    await page.goto(f"/executions/{large.talk}?view=log")
    log = page.get_by_role("log", name="Log")
    await expect(log.get_by_text(f"line {BATCHES * LINES - 1}", exact=True)).to_be_visible()
    assert 0 < await log.evaluate("each => each.querySelectorAll('[data-stream]').length") < 100
    await log.evaluate("each => each.scrollTop = 0")
    await expect(log.get_by_text("line 1", exact=True)).to_be_visible()
    await page.get_by_role("textbox", name="Search the log").fill("line 74526")
    await page.keyboard.press("Enter")
    await expect(log.get_by_text("line 74526", exact=True)).to_be_visible()
    assert await log.evaluate("each => each.querySelectorAll('[data-stream]').length") < 100

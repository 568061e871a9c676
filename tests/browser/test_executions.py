"""The overview and the list of executions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from aiop.client import AsyncClient
from browser.accessibility import violations
from browser.flows import execute, gate, step
from browser.watch import Watch

BAR = re.compile(r"\d\d:\d\d.*: ([0-9]+ completed|nothing ended|[0-9]+ failed)")

pytestmark = [pytest.mark.browser, pytest.mark.docker]


async def test_the_overview_shows_what_runs_what_waits_and_what_has_failed_and_why(
    page: Page, api: AsyncClient, image: str, gates: Path
) -> None:
    volume, wait = gate(gates / "overview")
    failed = await execute(api, image, "overview-failing", step("a", "echo the disk is gone >&2; exit 3"))
    await api.executions.wait(failed)
    running = await execute(api, image, "overview-running", step("a", wait), step("b", "true", "a"), volumes=[volume])
    await page.goto("/")
    now = page.get_by_role("region", name="Running now")
    await expect(now.get_by_role("link", name="overview-running")).to_be_visible()
    await expect(now.get_by_title("1 running, 1 pending")).to_be_visible()
    lately = page.get_by_role("region", name="Failed lately")
    await expect(lately.get_by_role("link", name="overview-failing")).to_be_visible()
    await expect(lately.get_by_text(re.compile("exit code 3.*the disk is gone"))).to_be_visible()
    await expect(page.get_by_role("img", name=re.compile("Throughput: [0-9]+ executions? ended"))).to_be_visible()
    assert await violations(page) == []
    (gates / "overview" / "open").touch()
    await expect(now.get_by_role("link", name="overview-running")).to_be_hidden()  # without being asked
    await api.executions.wait(running)


async def test_a_bar_of_a_chart_says_its_numbers(page: Page, api: AsyncClient, image: str) -> None:
    await api.executions.wait(await execute(api, image, "counted", step("a", "true")))
    await page.goto("/?range=1h")
    chart = page.get_by_role("region", name="Throughput")
    await expect(chart.get_by_text(re.compile("executions? ended"))).to_be_visible()
    await chart.locator("[class*=column]").last.hover()
    await expect(chart.get_by_text(BAR)).to_be_visible()


async def test_the_list_is_filtered_sorted_and_paged_by_its_address(page: Page, api: AsyncClient, image: str) -> None:
    document = {"name": "many", "container_config": {"image": image}, "steps": [step("a", "true")]}
    workflow = await api.workflows.create(document)
    made = [(await api.workflows.execute(workflow.id)).execution_id for _ in range(26)]
    for execution in made:
        await api.executions.wait(execution)
    await page.goto(f"/executions?workflow={workflow.id}")
    rows = page.get_by_role("row").filter(has=page.get_by_role("link"))
    await expect(rows).to_have_count(25)
    await expect(page.get_by_text("1\N{EN DASH}25 of 26")).to_be_visible()
    await page.get_by_role("button", name="Next page").click()
    await expect(page).to_have_url(f"/executions?workflow={workflow.id}&page=2")
    await expect(rows).to_have_count(1)
    await page.get_by_role("button", name="Submitted").click()
    await page.get_by_role("button", name="Submitted").click()
    await expect(page.get_by_role("columnheader", name="Submitted")).to_have_attribute("aria-sort", "ascending")
    await expect(rows.first.get_by_role("link")).to_have_attribute("href", f"/executions/{made[0]}")
    await page.go_back()
    await page.go_back()
    await expect(page.get_by_text("26\N{EN DASH}26 of 26")).to_be_visible()
    await page.get_by_role("combobox", name="Status").click()
    await page.get_by_role("option", name="failed").click()
    await expect(page.get_by_role("heading", name="No execution is like that")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("button", name="Show all executions").click()
    await expect(rows.first).to_be_visible()
    assert await violations(page) == []


async def test_a_row_leads_to_the_execution_by_mouse_and_by_keyboard(page: Page, api: AsyncClient, image: str) -> None:
    execution = await execute(api, image, "to-be-opened", step("a", "true"))
    await api.executions.wait(execution)
    await page.goto("/executions")
    row = page.get_by_role("row").filter(has=page.get_by_text("to-be-opened"))
    await row.click(position={"x": 500, "y": 10})
    await expect(page).to_have_url(f"/executions/{execution}")
    await page.go_back()
    await row.get_by_role("link").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="to-be-opened")).to_be_visible()


async def test_a_lost_connection_shows_and_heals(page: Page, watch: Watch) -> None:
    watch.expected.append("ERR_FAILED")
    await page.goto("/executions")
    await expect(page.get_by_role("heading", name="Executions")).to_be_visible()
    await page.route("**/monitoring/**", lambda route: route.abort())
    await page.route("**/healthz", lambda route: route.abort())
    lost = page.get_by_text("The connection is lost")
    await expect(lost).to_be_visible()
    assert await violations(page) == []
    await page.unroute_all()
    await expect(lost).to_be_hidden(timeout=15_000)


async def test_a_narrow_window_has_everything_and_nothing_beside_it(page: Page, api: AsyncClient, image: str) -> None:
    execution = await execute(api, image, "on-a-telephone", step("a", "echo hello"), step("b", "true", "a"))
    await api.executions.wait(execution)
    await page.set_viewport_size({"width": 390, "height": 844})
    for path in (
        "/",
        "/executions",
        f"/executions/{execution}",
        f"/executions/{execution}?step=a",
        f"/executions/{execution}?view=timeline",
    ):
        await page.goto(path)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await page.wait_for_load_state("networkidle")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390, path
    assert await violations(page) == []
    await page.get_by_role("button", name="Navigation").click()
    await page.get_by_role("link", name="Overview").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()

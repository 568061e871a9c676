"""One execution: as a graph, over time, by its log and values, live and afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from aiop.client import AsyncClient
from browser.accessibility import violations
from browser.flows import execute, gate, step

pytestmark = [pytest.mark.browser, pytest.mark.docker]


async def test_an_execution_is_watched_live_from_waiting_to_its_end(
    page: Page, api: AsyncClient, image: str, gates: Path
) -> None:
    volume, wait = gate(gates / "live")
    steps = (step("first", wait), step("second", "echo done", "first", name="The second"))
    execution = await execute(api, image, "watched", *steps, volumes=[volume])
    await page.goto(f"/executions/{execution}")
    await expect(page.get_by_role("button", name="running first")).to_be_visible()
    await expect(page.get_by_role("button", name="pending The second")).to_be_visible()
    assert await violations(page) == []
    (gates / "live" / "open").touch()
    await expect(page.get_by_role("button", name="completed first")).to_be_visible()
    await expect(page.get_by_role("button", name="completed The second")).to_be_visible()
    await expect(page.get_by_role("button", name="Run again")).to_be_visible()


async def test_a_log_is_followed_while_it_is_written(page: Page, api: AsyncClient, image: str, gates: Path) -> None:
    volume, wait = gate(gates / "log")
    script = f"i=1; while [ $i -le 200 ]; do echo line $i; i=$((i+1)); done; {wait}; echo the last"
    execution = await execute(api, image, "talking", step("talk", script), volumes=[volume])
    await page.goto(f"/executions/{execution}?step=talk")
    log = page.get_by_role("log")
    await expect(log.get_by_text("line 200", exact=True)).to_be_visible()
    follow = page.get_by_role("button", name="Follow")
    await expect(follow).to_have_attribute("aria-pressed", "true")
    await log.evaluate("log => log.scrollTop = 0")
    await expect(log.get_by_text("line 1", exact=True)).to_be_visible()
    await expect(follow).to_have_attribute("aria-pressed", "false")
    (gates / "log" / "open").touch()
    await expect(page.get_by_role("complementary").get_by_text("completed")).to_be_visible()
    await expect(log.get_by_text("line 1", exact=True)).to_be_visible()  # who reads is not pushed on
    await follow.click()
    await expect(log.get_by_text("the last", exact=True)).to_be_visible()


async def test_a_failure_shows_its_reason_its_attempts_and_its_colours(
    page: Page, api: AsyncClient, image: str
) -> None:
    script = r"printf '\033[32mgood\033[0m\n'; printf '\033[31mbad\033[0m\n' >&2; exit 7"
    steps = (
        step("break", script, retry={"max_attempts": 2}, outputs={"n": {"default": "1"}}),
        step("after", "true", "break"),
    )
    execution = await execute(api, image, "breaking", *steps, resources={"memory": "32Mi"})
    await api.executions.wait(execution)
    await page.goto(f"/executions/{execution}")
    await expect(page.get_by_text(re.compile("step 'break' failed: exit code 7"))).to_be_visible()
    await page.get_by_role("button", name="failed break").click()
    panel = page.get_by_role("complementary", name="Step break")
    await expect(panel.get_by_text("exit code 7").first).to_be_visible()
    log = panel.get_by_role("log")
    await expect(log.get_by_text("bad").first).to_have_css("color", "rgb(255, 133, 133)")
    await panel.get_by_role("combobox", name="Stream").click()
    await page.get_by_role("option", name="stderr").click()
    await expect(log.get_by_text("good")).to_have_count(0)
    await panel.get_by_role("combobox", name="Attempt").click()
    await page.get_by_role("option", name="Attempt 2").click()
    await expect(log.get_by_text("bad")).to_have_count(1)
    assert await violations(page) == []
    await panel.get_by_role("tab", name="Details").click()
    await expect(panel.get_by_text("memory 32Mi")).to_be_visible()
    await expect(panel.get_by_role("heading", name="Attempts")).to_be_visible()
    assert await violations(page) == []
    await panel.get_by_role("button", name="Close").click()
    await expect(panel).to_be_hidden()
    await page.get_by_role("button", name="skipped after").click()
    await expect(page.get_by_role("complementary", name="Step after").get_by_text("upstream failed")).to_be_visible()


async def test_a_log_is_searched_and_downloaded(page: Page, api: AsyncClient, image: str, tmp_path: Path) -> None:
    script = "i=1; while [ $i -le 500 ]; do echo line $i; i=$((i+1)); done; echo needle; echo end"
    execution = await execute(api, image, "searched", step("s", script))
    await api.executions.wait(execution)
    await page.goto(f"/executions/{execution}?view=log")
    search = page.get_by_role("textbox", name="Search the log")
    await expect(page.get_by_role("log").get_by_text("needle")).to_be_visible()
    await search.fill("LINE 49")
    await expect(page.get_by_text("11", exact=True)).to_be_visible()
    await search.press("Enter")
    await expect(page.get_by_text("1/11")).to_be_visible()
    await expect(page.locator("[data-found=current]")).to_contain_text("line 49")
    await search.press("Shift+Enter")
    await expect(page.get_by_text("11/11")).to_be_visible()
    await expect(page.locator("[data-found=current]")).to_contain_text("line 499")
    assert await violations(page) == []
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download the log").click()
    download = await started.value
    await download.save_as(tmp_path / "log")
    lines = (tmp_path / "log").read_text().splitlines()
    assert (len(lines), lines[0], lines[-1]) == (502, "[s] line 1", "[s] end")
    assert download.suggested_filename == f"{execution[-8:]}-all.log"


async def test_an_execution_is_cancelled_after_a_question(
    page: Page, api: AsyncClient, image: str, gates: Path
) -> None:
    volume, wait = gate(gates / "cancel")
    execution = await execute(api, image, "endless", step("s", f"trap 'exit 0' TERM; {wait}"), volumes=[volume])
    await page.goto(f"/executions/{execution}")
    await expect(page.get_by_role("button", name="running s")).to_be_visible()
    await page.get_by_role("button", name="Cancel").click()
    dialog = page.get_by_role("dialog", name="Cancel this execution?")
    await expect(dialog.get_by_role("button", name="Cancel the execution")).to_be_focused()
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Let it run").click()
    await expect(dialog).to_be_hidden()
    await page.get_by_role("button", name="Cancel").click()
    await dialog.get_by_role("button", name="Cancel the execution").click()
    await expect(page.get_by_role("button", name="cancelled s")).to_be_visible()
    await expect(page.get_by_role("button", name="Run again")).to_be_visible()
    assert (await api.executions.get(execution)).status == "cancelled"


async def test_an_execution_is_run_again_with_the_same_inputs(page: Page, api: AsyncClient, image: str) -> None:
    execution = await execute(api, image, "repeated", step("s", "echo ${inputs.word}"), inputs={"word": "hello"})
    await api.executions.wait(execution)
    await page.goto(f"/executions/{execution}?view=values")
    await expect(page.get_by_role("region", name="Inputs").get_by_text("hello")).to_be_visible()
    await expect(page.get_by_role("region", name="Outputs").get_by_text("hello")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("button", name="Run again").click()
    await expect(page).not_to_have_url(re.compile(execution))
    again = re.search(r"/executions/([0-9a-f-]{36})", page.url)
    assert again is not None
    assert (await api.executions.wait(again[1])).inputs == {"word": "hello"}


async def test_the_timeline_leads_to_a_step(page: Page, api: AsyncClient, image: str) -> None:
    execution = await execute(api, image, "timed", step("a", "sleep 0.3"), step("b", "true", "a"))
    await api.executions.wait(execution)
    await page.goto(f"/executions/{execution}?view=timeline")
    await page.get_by_role("button", name="completed b").click()
    await expect(page.get_by_role("complementary", name="Step b")).to_be_visible()
    await expect(page).to_have_url(re.compile("view=timeline&step=b"))
    assert await violations(page) == []


async def test_what_is_not_there_says_so(page: Page, watch_expects_404: None) -> None:
    unknown = "123e4567-e89b-12d3-a456-426614174009"
    things = [f"/{kind}/{unknown}" for kind in ("agents", "executions", "pipelines", "workflows")]
    for path in (*things, f"/workflows/{unknown}/edit", f"/workflows/{unknown}/versions", "/no/such/page"):
        await page.goto(path)
        await expect(page.get_by_role("heading", name="There is no such page", level=1)).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("link", name="To the overview").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()

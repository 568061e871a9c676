"""Workflows: found, written with every fault at its place, run by a form, and what has changed in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Dialog, Locator, Page, expect

from aiop.client import AsyncClient
from browser.accessibility import violations
from browser.flows import gate, write
from browser.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.docker]


def document(image: str, name: str, **fields: Any) -> dict[str, Any]:
    script = 'echo "Hello, $INPUT_WHO!"'
    step = {
        "id": "greet",
        "container": {"image": image, "script": script, "network": "none"},
        "inputs": {"who": "${inputs.who}"},
    }
    inputs = {"who": {"type": "string", "required": True}, "times": {"type": "integer", "default": 1}}
    return {"name": name, "inputs": inputs, "steps": [step], **fields}


async def test_a_list_is_filtered_sorted_and_paged_by_the_address(page: Page, api: AsyncClient, image: str) -> None:
    for number in range(27):
        await api.workflows.create(document(image, f"listed-{number:02}", description=f"Number {number}"))
    await page.goto("/workflows?name=listed-&sort=name:asc")
    await expect(page.get_by_role("row")).to_have_count(26)
    await page.get_by_role("button", name="Next page").click()
    await expect(page.get_by_role("link", name="listed-26")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"[?&]page=2"))
    await page.get_by_role("searchbox", name="Name").fill("listed-07")
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.get_by_role("searchbox", name="Name").fill("there is none")
    await expect(page.get_by_role("heading", name="No workflow fits")).to_be_visible()
    assert await violations(page) == []


async def test_a_filter_that_is_cleared_while_it_is_typed_does_not_come_back(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.clock.install()
    await page.goto("/workflows")
    await expect(page.get_by_role("heading", name="Workflows", level=1)).to_be_visible()
    await page.clock.pause_at(await page.evaluate("Date.now() + 10_000"))
    await page.get_by_role("searchbox", name="Name").fill("half a wo")
    await page.get_by_role("button", name="Clear the filter").click()
    await page.clock.run_for(1000)
    await page.clock.resume()
    await page.get_by_role("searchbox", name="Name").fill("whole")
    await expect(page).to_have_url(re.compile(r"name=whole"))
    assert not [url for url in asked if "half" in url]


async def test_a_workflow_is_written_with_its_faults_shown_and_run_by_a_form(
    page: Page, api: AsyncClient, image: str, watch: Watch
) -> None:
    watch.expected.append("400")
    await page.goto("/workflows")
    await page.get_by_role("link", name="New").click()
    editor = page.get_by_role("textbox", name="Definition")
    await expect(page.get_by_text("No faults")).to_be_visible()

    await write(page, f"name: written\nsteps:\n  - id: a\n    container:\n      imag: {image}\n      script: echo hi\n")
    await expect(page.get_by_role("list", name="Faults").get_by_role("listitem")).to_have_count(2)
    await page.get_by_role("button", name="Line 5").first.click()
    await expect(editor).to_be_focused()
    assert await violations(page) == []

    await editor.fill(
        f"name: written\nsteps:\n  - id: a\n    container:\n      image: {image}\n      script: echo hi\n"
    )
    await expect(page.get_by_text("No faults")).to_be_visible()
    await page.get_by_role("radiogroup", name="Language").get_by_text("JSON").click()
    await expect(editor).to_contain_text('"name": "written"')
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", name="written", exact=True)).to_be_visible()

    await page.get_by_role("button", name="Run").click()
    await page.get_by_role("dialog").get_by_role("button", name="Run").click()
    await expect(page).to_have_url(re.compile(r"/executions/"))
    [workflow] = [each async for each in api.workflows.iter(name="written")]
    [execution] = (await api.executions.list(workflow=workflow.id)).items
    assert (await api.executions.wait(execution.id)).succeeded


async def test_what_can_be_written_is_offered(page: Page) -> None:
    await page.goto("/workflows/new")
    editor = page.get_by_role("textbox", name="Definition")
    await expect(page.get_by_text("No faults")).to_be_visible()
    await editor.click()
    await page.keyboard.press("Control+End")
    await page.keyboard.type("outp")
    offer = page.get_by_role("option", name="outputs")
    await expect(offer).to_be_visible()
    await offer.click()
    await expect(editor).to_contain_text("outputs:")
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Control+Space")
    await expect(page.get_by_role("option", name="fail_fast")).to_be_visible()


async def test_a_form_asks_for_the_inputs_as_they_are_declared(
    page: Page, api: AsyncClient, image: str, watch: Watch
) -> None:
    watch.expected.append("400")
    workflow = await api.workflows.create(document(image, "with inputs"))
    await page.goto(f"/workflows/{workflow.id}")
    await page.get_by_role("button", name="Run").click()
    dialog = page.get_by_role("dialog")
    assert await violations(page) == []
    await dialog.get_by_role("textbox", name="who", exact=True).fill("you")
    await dialog.get_by_label("times").fill("3")
    await dialog.get_by_role("button", name="Run").click()
    await expect(page).to_have_url(re.compile(r"/executions/"))
    [execution] = (await api.executions.list(workflow=workflow.id)).items
    ended = await api.executions.wait(execution.id)
    assert (ended.inputs, ended.outputs) == ({"who": "you", "times": 3}, {"result": "Hello, you!"})


async def test_a_change_makes_a_version_whose_difference_is_shown(page: Page, api: AsyncClient, image: str) -> None:
    workflow = await api.workflows.create(document(image, "changed", description="before"))
    await page.goto(f"/workflows/{workflow.id}/edit")
    editor = page.get_by_role("textbox", name="Definition")
    await expect(editor).to_contain_text("description: before")
    text = await editor.inner_text()
    await write(page, text.replace("description: before", "fail_fast: true"))
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="changed", exact=True)).to_be_visible()
    changed = await api.workflows.get(workflow.id)
    assert (changed.description, changed.raw["fail_fast"]) == (None, True)

    await page.get_by_role("link", name="Versions").click()
    await expect(page.get_by_label("Version 1")).to_contain_text("description: before")
    await expect(page.get_by_label("Version 2")).to_contain_text("fail_fast: true")
    assert await violations(page) == []


async def stay(dialog: Dialog, asked: list[str]) -> None:
    asked.append(dialog.message)
    await dialog.dismiss()


async def test_nothing_written_is_lost_by_a_slip(page: Page) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: stay(dialog, asked))
    await page.goto("/workflows/new")
    await expect(page.get_by_text("No faults")).to_be_visible()
    await write(page, "name: unsaved\n")
    await page.get_by_role("link", name="Agents").click()
    await expect(page.get_by_role("heading", name="New workflow")).to_be_visible()
    assert asked == ["Leave without saving what you have written?"]


async def test_buttons_and_times_keep_to_one_row_on_a_telephone(page: Page, api: AsyncClient, image: str) -> None:
    workflow = await api.workflows.create(document(image, "narrow"))
    await api.executions.wait((await api.workflows.execute(workflow.id, {"who": "you"})).execution_id)
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(f"/workflows/{workflow.id}")
    await expect(page.get_by_role("cell").locator("time")).to_be_visible()
    boxes = [
        await page.get_by_text(label, exact=True).bounding_box() for label in ("Versions", "Edit", "Delete", "Run")
    ]
    assert len({box["y"] for box in boxes if box is not None}) == 1
    assert await page.get_by_role("cell").locator("time").evaluate("each => each.getClientRects().length") == 1
    assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_the_status_beside_the_name_is_that_of_the_newest_execution(
    page: Page, api: AsyncClient, image: str, gates: Path
) -> None:
    volume, wait = gate(gates / "status")
    container = {"image": image, "script": wait, "volumes": [volume], "network": "none"}
    workflow = await api.workflows.create({"name": "current", "steps": [{"id": "a", "container": container}]})
    await page.goto(f"/workflows/{workflow.id}")
    head = page.locator("header").filter(has=page.get_by_role("heading", name="current", level=1))
    await expect(head.get_by_text("pending")).to_be_visible()
    await api.workflows.execute(workflow.id)
    await expect(head.get_by_text("running")).to_be_visible()
    (gates / "status" / "open").touch()
    await expect(head.get_by_text("completed")).to_be_visible()


async def test_a_workflow_is_written_and_run_by_the_keyboard_alone(page: Page, api: AsyncClient, image: str) -> None:
    async def tab_to(control: Locator) -> None:
        for _ in range(40):
            await page.keyboard.press("Tab")
            if await control.evaluate("each => each === document.activeElement"):
                return
        raise AssertionError(f"Tab does not lead to {control}")

    await page.goto("/")
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await tab_to(page.get_by_role("link", name="Workflows"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Workflows", level=1)).to_be_visible()
    await tab_to(page.get_by_role("link", name="New"))
    await page.keyboard.press("Enter")
    editor = page.get_by_role("textbox", name="Definition")
    await expect(page.get_by_text("No faults")).to_be_visible()
    await tab_to(editor)
    await page.keyboard.press("Control+A")
    text = f"name: by keyboard\nsteps:\n- {{id: a, container: {{image: {image}, script: echo hi, network: none"
    await page.keyboard.type(text)  # each line begins where the one before it did, and braces close themselves
    await expect(editor).to_contain_text("network: none}}")
    await expect(page.get_by_text("No faults")).to_be_visible()
    await page.keyboard.press("Escape")  # what is offered
    await page.keyboard.press("Escape")
    await tab_to(page.get_by_role("button", name="Create"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="by keyboard")).to_be_visible()
    await tab_to(page.get_by_role("button", name="Run"))
    await page.keyboard.press("Enter")
    run = page.get_by_role("dialog").get_by_role("button", name="Run")
    await expect(run).to_be_visible()
    await tab_to(run)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/executions/*")
    assert (await api.executions.wait(page.url.rpartition("/")[2])).succeeded


async def test_a_workflow_is_deleted_when_that_is_confirmed(page: Page, api: AsyncClient, image: str) -> None:
    workflow = await api.workflows.create(document(image, "to go"))
    await page.goto(f"/workflows/{workflow.id}")
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("heading", name="Workflows", level=1)).to_be_visible()
    assert (await api.workflows.list(name="to go")).total == 0

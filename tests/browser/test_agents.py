"""Agents: their load and health; registered, changed and deleted."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from aiop.client import AsyncClient
from browser.accessibility import violations
from browser.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.docker]


async def test_an_agent_is_registered_changed_and_deleted(page: Page, api: AsyncClient, watch: Watch) -> None:
    watch.expected.append("400")
    await page.goto("/agents")
    await expect(page.get_by_role("row", name="local")).to_be_visible()
    await page.get_by_role("button", name="Register").click()
    dialog = page.get_by_role("dialog")
    assert await violations(page) == []
    await dialog.get_by_label("Name").fill("builder")
    await dialog.get_by_role("combobox", name="Type").click()
    await page.get_by_role("option", name="Docker").click()
    await dialog.get_by_label("Endpoint").fill("nowhere")
    await dialog.get_by_role("button", name="Register").click()
    await expect(dialog.locator(".mantine-TextInput-error")).to_be_visible()
    await dialog.get_by_label("Endpoint").fill("tcp://127.0.0.1:9")
    await dialog.get_by_role("button", name="Register").click()
    await page.get_by_role("link", name="builder").click()
    await expect(page.get_by_text("Its engine is in trouble")).to_be_visible()
    assert await violations(page) == []

    await page.get_by_role("button", name="Edit").click()
    await page.get_by_role("dialog").get_by_label("Executions at once").fill("3")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("0 of 3")).to_be_visible()

    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("heading", name="Agents", level=1)).to_be_visible()
    assert [agent.name async for agent in api.agents.iter()] == ["local"]


async def test_an_agent_in_use_is_deleted_by_force_only(
    page: Page, api: AsyncClient, image: str, watch: Watch, service
) -> None:
    watch.expected.append("400")
    [local] = (await api.agents.list(name="local")).items
    engine = (await api.agents.get(local.id)).engine
    agent = await api.agents.create(
        {
            "name": "in use",
            "capabilities": ["containerized_workflow", "in-use"],
            "engine": {"type": engine.type, "endpoint": engine.endpoint},
        }
    )
    steps = [{"id": "a", "container": {"image": image, "script": "sleep 600", "network": "none"}}]
    workflow = await api.workflows.create({"name": "on it", "steps": steps, "requires": ["in-use"]})
    submission = await api.workflows.execute(workflow.id)
    events = api.executions.events(submission.execution_id)
    async for event in events:
        if event.type == "StepStarted":
            break
    await events.aclose()
    await page.goto(f"/agents/{agent.id}")
    await expect(page.get_by_text("1 of 10")).to_be_visible()
    await page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Delete").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("executions are on the agent")
    await dialog.get_by_label("By force").check()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("heading", name="Agents", level=1)).to_be_visible()
    assert (await api.executions.wait(submission.execution_id)).status == "failed"

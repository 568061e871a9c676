"""Agents: their load and health; registered, changed and deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from aiop.client import AsyncClient, InvalidRequest
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


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u, namespace: jobs}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:9"}}]
users: [{name: u, user: {token: t}}]
"""


async def test_a_cluster_is_registered_with_each_fault_at_its_field(
    page: Page, api: AsyncClient, watch: Watch, tmp_path: Path
) -> None:
    watch.expected.append("400")
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text("no: kubeconfig")
    await page.goto("/agents")
    await page.get_by_role("button", name="Register").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("cluster")
    await dialog.get_by_role("combobox", name="Type").click()
    await page.get_by_role("option", name="Kubernetes").click()
    async with page.expect_file_chooser() as chooser:
        await dialog.get_by_role("button", name="Kubeconfig").click()
    await (await chooser.value).set_files(kubeconfig)
    await dialog.get_by_label("Namespace").fill("No Name")
    for label, word in (("Node selector", "disk=ssd"), ("Tolerations", "spot:NoSchedule")):
        await dialog.get_by_role("combobox", name=label).fill(word)
        await page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="Register").click()
    faulty = dialog.locator("[aria-invalid=true], [data-error=true]")
    await expect(dialog.get_by_label("Namespace")).to_have_attribute("aria-invalid", "true")
    await expect(dialog.locator(".mantine-FileInput-error")).to_be_visible()
    await expect(dialog.get_by_role("alert")).to_have_count(0)
    assert await faulty.count() >= 2
    assert await violations(page) == []

    kubeconfig.write_text(KUBECONFIG)
    async with page.expect_file_chooser() as chooser:
        await dialog.get_by_role("button", name="Kubeconfig").click()
    await (await chooser.value).set_files(kubeconfig)
    await dialog.get_by_label("Namespace").fill("batch")
    await dialog.get_by_role("button", name="Register").click()
    await page.get_by_role("link", name="cluster").click()
    for fact in ("batch", "disk=ssd", "spot:NoSchedule", "stored"):
        await expect(page.get_by_text(fact, exact=True)).to_be_visible()

    await page.get_by_role("button", name="Edit").click()
    await dialog.get_by_label("Namespace").fill("other")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("other", exact=True)).to_be_visible()
    [agent] = (await api.agents.list(name="cluster")).items
    engine = (await api.agents.get(agent.id)).engine
    assert engine.raw["pods"]["tolerations"] == [
        {"key": "spot", "operator": "Exists", "value": None, "effect": "NoSchedule"}
    ]
    assert engine.raw["tls"] is True  # its kubeconfig was not sent again
    await api.agents.delete(agent.id)


async def test_an_agent_without_its_words_gets_nothing_new(page: Page, api: AsyncClient, image: str) -> None:
    [local] = (await api.agents.list(name="local")).items
    engine = (await api.agents.get(local.id)).engine
    address = {"type": engine.type, "endpoint": engine.endpoint}
    agent = await api.agents.create({"name": "to rest", "capabilities": ["resting"], "engine": address})
    document = {"name": "for it", "requires": ["resting"], "steps": [{"id": "a", "container": {"image": image}}]}
    workflow = await api.workflows.create(document)
    await page.goto(f"/agents/{agent.id}")
    await expect(page.get_by_text("idle")).to_be_visible()
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_role("dialog").get_by_role("combobox", name="Can do").focus()
    await page.keyboard.press("Backspace")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    with pytest.raises(InvalidRequest, match="resting"):
        await api.workflows.execute(workflow.id)
    await api.agents.delete(agent.id)


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

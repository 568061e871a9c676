"""Users, tokens, secrets and the audit log; and what the pages look like to others than admins, and in small."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from aiop.client import AsyncClient, Client, Unauthenticated
from browser.accessibility import violations
from browser.watch import Watch
from service_process import ServiceProcess

pytestmark = [pytest.mark.browser, pytest.mark.docker]

PAGES = ["/workflows", "/workflows/new", "/pipelines", "/agents", "/settings/secrets", "/settings/tokens",
         "/settings/users", "/settings/audit"]  # fmt: skip


async def test_a_token_is_shown_once_works_and_is_revoked(page: Page, service: ServiceProcess) -> None:
    await page.goto("/settings/tokens")
    await page.get_by_role("button", name="Create a token").click()
    await page.get_by_role("dialog").get_by_label("What it is for").fill("ci")
    await page.get_by_role("dialog").get_by_role("button", name="Create").click()
    token = await page.get_by_test_id("token").inner_text()
    assert await violations(page) == []
    with Client(service.url, token=token) as program:
        assert program.auth.me().username == "admin"
        await page.get_by_role("button", name="Done").click()
        await expect(page.get_by_text(token)).to_have_count(0)
        await page.get_by_role("button", name="Revoke ci").click()
        await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        await expect(page.get_by_role("heading", name="No tokens")).to_be_visible()
        with pytest.raises(Unauthenticated):
            program.auth.me()


async def test_a_user_is_added_changed_and_deleted(page: Page, api: AsyncClient, watch: Watch) -> None:
    watch.expected.append("400")
    await page.goto("/settings/users")
    await page.get_by_role("button", name="Add a user").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Username").fill("ann")
    await dialog.get_by_role("textbox", name="Password").fill("short")
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(dialog.locator(".mantine-PasswordInput-error")).to_be_visible()
    await dialog.get_by_role("textbox", name="Password").fill("a long password")
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await page.get_by_role("button", name="Edit ann").click()
    await dialog.get_by_role("combobox", name="Role").click()
    await page.get_by_role("option", name="editor").click()
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("row", name="ann").get_by_role("cell", name="editor")).to_be_visible()
    assert (await api.auth.users.get("ann")).role == "editor"
    await page.get_by_role("button", name="Delete ann").click()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("row", name="ann")).to_have_count(0)


async def test_a_secret_is_stored_and_what_was_done_is_in_the_audit_log(page: Page, api: AsyncClient) -> None:
    await page.goto("/settings/secrets")
    await page.get_by_role("button", name="Store a secret").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("API_KEY")
    await page.get_by_role("dialog").get_by_label("Value").fill("hunter2")
    await page.get_by_role("dialog").get_by_role("button", name="Store").click()
    await expect(page.get_by_role("row", name="API_KEY")).to_be_visible()
    await page.goto("/settings/audit?target=API_KEY")
    await expect(page.get_by_role("row", name="SecretCreated")).to_be_visible()
    assert "hunter2" not in await page.content()
    await api.secrets.delete("API_KEY")


async def test_the_scheme_is_that_of_the_system_until_one_is_chosen(page: Page) -> None:
    await page.emulate_media(color_scheme="dark")
    await page.goto("/")
    dark, light = (page.locator(f"html[data-mantine-color-scheme={scheme}]") for scheme in ("dark", "light"))
    await expect(dark).to_be_attached()
    await page.get_by_role("button", name="admin admin menu").click()
    await page.get_by_role("menuitem", name="Light theme").click()
    await expect(light).to_be_attached()
    await page.reload()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await expect(light).to_be_attached()


async def test_who_may_only_read_is_offered_nothing_else(visitor: Page, api: AsyncClient) -> None:
    await api.auth.users.create("reader", "a long password", "viewer")
    await visitor.context.request.post("/auth/session", form={"username": "reader", "password": "a long password"})
    await visitor.goto("/workflows")
    await expect(visitor.get_by_role("heading", name="Workflows", level=1)).to_be_visible()
    await expect(visitor.get_by_role("link", name="New")).to_have_count(0)
    await expect(visitor.get_by_role("link", name="Users")).to_have_count(0)
    await visitor.goto("/agents")
    await expect(visitor.get_by_role("row", name="local")).to_be_visible()
    await expect(visitor.get_by_role("button", name="Register")).to_have_count(0)
    await api.auth.users.delete("reader")


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_accessible_and_fits_a_telephone(page: Page, path: str) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(path)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.wait_for_load_state("networkidle")
    assert await overflowing(page) == []
    assert await violations(page) == []


async def test_every_detail_is_accessible_and_fits_a_telephone(page: Page, api: AsyncClient, image: str) -> None:
    steps = [{"id": "a", "container": {"image": image, "network": "none"}, "when": "true"}]
    workflow = await api.workflows.create(
        {"name": "small", "description": "So long that it wraps " * 5, "steps": steps}
    )
    await api.executions.wait((await api.workflows.execute(workflow.id)).execution_id)
    document = {"name": "small", "source_directory": "/src", "pipeline_definition": {"steps": steps[:1]}}
    pipeline = await api.pipelines.create(document)
    [local] = (await api.agents.list(name="local")).items
    await page.set_viewport_size({"width": 390, "height": 844})
    things = (f"/workflows/{workflow.id}", f"/pipelines/{pipeline.id}", f"/agents/{local.id}")
    for path in (*things, f"{things[0]}/edit", f"{things[0]}/versions", f"{things[1]}/edit"):
        await page.goto(path)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await page.wait_for_load_state("networkidle")
        assert await overflowing(page) == [], path
        if path in things:
            assert await violations(page) == [], path


async def overflowing(page: Page) -> list[str]:
    """Return what is wider than it may be: the page, or a table in its place."""
    return list(
        await page.evaluate(
            """[document.documentElement, ...document.querySelectorAll("[role=region]")]
            .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.ariaLabel ?? each.tagName)"""
        )
    )

"""Every list that has nothing or cannot be loaded, every dialog, and a service that goes away and comes back."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, Route, expect

from browser.accessibility import violations
from browser.watch import Watch
from service_process import ServiceProcess

pytestmark = pytest.mark.browser

LISTS = {
    "/executions": "Nothing has been executed yet",
    "/workflows": "No workflows",
    "/pipelines": "No pipelines",
    "/settings/secrets": "No secrets",
    "/settings/tokens": "No tokens",
}
DIALOGS = {
    "/agents": "Register",
    "/settings/secrets": "Store a secret",
    "/settings/tokens": "Create a token",
    "/settings/users": "Add a user",
}
ANSWERS = re.compile("^http://[^/]+/(dagger|monitoring|secrets|auth/tokens|auth/users|audit)")


@pytest.fixture(scope="session")
def service(bare: ServiceProcess) -> ServiceProcess:
    """Nothing was ever done on the one that is looked at here."""
    return bare


@pytest.fixture(scope="session")
def where() -> dict[str, str]:
    return {"locale": "en-GB", "timezone_id": "Asia/Kathmandu"}


async def test_an_empty_list_says_what_would_be_there(page: Page) -> None:
    for path, title in LISTS.items():
        await page.goto(path)
        await expect(page.get_by_role("heading", name=title)).to_be_visible()
    assert await violations(page) == []
    await page.goto("/")
    for sentence in ("Nothing runs.", "Nothing waits.", "Nothing has failed."):
        await expect(page.get_by_text(sentence)).to_be_visible()


async def test_what_cannot_be_loaded_says_so_and_is_tried_again(page: Page, watch: Watch) -> None:
    watch.expected.append("500")

    async def fail(route: Route) -> None:
        await route.fulfill(
            status=500,
            json={"status": 500, "code": "internal", "message": "It broke", "details": {"request_id": "r-1"}},
        )

    again = page.get_by_role("button", name="Try again")
    for path in (*LISTS, *DIALOGS, "/settings/audit"):
        await page.route(ANSWERS, fail)
        await page.goto(path)
        await expect(page.get_by_role("heading", name="This could not be loaded")).to_be_visible()
        await expect(page.get_by_text("It broke")).to_be_visible()
        await page.unroute_all()
    assert await violations(page) == []
    await again.click()
    await expect(page.get_by_role("row", name="UserSignedIn").first).to_be_visible()


async def test_every_dialog_and_menu_is_accessible(page: Page) -> None:
    for path, button in DIALOGS.items():
        await page.goto(path)
        await page.get_by_role("button", name=button).click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_be_visible()
        assert await violations(page) == [], path
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
    await page.get_by_role("button", name="Edit admin").click()
    await page.get_by_role("dialog").get_by_role("combobox", name="Role").click()
    await expect(page.get_by_role("option", name="viewer: reads")).to_be_visible()
    # Choices and menus lie outside of the landmarks; what opens them says by `aria-controls` that they are its.
    assert await violations(page, without=["region"]) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="admin admin menu").click()
    await expect(page.get_by_role("menuitem", name="Sign out")).to_be_visible()
    assert await violations(page, without=["region"]) == []


async def test_times_are_those_of_the_zone_with_the_exact_one_on_hover(page: Page) -> None:
    await page.clock.install(time="2030-06-01T00:00:00Z")
    await page.goto("/settings/users")
    time = page.get_by_role("row", name="admin (you)").locator("time")
    shown = await time.evaluate(
        """time => {
          const at = new Date(time.dateTime);
          const local = new Date(at.getTime() + (5 * 60 + 45) * 60_000);
          const clock = local.toISOString();
          return [clock.slice(11, 16), clock.slice(11, 19), clock.slice(0, 4), time.textContent, time.title];
        }"""
    )
    minutes, seconds, year, text, title = shown
    assert text.endswith(f"{year}, {minutes}")  # Nepal is five hours and three quarters ahead of UTC
    assert seconds in title
    assert "GMT+5:45" in title


async def test_a_hidden_page_asks_for_nothing(page: Page) -> None:
    asked: list[str] = []
    await page.clock.install()
    await page.goto("/executions")
    await expect(page.get_by_role("heading", name="Nothing has been executed yet")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    hide = "Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => '%s'}); "
    hide += "document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))"
    await page.evaluate(hide % "hidden")
    page.on("request", lambda request: asked.append(request.url))
    await page.clock.run_for(60_000)
    assert asked == []
    async with page.expect_response("**/monitoring/dagger/executions*"):
        await page.evaluate(hide % "visible")


async def test_who_goes_back_sees_what_was_there_before(page: Page) -> None:
    for path, choice, word in (("/executions", "Status", "failed"), ("/agents", "Health", "idle")):
        await page.goto(path)
        await page.get_by_role("combobox", name=choice).click()
        await page.get_by_role("option", name=word).click()
        await expect(page).to_have_url(f"{path}?status={word}")
        await page.go_back()
        await expect(page).to_have_url(path)
        await expect(page.get_by_role("combobox", name=choice)).to_have_value("")
    await page.get_by_role("searchbox", name="Name").fill("loc")
    await expect(page).to_have_url("/agents?name=loc")
    await page.get_by_role("searchbox", name="Name").fill("local")
    await expect(page).to_have_url("/agents?name=local")
    await page.go_back()  # what is typed is no step of its own
    await expect(page).to_have_url("/executions")


async def test_a_service_that_is_killed_and_started_again_is_noticed_and_found_again(
    page: Page, bare: ServiceProcess, watch: Watch
) -> None:
    watch.expected += ["ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE"]
    await page.goto("/workflows")
    await expect(page.get_by_role("heading", name="No workflows")).to_be_visible()
    lost = page.get_by_text("The connection is lost")
    await bare.kill()
    await expect(lost).to_be_visible()
    await expect(page.get_by_role("heading", name="No workflows")).to_be_visible()  # what was there stays
    assert await violations(page) == []
    await bare.start()
    async with bare.client() as api:
        await api.workflows.create({"name": "after", "steps": [{"id": "a", "container": {"image": "i"}}]})
        await expect(lost).to_be_hidden(timeout=15_000)
        await expect(page.get_by_role("link", name="after")).to_be_visible()
        [workflow] = (await api.workflows.list(name="after")).items
        await api.workflows.delete(workflow.id)

"""Signing in and out, and staying signed in."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from browser.accessibility import violations
from browser.watch import Watch
from service_process import PASSWORD, ServiceProcess

pytestmark = [pytest.mark.browser, pytest.mark.docker]


async def sign_in(page: Page, password: str = PASSWORD) -> None:
    await page.get_by_label("Username").fill("admin")
    await page.get_by_role("textbox", name="Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def test_who_signs_in_comes_to_the_page_that_he_asked_for_and_stays_signed_in(visitor: Page) -> None:
    await visitor.goto("/executions?status=failed")
    await expect(visitor.get_by_role("heading", name="Sign in")).to_be_visible()
    await sign_in(visitor)
    await expect(visitor.get_by_role("heading", name="Executions")).to_be_visible()
    await expect(visitor).to_have_url("/executions?status=failed")
    await visitor.reload()
    await expect(visitor.get_by_role("heading", name="Executions")).to_be_visible()
    second = await visitor.context.new_page()
    await second.goto("/sign-in?next=https://evil.test")
    await expect(second.get_by_role("heading", name="Overview")).to_be_visible()


async def test_a_wrong_password_is_told_and_nothing_else(visitor: Page, watch: Watch) -> None:
    watch.expected.append("401")
    await visitor.goto("/")
    await sign_in(visitor, "wrong")
    await expect(visitor.get_by_role("alert")).to_have_text("Wrong username or password")
    await sign_in(visitor)
    await expect(visitor.get_by_role("heading", name="Overview")).to_be_visible()


async def test_who_signs_out_is_out_in_all_windows(page: Page) -> None:
    await page.goto("/executions")
    await page.get_by_role("button", name="admin admin menu").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.goto("/executions")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_no_script_can_read_what_keeps_the_session(page: Page) -> None:
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    kept = await page.evaluate("[document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)]")
    assert "aiopr_" not in str(kept)
    assert "ey" not in str(kept)


async def test_the_sign_in_is_accessible(visitor: Page, service: ServiceProcess) -> None:
    await visitor.goto("/sign-in")
    await expect(visitor.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await violations(visitor) == []

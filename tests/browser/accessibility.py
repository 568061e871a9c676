"""axe, the checker of accessibility, on a page as it is, in both colour schemes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

__all__ = ["violations"]

_AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"


async def violations(page: Page, *, without: Sequence[str] = ()) -> list[str]:
    """Return what axe finds wrong, light and dark, but for some rules; each with the elements that it is about."""
    rules = {rule: {"enabled": False} for rule in without}
    found: list[str] = []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.wait_for_selector(f"html[data-mantine-color-scheme={scheme}]", state="attached")
        await page.evaluate(_source())
        result: dict[str, Any] = await page.evaluate(
            "rules => axe.run({resultTypes: ['violations'], preload: false, iframes: false, rules})", rules
        )
        found += [
            f"{scheme}: {each['id']}: {each['help']}: {node['html'][:200]} {node['failureSummary']}"
            for each in result["violations"]
            for node in each["nodes"]
        ]
    return found


@cache
def _source() -> str:
    return _AXE.read_text()

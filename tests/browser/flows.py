"""Workflows for tests to look at, and ways to have them run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Page

from aiop.client import AsyncClient

__all__ = ["execute", "gate", "step", "write"]


_PASTE = """(editor, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""


async def write(page: Page, text: str) -> None:
    """Put a text into the editor of a definition as who pastes it does."""
    editor = page.get_by_role("textbox", name="Definition", exact=True)
    await editor.click()
    await page.keyboard.press("Control+A")
    await page.keyboard.press("Delete")
    await editor.evaluate(_PASTE, text)


def step(step_id: str, script: str, *needs: str, **fields: Any) -> dict[str, Any]:
    """Write a step."""
    return {"id": step_id, "depends_on": list(needs), "container": {"script": script}, **fields}


async def execute(
    api: AsyncClient, image: str, name: str, *steps: dict[str, Any], inputs: dict[str, Any] | None = None, **more: Any
) -> str:
    """Store a workflow and execute it; returns the execution's id."""
    config = {"image": image, "network": "none", **more}
    workflow = await api.workflows.create({"name": name, "container_config": config, "steps": list(steps)})
    return (await api.workflows.execute(workflow.id, inputs)).execution_id


def gate(directory: Path) -> tuple[dict[str, Any], str]:
    """Return a volume and a script that waits until there is a file ``open`` in the directory."""
    directory.mkdir(exist_ok=True)
    volume = {"source": str(directory), "target": "/gate"}
    return volume, "while [ ! -e /gate/open ]; do sleep 0.1; done"

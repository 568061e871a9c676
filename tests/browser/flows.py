"""Workflows for tests to look at, and ways to have them run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiop.client import AsyncClient

__all__ = ["execute", "gate", "step"]


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

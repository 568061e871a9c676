"""Workflow documents that say no more than a test needs."""

from __future__ import annotations

from typing import Any

import httpx

__all__ = ["created", "executed", "workflow"]


def workflow(name: str = "w", **fields: Any) -> dict[str, Any]:
    """Write a workflow of one step."""
    return {"name": name, "steps": [{"id": "s", "container": {"image": "busybox:1"}}], **fields}


async def created(client: httpx.AsyncClient, name: str = "w", **fields: Any) -> str:
    """Store a workflow and return its id."""
    answer = await client.post("/dagger/workflows", json=workflow(name, **fields))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def executed(client: httpx.AsyncClient, workflow: str, **inputs: Any) -> str:
    """Execute a workflow and return the execution's id."""
    answer = await client.post(f"/dagger/workflows/{workflow}/execute", json={"inputs": inputs})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["execution_id"])

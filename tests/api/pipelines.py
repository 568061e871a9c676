"""Pipelines over a small source, stored and executed."""

from __future__ import annotations

from typing import Any

import httpx

__all__ = ["DOCUMENT", "created", "execute"]

DOCUMENT = """\
container_config: {image: busybox}
inputs: {who: {type: string, required: true}}
steps:
- {id: build, container: {script: make}}
- {id: test, container: {script: test}, depends_on: [build]}
outputs: [{name: program, path: out/program, step: build}]
"""


async def created(client: httpx.AsyncClient, **fields: Any) -> str:
    """Store a pipeline and return its id."""
    body = {"name": "p", "source_directory": "/src", "pipeline_definition": "pipeline.yaml", **fields}
    answer = await client.post("/dagger/pipelines", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def execute(client: httpx.AsyncClient, pipeline: str, **body: Any) -> httpx.Response:
    """Ask for an execution."""
    return await client.post(f"/dagger/pipelines/{pipeline}/execute", json={"inputs": {"who": "me"}, **body})

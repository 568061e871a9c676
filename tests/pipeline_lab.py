"""Runs a pipeline by the whole service in this process, over a source that a test changes between the runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from aiop.config import Settings
from aiop.runtime.build import Service, build_service

__all__ = ["PASSWORD", "PipelineLab", "pipeline_lab"]

PASSWORD = "correct-horse-battery"


@dataclass
class PipelineLab:
    """One pipeline; ``source`` is its directory."""

    service: Service
    http: httpx.AsyncClient
    source: Path
    pipeline: str = ""

    def change(self, files: Mapping[str, str | None]) -> None:
        """Write files of the source; ``None`` removes one."""
        for name, text in files.items():
            path = self.source / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)

    async def define(self, definition: Any = "pipeline.yaml", **fields: Any) -> None:
        """Store the pipeline, or change it."""
        body = {"name": "lab", "source_directory": str(self.source), "pipeline_definition": definition, **fields}
        if self.pipeline:
            answer = await self.http.patch(f"/dagger/pipelines/{self.pipeline}", json=body)
        else:
            answer = await self.http.post("/dagger/pipelines", json=body)
        assert answer.is_success, answer.text
        self.pipeline = answer.json()["id"]

    async def submit(self, **body: Any) -> str:
        """Execute the pipeline; returns the path of the execution."""
        answer = await self.http.post(f"/dagger/pipelines/{self.pipeline}/execute", json=body)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    async def run(self, **body: Any) -> dict[str, Any]:
        """Execute the pipeline and return the execution at its end."""
        location = await self.submit(**body)
        await self.http.get(f"{location}/events")  # ends when the execution does
        found = (await self.http.get(location)).json()
        found["caches"] = {step: await self.cache(found["id"], step) for step in found["steps"]}
        return found

    async def cache(self, execution: str, step: str) -> dict[str, Any]:
        """Ask what the cache was for a step."""
        return (await self.http.get(f"/dagger/executions/{execution}/steps/{step}/cache")).json()


@asynccontextmanager
async def pipeline_lab(directory: Path, **settings: Any) -> AsyncIterator[PipelineLab]:
    """Open the service, by default with the fake engine."""
    source = directory / "source"
    source.mkdir(exist_ok=True)
    chosen = {"data_dir": directory / "data", "engine": "fake", "admin_password": PASSWORD, **settings}
    chosen.setdefault("source_roots", (str(directory),))
    async with build_service(Settings(**chosen)) as service:
        loops = [asyncio.create_task(part.run()) for part in (service.supervisor, service.fleet)]
        transport = httpx.ASGITransport(service.app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://aiop", timeout=60) as http:
                answer = await http.post("/auth/token", data={"username": "admin", "password": PASSWORD})
                http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
                yield PipelineLab(service, http, source)
            await service.fleet.drain()
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

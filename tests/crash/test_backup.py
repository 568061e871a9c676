"""A copy that was taken while the service ran is a service of its own: what docs/how-to/operations.md does."""

import asyncio
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from service_process import ServiceProcess

PIPELINE = {
    "name": "backed-up",
    "steps": [
        {"id": "make", "container": {"image": "busybox", "script": "cat f > made"}},
        {
            "id": "use",
            "depends_on": ["make"],
            "container": {"image": "busybox", "script": "cat made", "environment": {"K": "${secrets.KEPT}"}},
        },
    ],
    "outputs": [{"name": "made", "path": "made", "step": "make"}],
}
SECRET = "a-value-that-nobody-may-lose"


def back_up(data: Path, copy: Path) -> None:
    """Copy the database first: what it refers to is kept longer than the rest of the copy takes."""
    copy.mkdir(mode=0o700)
    with closing(sqlite3.connect(data / "aiop.db")) as source, closing(sqlite3.connect(copy / "aiop.db")) as target:
        source.backup(target)
    command = ["tar", "--create", "--xattrs", "--exclude=artifacts/t", "artifacts", "installation", "secret-key"]
    archive = subprocess.run(command, cwd=data, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract", "--xattrs", "--same-owner"], cwd=copy, input=archive, check=True)


async def run(service: ServiceProcess, pipeline: str, **body: bool) -> Any:
    async with service.client() as client:
        submitted = await client.pipelines.execute(pipeline, **body)
        return (await client.executions.wait(submitted.execution_id)).raw


async def test_a_copy_has_everything_and_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "f").write_text("content")
    settings = {"engine": "fake", "source_roots": str(tmp_path)}
    first = ServiceProcess(tmp_path / "data", **settings)
    second = ServiceProcess(tmp_path / "copy", **settings)
    try:
        await first.start()
        async with first.client() as client:
            await client.secrets.put("KEPT", SECRET)
            definition = {"name": "lab", "source_directory": str(source), "pipeline_definition": PIPELINE}
            created = await client.pipelines.create(definition)
        before = await run(first, created.id)
        assert before["status"] == "completed"
        running = [asyncio.create_task(run(first, created.id)) for _ in range(2)]
        await asyncio.to_thread(back_up, tmp_path / "data", tmp_path / "copy")
        await asyncio.gather(*running)
        await first.kill()
        shutil.rmtree(tmp_path / "data")
        await second.start()
        async with second.client() as client:
            assert (await client.executions.get(before["id"])).raw["logs"] == before["logs"]
            pieces = [piece async for piece in client.executions.read_output(before["id"], "made")]
            assert b"".join(pieces) == b"content"
        again = await run(second, created.id)
        assert {step["cached"] for step in again["steps"].values()} == {True}
        # The secret is opened anew.
        assert (await run(second, created.id, skip_cache=True))["status"] == "completed"
    finally:
        await first.kill()
        await second.kill()

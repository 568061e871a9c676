"""A copy that was taken while the service ran is a service of its own: what docs/how-to/operations.md does."""

import asyncio
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aiop.client import NotFound
from postgres_lab import Postgres
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


class Sqlite:
    """The database is a file of the data directory."""

    url = None

    def save(self, data: Path, copy: Path) -> None:
        with closing(sqlite3.connect(data / "aiop.db")) as source, closing(sqlite3.connect(copy / "aiop.db")) as target:
            source.backup(target)

    def load(self, copy: Path) -> None:
        """It is in its place."""


class OnPostgres:
    """The database is a server's, by the programs that come with it."""

    def __init__(self, server: Postgres, url: str) -> None:
        self._server = server
        self.url = url

    def save(self, data: Path, copy: Path) -> None:
        self._run("pg_dump", "--format=custom", "--file", str(copy / "aiop.dump"), self.url)

    def load(self, copy: Path) -> None:
        self._run("pg_restore", "--clean", "--if-exists", "--dbname", self.url, str(copy / "aiop.dump"))

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([self._server.program(program), *arguments], check=True, capture_output=True)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def database(request: pytest.FixtureRequest) -> Sqlite | OnPostgres:
    if request.param == "sqlite":
        return Sqlite()
    server = request.getfixturevalue("postgres")
    return OnPostgres(server, await server.new_database())


def back_up(database: Sqlite | OnPostgres, data: Path, copy: Path) -> None:
    """Copy the database first: what it refers to is kept longer than the rest of the copy takes."""
    copy.mkdir(mode=0o700)
    database.save(data, copy)
    command = ["tar", "--create", "--xattrs", "--exclude=artifacts/t", "artifacts", "installation", "secret-key"]
    archive = subprocess.run(command, cwd=data, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract", "--xattrs", "--same-owner"], cwd=copy, input=archive, check=True)


async def run(service: ServiceProcess, pipeline: str, **body: bool) -> Any:
    async with service.client() as client:
        submitted = await client.pipelines.execute(pipeline, **body)
        return (await client.executions.wait(submitted.execution_id)).raw


async def test_a_copy_has_everything_and_goes_on(tmp_path: Path, database: Sqlite | OnPostgres) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "f").write_text("content")
    settings = {"engine": "fake", "source_roots": str(tmp_path)}
    if database.url is not None:
        settings["database_url"] = database.url
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
        await asyncio.to_thread(back_up, database, tmp_path / "data", tmp_path / "copy")
        await asyncio.gather(*running)
        after = await run(first, created.id)
        await first.kill()
        shutil.rmtree(tmp_path / "data")
        await asyncio.to_thread(database.load, tmp_path / "copy")
        await second.start()
        async with second.client() as client:
            with pytest.raises(NotFound):
                await client.executions.get(after["id"])
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

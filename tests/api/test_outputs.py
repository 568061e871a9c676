"""What an execution of a pipeline leaves: files and directories to download."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import httpx

from aiop.interfaces import Changes
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.pipelines import OutputRecord
from api.errors import error
from api.owner import Owner
from api.pipelines import execute
from api.world import Service


async def kept(service: Service, execution: str, name: str, path: str, tmp_path: Path) -> OutputRecord:
    """Make an output as the orchestrator would, of a file that a step has made."""
    tree = tmp_path / "tree"
    (tree / "out").mkdir(parents=True, exist_ok=True)
    (tree / "out" / "program").write_bytes(b"\x7fELF")
    snapshot = await service.services.artifacts.snapshot(str(tree))
    key = StepKey(ExecutionId(execution), StepId("build"))
    artifacts = service.services.artifacts
    await artifacts.prepare(key, source=snapshot.id, layers=[], target="/workspace")
    layer = await artifacts.seal(key)
    stored = await artifacts.keep_output(
        ExecutionId(execution), name, path, source=snapshot.id, layers=[layer.id], target="/workspace"
    )
    assert stored is not None
    return OutputRecord(name, StepId("build"), path, stored.kind, stored.size, stored.sha256)


async def test_a_file_is_listed_and_downloaded_as_it_is(
    client: httpx.AsyncClient, pipeline: str, service: Service, owner: Owner, tmp_path: Path
) -> None:
    execution = (await execute(client, pipeline)).json()["execution_id"]
    await owner.claim(execution)
    record = await kept(service, execution, "program", "out/program", tmp_path)
    await owner.commit(Changes(outputs=[record]))

    shown = (await client.get(f"/dagger/executions/{execution}")).json()
    assert shown["artifacts"] == [
        {
            "name": "program",
            "step": "build",
            "path": "out/program",
            "kind": "file",
            "size": 4,
            "sha256": record.sha256,
        }
    ]
    path = f"/dagger/executions/{execution}/outputs/program"
    answer = await client.get(path)
    assert (answer.status_code, answer.content) == (200, b"\x7fELF")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == "4"
    assert answer.headers["etag"] == f'"{record.sha256}"'
    assert answer.headers["content-disposition"] == 'attachment; filename="program"'
    head = await client.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "4")


async def test_a_directory_is_downloaded_as_an_archive(
    client: httpx.AsyncClient, pipeline: str, service: Service, owner: Owner, tmp_path: Path
) -> None:
    execution = (await execute(client, pipeline)).json()["execution_id"]
    await owner.claim(execution)
    await owner.commit(Changes(outputs=[await kept(service, execution, "all", "out", tmp_path)]))
    answer = await client.get(f"/dagger/executions/{execution}/outputs/all")
    assert answer.headers["content-type"] == "application/gzip"
    assert answer.headers["content-disposition"] == 'attachment; filename="all.tar.gz"'
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        assert any(name.endswith("program") for name in tar.getnames())


async def test_an_output_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, pipeline: str, owner: Owner, service: Service, tmp_path: Path
) -> None:
    execution = (await execute(client, pipeline)).json()["execution_id"]
    assert error(await client.get(f"/dagger/executions/{execution}/outputs/x")) == (404, "not_found")
    await owner.claim(execution)
    record = await kept(service, execution, "program", "out/program", tmp_path)
    lost = OutputRecord("lost", record.step, record.path, record.kind, record.size, record.sha256)
    await owner.commit(Changes(outputs=[lost]))
    assert error(await client.get(f"/dagger/executions/{execution}/outputs/lost")) == (404, "not_found")

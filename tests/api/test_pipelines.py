"""Pipelines: what is taken, what is refused and why, and what executions of them show."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from aiop.interfaces import Changes
from aiop.model.ids import ExecutionId, StepId, StepKey
from aiop.model.pipelines import CacheOff, CacheUse, OutputRecord, WorkspaceRecord
from aiop.model.state import StepStatus
from api.errors import error
from api.operations import UNKNOWN
from api.owner import Owner
from api.world import HandClock, Service, reference

DOCUMENT = """\
container_config: {image: busybox}
inputs: {who: {type: string, required: true}}
steps:
- {id: build, container: {script: make}}
- {id: test, container: {script: test}, depends_on: [build]}
outputs: [{name: program, path: out/program, step: build}]
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    (made / "pipeline.yaml").write_text(DOCUMENT)
    (made / "main.c").write_text("int main;")
    return made


@pytest.fixture
async def pipeline(client: httpx.AsyncClient, source: Path) -> str:
    return await created(client, source_directory=str(source))


async def created(client: httpx.AsyncClient, **fields: Any) -> str:
    body = {"name": "p", "source_directory": "/src", "pipeline_definition": "pipeline.yaml", **fields}
    answer = await client.post("/dagger/pipelines", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def execute(client: httpx.AsyncClient, pipeline: str, **body: Any) -> httpx.Response:
    return await client.post(f"/dagger/pipelines/{pipeline}/execute", json={"inputs": {"who": "me"}, **body})


def faults(answer: httpx.Response) -> dict[str, str]:
    assert error(answer) == (400, "invalid_request"), answer.text
    return {fault["field"]: fault["message"] for fault in answer.json()["details"]["errors"]}


async def test_a_pipeline_is_answered_in_full_and_its_definition_to_the_letter(client: httpx.AsyncClient) -> None:
    inline = (
        '{"steps" : [{"id":"a", "container":{"image": "i"}, "retry": {"delay": 1e0}}],\n'
        ' "inputs": {"x": {"default": 100000000000000000000000000}}}'
    )
    body = f'{{"name": "p", "source_directory": "./x", "pipeline_definition": {inline}, "timeout_seconds": 1.5}}'
    answer = await client.post("/dagger/pipelines", content=body)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/dagger/pipelines/{answer.json()['id']}"
    assert f'"pipeline_definition":{inline},"caching_enabled":true,"timeout_seconds":1.5' in answer.text
    assert (await client.get(answer.headers["location"])).text == answer.text


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": ""}, ("name", "Must not be empty")),
        ({"name": None}, ("name", "Must be a string")),
        ({"source_directory": "src"}, ("source_directory", "Must be an absolute path")),
        ({"source_directory": None}, ("source_directory", "Must be a string")),
        ({"pipeline_definition": "pipeline.py"}, ("pipeline_definition", "Must be the name of")),
        ({"pipeline_definition": 1}, ("pipeline_definition", "Must be the name of")),
        ({"pipeline_definition": ["x"]}, ("pipeline_definition", "Must be the name of")),
        ({"pipeline_definition": {"steps": "x"}}, ("pipeline_definition.steps", "Must be a list")),
        ({"pipeline_definition": "steps:\n  - id: a"}, ("pipeline_definition.steps[0].container.image", "")),
        ({"pipeline_definition": "steps: [\n"}, ("pipeline_definition", "Not valid YAML in line")),
        ({"caching_enabled": "yes"}, ("caching_enabled", "Must be true or false")),
        ({"caching_enabled": None}, ("caching_enabled", "Must be true or false")),
        ({"timeout_seconds": 0}, ("timeout_seconds", "Must be greater than 0")),
        ({"timeout_seconds": True}, ("timeout_seconds", "Must be a number")),
        ({"caching": True}, ("caching", "Unknown field; did you mean `caching_enabled`?")),
    ],
)
async def test_a_fault_is_named_at_creation_and_at_change(
    client: httpx.AsyncClient, pipeline: str, changes: dict[str, Any], fault: tuple[str, str]
) -> None:
    body = {"name": "p", "source_directory": "/src", "pipeline_definition": "p.yaml", **changes}
    for answer in (
        await client.post("/dagger/pipelines", json=body),
        await client.patch(f"/dagger/pipelines/{pipeline}", json=changes),
    ):
        found = faults(answer)
        assert list(found) == [fault[0]]
        assert found[fault[0]].startswith(fault[1])


async def test_a_document_is_checked_and_not_stored(viewer: httpx.AsyncClient) -> None:
    document: dict[str, Any] = {"steps": [{"id": "a", "container": {"image": "busybox:1"}}]}
    answer = await viewer.post("/dagger/pipelines/validate", json=document)
    assert answer.json() == {"valid": True, "name": "pipeline", "steps": 1}
    document["steps"] += [{"id": "a", "container": {"imag": "busybox:1"}}]
    document["outputs"] = [{"name": "o", "path": "o", "step": "b"}]
    refused = (await viewer.post("/dagger/pipelines/validate", json=document)).json()
    named = {fault["field"] for fault in refused["details"]["errors"]}
    assert "steps[1].container.imag" in named
    assert (await viewer.get("/dagger/pipelines")).json()["total"] == 0


async def test_what_is_missing_is_named(client: httpx.AsyncClient) -> None:
    required = "Field is required"
    assert faults(await client.post("/dagger/pipelines", json={})) == {
        "name": required,
        "source_directory": required,
        "pipeline_definition": required,
    }


async def test_a_change_changes_what_it_names(client: httpx.AsyncClient, pipeline: str, clock: HandClock) -> None:
    before = (await client.get(f"/dagger/pipelines/{pipeline}")).json()
    clock.advance(hours=1)
    changes = {"description": "new", "timeout_seconds": 5, "caching_enabled": False}
    answer = await client.patch(f"/dagger/pipelines/{pipeline}", json=changes)
    assert answer.status_code == 200
    assert answer.json() == {**before, **changes, "updated_at": "2025-03-01T13:00:00Z"}
    answer = await client.patch(f"/dagger/pipelines/{pipeline}", json={"timeout_seconds": None, "description": None})
    assert (answer.json()["timeout_seconds"], answer.json()["description"]) == (None, None)
    same = await client.patch(f"/dagger/pipelines/{pipeline}", json={})
    assert same.json() == answer.json()


async def test_a_deleted_pipeline_is_gone_with_its_executions(
    client: httpx.AsyncClient, pipeline: str, service: Service
) -> None:
    execution = (await execute(client, pipeline)).json()["execution_id"]
    assert (await client.delete(f"/dagger/pipelines/{pipeline}")).status_code == 204
    for path in ("", "/executions"):
        assert error(await client.get(f"/dagger/pipelines/{pipeline}{path}")) == (404, "not_found")
    assert error(await execute(client, pipeline)) == (404, "not_found")
    assert (await client.get(f"/dagger/executions/{execution}")).json()["status"] == "cancelled"
    await service.store.purge_deleted()
    assert error(await client.get(f"/dagger/executions/{execution}")) == (404, "not_found")


async def test_viewers_read_and_do_not_change(viewer: httpx.AsyncClient, pipeline: str) -> None:
    path = f"/dagger/pipelines/{pipeline}"
    assert (await viewer.get(path)).status_code == 200
    assert error(await viewer.patch(path, json={})) == (403, "forbidden")
    assert error(await viewer.delete(path)) == (403, "forbidden")
    assert error(await viewer.post(f"{path}/execute")) == (403, "forbidden")
    assert error(await viewer.post("/dagger/sources", content=b"")) == (403, "forbidden")


# --- execute ------------------------------------------------------------------------------------------------------


async def test_an_execution_is_listed_under_its_pipeline_and_shows_it(client: httpx.AsyncClient, pipeline: str) -> None:
    answer = await execute(client, pipeline)
    assert answer.status_code == 201
    execution = answer.json()["execution_id"]
    assert answer.json() == {"execution_id": execution, "status": "pending", "pipeline_id": pipeline}
    assert answer.headers["location"] == f"/dagger/executions/{execution}"

    shown = (await client.get(f"/dagger/executions/{execution}")).json()
    assert (shown["pipeline_id"], shown["artifacts"], list(shown["steps"])) == (pipeline, [], ["build", "test"])
    assert "workflow_id" not in shown
    for path in (
        f"/dagger/pipelines/{pipeline}/executions",
        f"/dagger/executions?pipeline_id={pipeline}",
        "/dagger/executions",
    ):
        page = (await client.get(path)).json()
        assert [item["id"] for item in page["executions"]] == [execution]
    assert (await client.get(f"/dagger/executions?pipeline_id={UNKNOWN}")).json()["total"] == 0
    assert (await client.get(f"/dagger/executions?workflow_id={pipeline}")).json()["total"] == 0


async def test_later_changes_of_the_source_are_not_seen(
    client: httpx.AsyncClient, pipeline: str, source: Path, service: Service
) -> None:
    execution = (await execute(client, pipeline)).json()["execution_id"]
    (source / "pipeline.yaml").write_text("steps: []")
    (source / "main.c").write_text("changed")
    shown = (await client.get(f"/dagger/executions/{execution}")).json()
    assert list(shown["steps"]) == ["build", "test"]
    assert "pipeline_definition.steps" in faults(await execute(client, pipeline))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("steps: [", ("pipeline_definition", "Not valid YAML in line")),
        ("- a", ("pipeline_definition", "Must be an object")),
        ("steps: [{id: a, container: {image: UP}}]", ("pipeline_definition.steps[0].container.image", "")),
        ("steps: [{id: a, caches: true}]", ("pipeline_definition.steps[0].caches", "Unknown field")),
        (
            "steps: [{id: a, container: {image: x, volumes: [{source: /etc, target: /x}]}}]",
            ("pipeline_definition.steps[0].container.volumes[0].source", "The source `/etc` does not lie"),
        ),
        (b"\xff", ("pipeline_definition", "`pipeline.yaml` is not UTF-8 at byte 0")),
        ("steps: [{id: a, container: {image: x}, requires: [gpu]}]", ("requires", "No agent has")),
        (DOCUMENT.replace("string", "integer"), ("inputs.who", "Must be of type integer")),
    ],
)
async def test_a_faulty_definition_is_refused_at_execution(
    client: httpx.AsyncClient, pipeline: str, source: Path, text: str | bytes, fault: tuple[str, str]
) -> None:
    (source / "pipeline.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    found = faults(await execute(client, pipeline))
    assert fault[0] in found
    assert found[fault[0]].startswith(fault[1])
    assert (await client.get("/dagger/executions")).json()["total"] == 0


@pytest.mark.parametrize(
    ("directory", "message"),
    [
        ("/etc", "does not lie in a directory that sources may come from"),
        ("{tmp}/nothing", "There is no directory"),
        ("{tmp}/project/main.c", "There is no directory"),
        ("{tmp}/escape", "does not lie in a directory that sources may come from"),
        ("{tmp}/project/../../..", "does not lie in a directory that sources may come from"),
        ("source:" + UNKNOWN, "There is no upload"),
        ("./project", "is relative, and there is no workflow directory"),
    ],
)
async def test_a_source_that_cannot_be_taken_is_refused_at_execution(
    client: httpx.AsyncClient, pipeline: str, tmp_path: Path, directory: str, message: str
) -> None:
    (tmp_path / "escape").symlink_to("/etc")
    answer = await execute(client, pipeline, source_directory=directory.format(tmp=tmp_path))
    found = faults(answer)
    assert list(found) == ["source_directory"]
    assert message in found["source_directory"]


@pytest.mark.parametrize(
    "definition",
    ["missing.yaml", "../secret.yaml", "/etc/x.yaml", "link.yaml", "directory.yaml", "a/../../secret.yaml"],
)
async def test_a_definition_that_is_not_in_the_source_is_refused(
    client: httpx.AsyncClient, source: Path, tmp_path: Path, definition: str
) -> None:
    (tmp_path / "secret.yaml").write_text(DOCUMENT)
    (source / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (source / "directory.yaml").mkdir()
    pipeline = await created(client, source_directory=str(source), pipeline_definition=definition)
    assert list(faults(await execute(client, pipeline))) == ["pipeline_definition"]


@pytest.mark.parametrize("name", ["pipeline.yml", "ci/pipeline.json", "PIPELINE.YAML"])
async def test_a_definition_may_be_any_file_of_the_source(client: httpx.AsyncClient, source: Path, name: str) -> None:
    (source / name).parent.mkdir(exist_ok=True)
    text = '{"steps": [{"id": "a", "container": {"image": "x"}}]}'
    (source / name).write_text(text)
    pipeline = await created(client, source_directory=str(source), pipeline_definition=name)
    assert (await execute(client, pipeline)).status_code == 201


@pytest.mark.parametrize(
    "definition", [DOCUMENT, {"steps": [{"id": "a", "container": {"image": "x"}}]}, '{"steps": [{"id": "a"}]}']
)
async def test_a_definition_may_be_given_inline(client: httpx.AsyncClient, source: Path, definition: Any) -> None:
    if isinstance(definition, str) and definition.startswith("{"):
        definition = definition.replace('"a"}', '"a", "container": {"image": "x"}}')
    pipeline = await created(client, source_directory=str(source), pipeline_definition=definition)
    assert (await execute(client, pipeline)).status_code == 201


async def test_capabilities_that_no_agent_has_are_refused_at_once(client: httpx.AsyncClient, pipeline: str) -> None:
    found = faults(await execute(client, pipeline, requires=["gpu", "near"]))
    assert found == {"requires": "No agent has the capabilities dagger_pipeline, gpu, near"}


async def test_an_execution_keeps_how_it_was_asked_for(
    client: httpx.AsyncClient, source: Path, service: Service, owner: Owner
) -> None:
    cases = [
        ({}, {}, {}),
        ({"timeout_seconds": 7}, {}, {"timeout": 7}),
        ({}, {"skip_cache": True}, {"cache_off": CacheOff.EXECUTION}),
        ({"caching_enabled": False}, {"skip_cache": True}, {"cache_off": CacheOff.PIPELINE}),
        ({}, {"workflow_defaults": {"inputs": {"default_timeout": 3}}}, {"default_timeout": 3}),
        ({}, {"container_registry": "example.com"}, {"container_registry": "example.com"}),
    ]
    for fields, body, options in cases:
        pipeline = await created(client, source_directory=str(source), **fields)
        execution = (await execute(client, pipeline, **body)).json()["execution_id"]
        await owner.claim(execution)
        assert owner.lease is not None
        record = await service.store.load(owner.lease)
        assert record.options == options
        assert record.summary.requires == ("dagger_pipeline",)
        await owner.start()
        await owner.finish()


async def test_a_repeated_key_answers_even_if_the_source_is_gone(
    client: httpx.AsyncClient, pipeline: str, source: Path
) -> None:
    path, headers = f"/dagger/pipelines/{pipeline}/execute", {"Idempotency-Key": "once"}
    body = {"inputs": {"who": "me"}}
    first = await client.post(path, json=body, headers=headers)
    (source / "pipeline.yaml").unlink()
    assert (await client.post(path, json=body, headers=headers)).json() == first.json()
    other = await client.post(path, json={**body, "skip_cache": True}, headers=headers)
    assert error(other) == (409, "idempotency_conflict")


# --- uploads ------------------------------------------------------------------------------------------------------


def archive(**files: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


async def test_an_uploaded_source_can_be_executed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/dagger/sources", content=archive(**{"pipeline.yaml": DOCUMENT, "a/b.txt": "é"}))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made == {
        "id": made["id"],
        "source_directory": f"source:{made['id']}",
        "files": 2,
        "size": len(DOCUMENT.encode()) + 2,
    }
    assert (await client.get(answer.headers["location"])).json() == made
    pipeline = await created(client)
    assert (await execute(client, pipeline, source_directory=made["source_directory"].upper())).status_code == 400
    assert (await execute(client, pipeline, source_directory=made["source_directory"])).status_code == 201


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the archive"),
        (b"no archive", "the archive"),
        (archive(**{"a.txt": "x" * 5000})[:-40], "the archive"),
        (gzip.compress(b"\0" * 100), ""),
        (archive(**{"../up.txt": "x"}), "../up.txt"),
        (archive(**{"/etc/up.txt": "x"}), "/etc/up.txt"),
    ],
)
async def test_what_is_no_archive_or_would_leave_its_root_is_refused(
    client: httpx.AsyncClient, body: bytes, message: str
) -> None:
    found = faults(await client.post("/dagger/sources", content=body))
    assert list(found) == ["body"]
    assert message in found["body"]


async def test_an_upload_that_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    assert error(await client.get(f"/dagger/sources/{UNKNOWN}")) == (404, "not_found")


# --- what an execution leaves -------------------------------------------------------------------------------------


async def put(owner: Owner, **changes: Any) -> None:
    await owner.commit(Changes(**changes))


async def test_a_cached_step_says_so(client: httpx.AsyncClient, pipeline: str, owner: Owner, clock: HandClock) -> None:
    execution = (await execute(client, pipeline)).json()["execution_id"]
    await owner.claim(execution)
    await owner.start()
    await owner.step("build", status=StepStatus.COMPLETED, cached=True, attempt=1, completed_at=clock.now())
    await owner.step("test", status=StepStatus.COMPLETED, attempt=1, completed_at=clock.now())
    for shown in (
        (await client.get(f"/dagger/executions/{execution}")).json(),
        (await client.get("/dagger/executions")).json()["executions"][0],
    ):
        assert shown["steps"]["build"]["cached"] is True
        assert "cached" not in shown["steps"]["test"]


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
    await put(owner, outputs=[record])

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
    await put(owner, outputs=[await kept(service, execution, "all", "out", tmp_path)])
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
    await put(owner, outputs=[lost])
    assert error(await client.get(f"/dagger/executions/{execution}/outputs/lost")) == (404, "not_found")


# --- why the cache did or did not give a result -------------------------------------------------------------------


async def ran(
    client: httpx.AsyncClient, owner: Owner, pipeline: str, status: StepStatus = StepStatus.COMPLETED, **values: Any
) -> str:
    execution = str((await execute(client, pipeline)).json()["execution_id"])
    await owner.claim(execution)
    await owner.start()
    fields = {"use": CacheUse.MISS, "key": "k", "parts": {"image": "1", "source": "2"}, **values}
    await put(owner, workspaces=[WorkspaceRecord(StepId("build"), **fields)])
    await owner.step("build", status=status, attempt=1)
    await owner.finish()
    return execution


async def cache_of(client: httpx.AsyncClient, execution: str, step: str = "build") -> dict[str, Any]:
    answer = await client.get(f"/dagger/executions/{execution}/steps/{step}/cache")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_first_run_has_nothing_to_compare_with(
    client: httpx.AsyncClient, pipeline: str, owner: Owner
) -> None:
    execution = await ran(client, owner, pipeline)
    assert await cache_of(client, execution) == {
        "execution_id": execution,
        "step": "build",
        "cache": "miss",
        "reason": "first_run",
        "detail": "No earlier execution of the pipeline has run this step",
        "key": "k",
        "compared_with": None,
        "changed": [],
    }


async def test_a_miss_names_what_has_changed(client: httpx.AsyncClient, pipeline: str, owner: Owner) -> None:
    before = {"image": "1", "source": "2", "environment.A": "3", "inputs.who": "4", "environment.INPUT_WHO": "5"}
    after = {**before, "source": "x", "inputs.who": "y", "environment.INPUT_WHO": "z", "files./f": "new"}
    del after["environment.A"]
    first = await ran(client, owner, pipeline, parts=before)
    found = await cache_of(client, await ran(client, owner, pipeline, parts=after))
    assert (found["cache"], found["reason"], found["compared_with"]) == ("miss", "changed", first)
    assert found["changed"] == ["environment.A", "files./f", "inputs.who", "source"]
    assert "source" in found["detail"]


async def test_a_hit_names_where_the_result_is_from(client: httpx.AsyncClient, pipeline: str, owner: Owner) -> None:
    first = await ran(client, owner, pipeline)
    found = await cache_of(client, await ran(client, owner, pipeline, use=CacheUse.HIT, origin=ExecutionId(first)))
    assert (found["cache"], found["reason"], found["from_execution"]) == ("hit", None, first)
    assert found["changed"] == []


async def test_an_unchanged_run_says_why_it_was_made(client: httpx.AsyncClient, pipeline: str, owner: Owner) -> None:
    await ran(client, owner, pipeline, StepStatus.FAILED)
    assert (await cache_of(client, await ran(client, owner, pipeline)))["reason"] == "not_completed"
    assert (await cache_of(client, await ran(client, owner, pipeline)))["reason"] == "not_kept"


@pytest.mark.parametrize("why", list(CacheOff))
async def test_a_cache_that_is_off_says_why(
    client: httpx.AsyncClient, pipeline: str, owner: Owner, why: CacheOff
) -> None:
    execution = await ran(client, owner, pipeline, use=CacheUse.OFF, reason=why, key=None, parts=None)
    found = await cache_of(client, execution)
    assert (found["cache"], found["reason"], found["key"]) == ("off", why, None)
    assert found["detail"]


async def test_only_steps_of_pipelines_that_were_begun_have_a_cache(
    client: httpx.AsyncClient, pipeline: str, owner: Owner, execution: str
) -> None:
    run = await ran(client, owner, pipeline)
    for path in (
        f"{run}/steps/test/cache",
        f"{run}/steps/nothing/cache",
        f"{execution}/steps/step1/cache",
        f"{UNKNOWN}/steps/build/cache",
    ):
        assert error(await client.get(f"/dagger/executions/{path}")) == (404, "not_found")


async def test_the_example_of_a_list_can_be_filtered_by_name(client: httpx.AsyncClient) -> None:
    await client.post("/dagger/pipelines", json=reference("pipeline_create.request"))
    await created(client)
    assert (await client.get("/dagger/pipelines?name=EXAMPLE")).json()["total"] == 1
    assert (await client.get("/dagger/pipelines?sort=name:desc&limit=1")).json()["pipelines"][0]["name"] == "p"

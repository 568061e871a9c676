"""Executions of pipelines: what they are made of, and what is refused and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from aiop.model.pipelines import CacheOff
from api.errors import error, messages
from api.operations import UNKNOWN
from api.owner import Owner
from api.pipelines import DOCUMENT, created, execute
from api.world import Service


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
    assert "pipeline_definition.steps" in messages(await execute(client, pipeline))


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
    found = messages(await execute(client, pipeline))
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
    found = messages(answer)
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
    assert list(messages(await execute(client, pipeline))) == ["pipeline_definition"]


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
    found = messages(await execute(client, pipeline, requires=["gpu", "near"]))
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

"""The client against the real service, whose engine is a fake one: both forms, and the example programs."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import subprocess
import sys
import tarfile
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiop import __version__
from aiop.client import AsyncClient, Client, Forbidden, InvalidRequest, InvalidState, NotFound, Tokens
from aiop.model.state import ExecutionStatus, StepStatus
from unit.cli.installation import serving

EXAMPLES = Path(__file__).parents[3] / "examples" / "python"
DOCS = Path(__file__).parents[3] / "docs" / "how-to"

PIPELINE = """
container_config: {image: "busybox:1"}
steps:
  - {id: build, container: {script: "cat src/main.txt > program"}}
outputs: [{name: program, path: program}]
"""

FLOW = {
    "name": "flow",
    "inputs": {"text": {"type": "string", "default": "hi"}},
    "steps": [
        {"id": "a", "container": {"image": "busybox:1", "script": "echo ${inputs.text}\necho again"}},
        {"id": "b", "container": {"image": "busybox:1", "script": "echo done"}, "depends_on": ["a"]},
    ],
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a service, and its admin's password."""
    with serving(tmp_path_factory.mktemp("service")) as environment:
        yield environment["AIOP_SERVER"], (Path(environment["AIOP_DATA_DIR"]) / "admin-password").read_text().strip()


@pytest.fixture
def client(service: tuple[str, str]) -> Iterator[Client]:
    url, password = service
    with Client(url, username="admin", password=password) as client:
        yield client


@pytest.fixture
def token(client: Client) -> str:
    return client.auth.tokens.create("test", expires_in=600).token


def test_a_document_is_run_to_its_result(client):
    execution = client.run_and_wait(FLOW, {"text": "hello"}, timeout=60)

    assert execution.succeeded
    assert execution.steps["a"].status is StepStatus.COMPLETED
    assert (execution.outputs or {})["result"] == "done"
    assert client.executions.logs(execution.id, step="a") == "hello\nagain\n"


async def test_the_awaiting_form_does_the_same(service, token):
    async with AsyncClient(service[0], token=token) as client:
        execution = await client.run_and_wait(FLOW, timeout=60)
        lines = [line.text async for line in client.executions.follow_logs(execution.id, step="a")]
        events = [event.type async for event in client.executions.events(execution.id)]

    assert execution.succeeded
    assert lines == ["hi", "again"]
    assert events[0] == "ExecutionSubmitted"
    assert events[-1] == "ExecutionFinished"


def test_a_log_goes_on_behind_a_line(client):
    execution = client.run_and_wait(FLOW)
    lines = list(client.executions.follow_logs(execution.id))

    rest = list(client.executions.follow_logs(execution.id, after=lines[0].id))

    assert rest == lines[1:]


def test_events_go_on_behind_one(client):
    execution = client.run_and_wait(FLOW)
    events = list(client.executions.events(execution.id))

    assert [event.seq for event in client.executions.events(execution.id, after=3)] == [e.seq for e in events[3:]]
    assert events[2].data["step"] == "a"


def test_a_workflow_is_changed_listed_and_deleted(client):
    workflow = client.workflows.create({**FLOW, "name": "to go"})

    assert client.workflows.update(workflow.id, {"description": "changed"}).description == "changed"
    assert [found.id for found in client.workflows.iter(name="to go")] == [workflow.id]
    assert client.workflows.validate(FLOW).valid
    assert {fault.field for fault in client.workflows.validate({"steps": []}).faults} >= {"name"}
    client.workflows.delete(workflow.id)
    with pytest.raises(NotFound):
        client.workflows.get(workflow.id)


def test_every_version_of_a_definition_is_kept(client):
    workflow = client.workflows.create({**FLOW, "name": "changing"})
    client.workflows.update(workflow.id, {"description": "changed"})

    found = client.workflows.versions(workflow.id)

    assert ([each.number for each in found.items], found.total) == ([2, 1], 2)
    assert client.workflows.version(workflow.id, 1).definition == {**FLOW, "name": "changing"}
    assert client.workflows.version(workflow.id, 2).definition["description"] == "changed"
    for number in (0, 3):
        with pytest.raises(NotFound):
            client.workflows.version(workflow.id, number)


def test_one_key_is_one_execution(client):
    workflow = client.workflows.create(FLOW)

    first = client.workflows.execute(workflow.id, idempotency_key="k")
    again = client.workflows.execute(workflow.id, idempotency_key="k")

    assert first.execution_id == again.execution_id
    assert client.executions.wait(first.execution_id).status is ExecutionStatus.COMPLETED
    with pytest.raises(InvalidState):
        client.executions.cancel(first.execution_id)
    assert client.executions.list(workflow=workflow.id).total == 1


def test_users_and_tokens_are_managed(client, service):
    client.auth.users.create("bob", "a long password", "viewer")
    with Client(service[0], username="bob", password="a long password") as bob:
        assert bob.auth.me().role == "viewer"
        with pytest.raises(Forbidden):
            bob.workflows.create(FLOW)
        made = bob.auth.tokens.create("mine", expires_in=60)
        assert [found.id for found in bob.auth.tokens.iter()] == [made.id]
        bob.auth.tokens.revoke(made.id)
    assert client.auth.users.update("bob", role="editor").role == "editor"
    client.auth.users.delete("bob")
    assert "bob" not in [user.username for user in client.auth.users.iter()]


def test_a_secret_gets_into_a_container_and_not_out_again(client):
    environment = {"KEY": "${secrets.KEY}"}
    container = {"image": "busybox:1", "script": "echo key $KEY", "environment": environment}
    document = {"name": "secretive", "steps": [{"id": "a", "container": container}]}
    with pytest.raises(InvalidRequest) as refused:
        client.run_and_wait(document)
    assert [fault.field for fault in refused.value.faults] == ["steps[0].container.environment.KEY"]

    assert client.secrets.put("KEY", "hunter2", description="of the door").updated_at is None
    assert client.secrets.put("KEY", "hunter3").description == "of the door"
    execution = client.run_and_wait(document, timeout=60)

    assert execution.succeeded
    assert client.executions.logs(execution.id) == "[a] key ***\n"
    assert client.secrets.get("KEY").created_by == "admin"
    assert [found.name for found in client.secrets.iter(name="ke")] == ["KEY"]
    client.secrets.delete("KEY")
    assert client.secrets.list().total == 0


def test_who_did_what_is_told(client, token, service):
    with Client(service[0], token=token) as program:
        workflow = program.workflows.create({**FLOW, "name": "audited"})

    (entry,) = client.audit.list(target=workflow.id).items

    assert (entry.action, entry.target_type, entry.actor, entry.token) == (
        "WorkflowCreated",
        "workflow",
        "admin",
        "test",
    )
    assert entry.detail == {"name": "audited"}
    assert [found.id for found in client.audit.iter(target=workflow.id, since=entry.at)] == [entry.id]
    assert client.audit.list(target=workflow.id, until=entry.at).total == 0
    assert client.audit.list(action="UserCreated", sort="at").items[0].actor is None  # the first start did it


def test_a_stale_access_token_is_renewed_by_the_refresh_token(client, service):
    tokens = client.auth.sign_in("admin", service[1])

    with Client(service[0], tokens=Tokens("stale", tokens.refresh_token)) as other:
        assert other.auth.me().username == "admin"
        assert other.auth.me().username == "admin"


def test_the_service_says_when_it_is_ready(client):
    assert client.ready()


@pytest.mark.parametrize("program", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_the_examples_run(program, service, token):
    command = [sys.executable, program, service[0]]

    ended = subprocess.run(command, input=f"{token}\n", capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "completed" in ended.stdout


@pytest.mark.parametrize("page", ["python-client.md", "workflows-in-python.md"])
def test_the_code_in_the_docs_runs(page, service, token, tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.txt").write_text("program\n")
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    with tarfile.open(tmp_path / "source.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "src", "src")
        archive.add(tmp_path / "pipeline.yaml", "pipeline.yaml")
    monkeypatch.chdir(tmp_path)
    names = {"url": service[0], "token": token}
    blocks = re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5

    for block in blocks:
        code = compile(block, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if code.co_flags & inspect.CO_COROUTINE:
            asyncio.run(types.FunctionType(code, names)())
        else:
            exec(code, names)

    assert names["execution"].succeeded if "execution" in names else names["stored"]


def test_the_service_tells_how_it_is(client):
    client.run_and_wait(FLOW, timeout=60)
    status = client.monitoring.status()

    assert (status.status, status.version) == ("healthy", __version__)
    assert [(engine.agent, engine.type, engine.status) for engine in status.engines] == [("local", "fake", "idle")]
    assert "# TYPE dagger_workflow_executions_total counter\n" in client.monitoring.metrics()

"""What Tab offers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from aiop.cli import completion
from unit.cli.answers import EXECUTION, WORKFLOW, execution, page, workflow

AIOP = [sys.executable, "-c", "from aiop.cli.main import main; main()"]
OPENAPI = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"


def context(**params):
    return SimpleNamespace(params={"server": None, **params})


@pytest.fixture(autouse=True)
def through_the_stub(cli):
    """``cli`` leads all clients to the stub."""


def offered(shell, line):
    """Ask as the shell does, at the end of the line."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_TYPER_COMPLETE_ARGS": line}
    environment = {**os.environ, **words, "_AIOP_COMPLETE": f"complete_{shell}"}
    return subprocess.run(AIOP, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_is_told_what_can_follow(shell):
    environment = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"} if shell == "fish" else {}
    os.environ.update(environment)
    try:
        ended = offered(shell, "aiop work")
    finally:
        for name in environment:
            del os.environ[name]

    assert ended.stderr == ""
    assert "workflow" in ended.stdout
    assert "pipeline" not in ended.stdout


def test_names_and_ids_of_workflows_are_offered(stub):
    stub.on("GET", "/dagger/workflows", page("workflows", workflow(description="Counts"), workflow(name="swords")))

    assert completion.workflows(context(), "w") == [("words", "Counts")]
    assert completion.workflows(context(), "01a2") == [(WORKFLOW, "swords")]


def test_a_name_that_is_several_words_to_the_shell_is_offered_by_its_id(stub):
    stub.on("GET", "/dagger/workflows", page("workflows", workflow(name="two words; rm")))

    assert completion.workflows(context(), "") == [(WORKFLOW, "two words; rm")]


def test_executions_their_steps_and_their_files_are_offered(stub):
    files = [{"name": "site", "step": "a", "path": "out/site", "kind": "file", "size": 1, "sha256": ""}]
    stub.on("GET", "/dagger/executions", page("executions", execution()))
    stub.on("GET", f"/dagger/executions/{EXECUTION}", execution(artifacts=files))

    assert completion.executions(context(), EXECUTION[:5]) == [(EXECUTION, "completed")]
    assert completion.steps(context(execution=EXECUTION), "c") == [("count", "completed")]
    assert completion.outputs(context(execution=EXECUTION), "") == [("site", "out/site")]


def test_what_else_has_a_name_is_offered(stub):
    at = "2025-03-01T12:00:00Z"
    agent = {"id": "1", "name": "gpu-1", "status": "idle", "current_load": 0, "max_load": 1, "capabilities": ["gpu"]}
    pipeline = {"id": "2", "name": "app", "source_directory": "/src", "pipeline_definition": "p.yaml"}
    stub.on("GET", "/dagger/agents", page("agents", agent))
    stub.on("GET", "/dagger/pipelines", page("pipelines", pipeline))
    stub.on("GET", "/secrets", page("secrets", {"name": "KEY", "created_at": at, "created_by": "ann"}))
    stub.on("GET", "/auth/users", page("users", {"username": "ann", "role": "editor"}))
    stub.on("GET", "/auth/tokens", page("tokens", {"id": "3", "name": "ci", "role": "viewer"}))

    assert completion.agents(context(), "g") == [("gpu-1", "idle")]
    assert completion.capabilities(context(), "") == [("gpu", "of gpu-1")]
    assert completion.pipelines(context(), "a") == [("app", "")]
    assert completion.secrets(context(), "K") == [("KEY", "")]
    assert completion.users(context(), "") == [("ann", "editor")]
    assert completion.tokens(context(), "") == [("3", "ci")]


def test_what_can_be_run_is_stored_or_a_file(stub, home):
    stub.on("GET", "/dagger/.*s", lambda request: httpx.Response(200, json=page(request.url.path.split("/")[-1])))
    for name in ("words.yaml", "notes.txt", "flow.json", ".hidden.yaml"):
        (home / name).touch()
    (home / "app").mkdir()

    assert completion.workflows_and_files(context(), "") == [("words.yaml", "here"), ("flow.json", "here")]
    assert completion.pipelines_and_directories(context(), "a") == [("app", "here")]
    assert completion.workflows_and_files(context(), "./w") == []


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: httpx.Response(401, json={"status": 401, "code": "unauthenticated", "message": "No", "details": {}}),
        lambda _: httpx.Response(200, text="<html>"),
        lambda request: (_ for _ in ()).throw(httpx.ReadTimeout("too slow", request=request)),
    ],
)
def test_tab_offers_nothing_and_says_nothing_where_the_service_does_not_help(stub, answer, capsys):
    stub.on("GET", ".*", answer)

    assert completion.workflows(context(), "w") == []
    assert completion.steps(context(), "") == []  # nor where the line is not complete
    assert completion.workflows(context(server="ftp://nowhere"), "w") == []
    assert capsys.readouterr() == ("", "")


def test_who_hits_tab_is_asked_for_no_patience(stub):
    stub.on("GET", "/dagger/workflows", lambda _: httpx.Response(503, json={}))

    completion.workflows(context(), "w")

    assert len(stub.asked) == 1


SORTED = {
    "workflow": "/dagger/workflows",
    "pipeline": "/dagger/pipelines",
    "execution": "/dagger/executions",
    "agent": "/dagger/agents",
    "secret": "/secrets",
    "token": "/auth/tokens",
    "user": "/auth/users",
    "audit": "/audit",
}


@pytest.mark.parametrize(("noun", "path"), SORTED.items())
def test_the_fields_to_sort_by_are_those_of_the_api(noun, path):
    parameters = json.loads(OPENAPI.read_text())["paths"][path]["get"]["parameters"]
    (pattern,) = [each["schema"]["anyOf"][0]["pattern"] for each in parameters if each["name"] == "sort"]

    offers = completion.sort_fields(SimpleNamespace(command_path=f"aiop {noun} list"), "")

    assert [offer for offer in offers if ":" not in offer] == pattern[2 : pattern.index(")")].split("|")
    assert all(re.fullmatch(pattern, offer) for offer in offers)

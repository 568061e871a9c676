from __future__ import annotations

import json

import httpx
import pytest
import yaml

from unit.cli.answers import EXECUTION, RUN, WORKFLOW, events, execution, page, workflow

ONE = f"/dagger/workflows/{WORKFLOW}"
SUBMITTED = {"execution_id": EXECUTION, "status": "pending", "workflow_id": WORKFLOW}


@pytest.fixture
def file(home):
    path = home / "flow.yaml"
    path.write_text("name: words\nsteps:\n  - id: survey\n    container:\n      imag: busybox\n")
    return path.name


@pytest.fixture
def running(stub):
    """A service in which the workflow is stored, and runs well."""
    stub.on("GET", "/dagger/workflows", page("workflows", workflow()))
    stub.on("GET", ONE, workflow())
    stub.on("POST", f"{ONE}/execute", SUBMITTED, status=201)
    stub.on("GET", f"/dagger/executions/{EXECUTION}", execution())
    stub.on("GET", f"/dagger/executions/{EXECUTION}/events", events(*RUN))
    return stub


def test_a_list_is_a_table(stub, cli):
    stub.on("GET", "/dagger/workflows", page("workflows", workflow(description="Counts words")))

    lines = cli("workflow", "list").out.splitlines()

    assert lines[0].split() == ["ID", "NAME", "STATUS", "CREATED", "DESCRIPTION"]
    assert lines[1].startswith(f"{WORKFLOW}  words  pending")
    assert lines[1].endswith("Counts words")


def test_json_and_yaml_are_the_answer_as_it_is(stub, cli):
    body = page("workflows", workflow(of_a_newer_service=[1.0, None]))
    stub.on("GET", "/dagger/workflows", body)

    assert cli("workflow", "list", "-o", "json").json == body
    assert yaml.load(cli("workflow", "list", "-o", "yaml").out, yaml.BaseLoader)["total"] == "1"
    assert cli("workflow", "list", "-o", "name").out == f"{WORKFLOW}\n"


def test_filters_and_order_go_to_the_service(stub, cli):
    stub.on("GET", "/dagger/workflows", page("workflows"))

    cli("workflow", "list", "--status", "failed", "--name", "w", "--sort", "name:desc", "-n", "5", "--offset", "10")

    query = "status=failed&name=w&sort=name%3Adesc&limit=5&offset=10"
    assert stub.asked == [("GET", f"/dagger/workflows?{query}")]


def test_a_workflow_is_shown_with_its_steps(stub, cli):
    stub.on("GET", ONE, workflow(inputs={"text": {"type": "string", "required": True}, "n": {"default": 3}}))

    out = cli("workflow", "show", WORKFLOW).out

    assert "Name     words\n" in out
    assert "text: string (required)" in out
    assert "n = 3" in out
    assert "count   busybox  survey  -\n" in out


def test_a_definition_can_be_shown_so_that_it_can_be_stored_again(stub, cli):
    stub.on("GET", ONE, workflow(script="a\nb\n"))

    shown = yaml.safe_load(cli("workflow", "show", WORKFLOW, "--definition").out)

    assert list(shown) == ["name", "description", "steps", "script"]
    assert shown["script"] == "a\nb\n"


def test_a_name_stands_for_a_workflow_if_there_is_one_of_it(stub, cli):
    others = [workflow(id="other", name="words of others")]
    stub.on("GET", "/dagger/workflows", page("workflows", workflow(), *others))
    stub.on("GET", ONE, workflow())

    assert cli("workflow", "show", "words", "-o", "name").out == f"{WORKFLOW}\n"


def test_a_name_of_several_is_asked_about(stub, cli):
    stub.on("GET", "/dagger/workflows", page("workflows", workflow(), workflow(id="other")))

    ended = cli("workflow", "show", "words")

    assert ended.code == 3
    assert ended.err.startswith(f"aiop: 'words' fits several workflows\n  {WORKFLOW}\n  other\nSay which by its id")


@pytest.mark.parametrize("beginning", ["0000", "0001-5", "00ff", "0199"])
def test_the_beginning_of_an_id_is_found_by_halving(stub, cli, beginning):
    ids = [f"{number:04x}-{number % 7}000" for number in range(500)]

    def listed(request):
        if "name" in request.url.params:
            return httpx.Response(200, json=page("workflows"))
        offset, limit = (int(request.url.params.get(name, 0)) for name in ("offset", "limit"))
        rows = [workflow(id=ident) for ident in ids[offset : offset + limit]]
        return httpx.Response(200, json={"workflows": rows, "total": len(ids), "limit": limit, "offset": offset})

    stub.on("GET", "/dagger/workflows", listed)
    stub.on(
        "GET",
        "/dagger/workflows/.+",
        lambda request: httpx.Response(200, json=workflow(id=request.url.path.split("/")[-1])),
    )
    fitting = [ident for ident in ids if ident.startswith(beginning)]

    assert cli("workflow", "show", beginning, "-o", "name").out.split() == fitting
    assert len(stub.asked) < 15


def test_nothing_of_that_name_is_said(stub, cli):
    stub.on("GET", "/dagger/workflows", page("workflows"))

    ended = cli("workflow", "show", "beef")

    assert ended.code == 3
    assert "there is no workflow 'beef'" in ended.err


def test_a_file_becomes_a_workflow(stub, cli, file):
    stub.on("POST", "/dagger/workflows", workflow(), status=201)

    assert cli("workflow", "create", file).out == f"Created workflow words ({WORKFLOW}).\n"
    assert stub.bodies == [{"name": "words", "steps": [{"id": "survey", "container": {"imag": "busybox"}}]}]


def test_a_workflow_can_come_from_stdin(stub, cli):
    stub.on("POST", "/dagger/workflows", workflow(), status=201)

    assert cli("workflow", "create", "-", "-o", "name", stdin="name: words\n").out == f"{WORKFLOW}\n"


@pytest.mark.parametrize("command", ["create", "validate"])
def test_every_fault_is_printed_with_its_line(stub, cli, file, command):
    faults = [("steps[0].container.imag", "Unknown field"), ("steps[0].container.image", "Field is required")]
    stub.refuse("POST", "/dagger/workflows.*", 400, "invalid_request", "Invalid request body", *faults)

    ended = cli("workflow", command, file)

    assert ended.code == 3
    assert ended.err == (
        "aiop: flow.yaml has 2 faults\n"
        "  flow.yaml:4: steps[0].container.image: Field is required\n"
        "  flow.yaml:5: steps[0].container.imag: Unknown field\n"
        "Correct what is named; `aiop workflow validate FILE` checks without storing.\n"
    )


def test_a_valid_file_is_said_to_be_so(stub, cli, file):
    stub.on("POST", "/dagger/workflows/validate", {"valid": True})

    assert cli("workflow", "validate", file).out == "flow.yaml is valid.\n"
    assert cli("workflow", "validate", file, "-o", "json").json == {"valid": True, "errors": []}


def test_faults_can_be_read_by_programs(stub, cli, file):
    stub.refuse("POST", "/dagger/workflows/validate", 400, "invalid_request", "No", ("name", "Too long"))

    ended = cli("workflow", "validate", file, "-o", "json")

    assert ended.code == 3
    assert ended.json == {"valid": False, "errors": [{"field": "name", "message": "Too long"}]}


def test_update_sends_the_file(stub, cli, file):
    stub.on("PATCH", ONE, workflow())

    assert cli("workflow", "update", WORKFLOW, file).code == 0
    assert stub.bodies[0]["name"] == "words"


def test_delete_asks_first(stub, cli):
    stub.on("GET", ONE, workflow())
    stub.on("DELETE", ONE, lambda _: httpx.Response(204))

    assert cli("workflow", "delete", WORKFLOW).code == 2
    assert ("DELETE", ONE) not in stub.asked
    assert cli("workflow", "delete", WORKFLOW, "--yes").out == f"Deleted workflow words ({WORKFLOW}).\n"
    assert ("DELETE", ONE) in stub.asked


def test_a_run_is_watched_to_its_end(running, cli):
    ended = cli("workflow", "run", "words", "-i", "text=to be", "-i", "n:=2")

    assert ended.code == 0
    assert running.bodies == [{"inputs": {"text": "to be", "n": 2}}]
    assert ended.out.splitlines() == [
        f"words  {EXECUTION}",
        "12:00:02  [0/2]  survey: started",
        "12:00:03  [0/2]  survey: attempt 1 failed: exit code 1, attempt 2 follows in 1 s",
        "12:00:04  [0/2]  survey: started, attempt 2",
        "12:00:05  [1/2]  survey: completed in 3.0s",
        "12:00:06  [2/2]  count: skipped: when_false",
        "12:00:07  execution completed in 6.0s",
        "Outputs  words = 2",
    ]


def test_for_programs_the_progress_is_apart_from_the_result(running, cli):
    ended = cli("workflow", "run", "words", "-o", "json")

    assert ended.json == execution()
    assert "survey: started" in ended.err


def test_a_silent_run_prints_its_result_alone(running, cli):
    assert cli("workflow", "run", "words", "--no-watch").out == "Outputs  words = 2\n"


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("cancelled", 6)])
@pytest.mark.parametrize("option", ["--watch", "--no-watch"])
def test_the_exit_code_tells_how_it_ended(running, cli, status, code, option):
    running.on("GET", f"/dagger/executions/{EXECUTION}", execution(status))
    running.on("GET", f"/dagger/executions/{EXECUTION}/events", events(("ExecutionFinished", {"status": status})))

    assert cli("workflow", "run", "words", option).code == code


def test_a_failure_shows_the_end_of_the_log_of_what_failed(running, cli):
    running.on("GET", f"/dagger/executions/{EXECUTION}", execution("failed"))

    out = cli("workflow", "run", "words", "--no-watch").out

    assert out == f"\nThe end of the log of count:\n  two\n\nAll of it: aiop execution logs {EXECUTION}\n"


def test_a_detached_run_returns_at_once(running, cli):
    assert cli("workflow", "run", "words", "--detach").out == f"{EXECUTION}\n"
    assert not any("executions/" in path for _, path in running.asked)


def test_a_file_is_stored_and_run(running, cli, home):
    (home / "new.yaml").write_text("name: new\nsteps: []\n")
    running.on("POST", "/dagger/workflows", workflow(), status=201)

    assert cli("workflow", "run", "new.yaml", "--detach").code == 0
    assert ("POST", "/dagger/workflows") in running.asked


def test_a_file_that_is_stored_already_is_run_as_it_is(running, cli, home):
    definition = {name: workflow()[name] for name in ("name", "description", "steps")}
    (home / "words.json").write_text(json.dumps(definition))

    assert cli("workflow", "run", "words.json", "--detach").code == 0
    assert ("POST", "/dagger/workflows") not in running.asked


def test_inputs_can_come_from_a_file(running, cli, home):
    (home / "inputs.yaml").write_text("text: hi\nn: 1\n")

    cli("workflow", "run", "words", "--inputs", "inputs.yaml", "-i", "n:=2", "--detach")

    assert running.bodies == [{"inputs": {"text": "hi", "n": 2}}]


def test_the_password_of_a_registry_comes_from_the_environment(running, cli, monkeypatch):
    arguments = ("workflow", "run", "words", "--detach", "--registry", "r.test", "--registry-username", "ann")

    assert cli(*arguments).code == 2
    monkeypatch.setenv("AIOP_REGISTRY_PASSWORD", "secret")
    assert cli(*arguments).code == 0
    assert running.bodies[-1] == {
        "inputs": {},
        "container_registry": "r.test",
        "container_credentials": {"username": "ann", "password": "secret"},
    }


def test_stopping_to_watch_says_that_the_execution_goes_on(running, cli):
    def interrupted(_):
        raise KeyboardInterrupt

    running.on("GET", f"/dagger/executions/{EXECUTION}/events", interrupted)

    ended = cli("workflow", "run", "words")

    assert ended.code == 130
    assert f"execution {EXECUTION} goes on" in ended.err
    assert f"aiop execution cancel {EXECUTION}" in ended.err

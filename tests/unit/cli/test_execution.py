from __future__ import annotations

import json

import httpx
import pytest

from unit.cli.answers import EXECUTION, RUN, WORKFLOW, events, execution, page, workflow

ONE = f"/dagger/executions/{EXECUTION}"


def lines(*found):
    text = ""
    for number, (step, stream, words) in enumerate(found, 1):
        body = {"step": step, "attempt": 1, "stream": stream, "at": f"2025-03-01T12:00:0{number}Z", "text": words}
        text += f"id: 1.{number}\nevent: log\ndata: {json.dumps(body)}\n\n"
    text += 'event: end\ndata: {"status": "completed"}\n\n'
    return lambda _: httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})


LOG = lines(("survey", "stdout", "one"), ("a", "stderr", "two"), ("survey", "system", "[cut]"))


def test_a_list_tells_how_far_each_is(stub, cli):
    running = execution("running", completed_at=None, waiting={"code": "no_agent", "detail": "no agent has gpu"})
    stub.on("GET", "/dagger/executions", page("executions", running))

    heading, row = cli("execution", "list").out.splitlines()

    assert heading.split() == ["ID", "STATUS", "STEPS", "STARTED", "TIME", "WHY"]
    assert row.startswith(f"{EXECUTION}  running  1/2    ")
    assert row.endswith("no agent has gpu")


def test_a_list_can_be_of_one_workflow(stub, cli):
    stub.on("GET", f"/dagger/workflows/{WORKFLOW}/executions", page("executions"))

    cli("execution", "list", "-w", WORKFLOW, "--status", "running")

    assert stub.asked == [("GET", f"/dagger/workflows/{WORKFLOW}/executions?status=running&limit=20")]


def test_an_execution_is_shown_with_its_steps(stub, cli):
    stub.on("GET", ONE, execution("failed", error="step 'count' failed"))

    out = cli("execution", "show", EXECUTION).out

    assert "Why       step 'count' failed\n" in out
    assert "Took      2m 00s\n" in out
    assert "Outputs   words = 2\n" in out
    assert "survey  completed  1m 05s  1         0\n" in out
    assert "count   failed     -       -         -\n" in out


def test_an_answer_for_programs_is_untouched(stub, cli):
    stub.on("GET", ONE, execution())

    assert cli("execution", "show", EXECUTION, "-o", "json").json == execution()


def test_the_log_has_the_step_before_each_line(stub, cli):
    stub.on("GET", f"{ONE}/logs", LOG)

    assert cli("execution", "logs", EXECUTION).out == "survey | one\na      | two\nsurvey | [cut]\n"
    assert stub.asked == [("GET", f"{ONE}/logs?follow=false")]


def test_the_log_of_one_step_stands_alone(stub, cli):
    stub.on("GET", f"{ONE}/logs", lines(("survey", "stdout", "one")))

    out = cli("execution", "logs", EXECUTION, "-f", "-t", "--step", "survey", "--stream", "stdout").out

    assert out == "2025-03-01T12:00:01.000Z one\n"
    assert stub.asked == [("GET", f"{ONE}/logs?step=survey&stream=stdout&follow=true")]


def test_the_log_is_a_line_of_json_each_for_programs(stub, cli):
    stub.on("GET", f"{ONE}/logs", LOG)

    found = [json.loads(line) for line in cli("execution", "logs", EXECUTION, "-o", "json").out.splitlines()]

    assert [(line["id"], line["step"], line["text"]) for line in found] == [
        ("1.1", "survey", "one"),
        ("1.2", "a", "two"),
        ("1.3", "survey", "[cut]"),
    ]


def test_events_are_printed_as_they_are(stub, cli):
    stub.on("GET", f"{ONE}/events", events(*RUN))

    out = cli("execution", "events", EXECUTION).out.splitlines()
    found = [json.loads(line) for line in cli("execution", "events", EXECUTION, "-o", "json").out.splitlines()]

    assert out[1] == "    2  2025-03-01 12:00:02  StepStarted               step=survey  attempt=1"
    assert found[1] == {
        "seq": 2,
        "type": "StepStarted",
        "at": "2025-03-01T12:00:02Z",
        "data": {"step": "survey", "attempt": 1},
    }


def test_watching_replays_what_has_happened(stub, cli):
    stub.on("GET", ONE, execution())
    stub.on("GET", f"/dagger/workflows/{WORKFLOW}", workflow())
    stub.on("GET", f"{ONE}/events", events(*RUN))

    ended = cli("execution", "watch", EXECUTION)

    assert ended.code == 0
    assert "[1/2]  survey: completed" in ended.out


def test_an_execution_can_be_watched_after_its_workflow_is_gone(stub, cli):
    stub.on("GET", ONE, execution())
    stub.refuse("GET", f"/dagger/workflows/{WORKFLOW}", 404, "not_found", "Workflow not found")
    stub.on("GET", f"{ONE}/events", events(*RUN))

    assert cli("execution", "watch", EXECUTION).out.startswith(f"Execution {EXECUTION}\n")


def test_cancel_asks_and_can_wait(stub, cli):
    stub.on("DELETE", ONE, lambda _: httpx.Response(204))
    stub.on("GET", ONE, execution("cancelled"))

    assert cli("execution", "cancel", EXECUTION).out == f"Asked execution {EXECUTION} to cancel.\n"
    assert cli("execution", "cancel", EXECUTION, "--wait").out == f"Execution {EXECUTION} is cancelled.\n"


HINT = "Look how it is now, by `show` or `list` beside this command."


def test_what_has_ended_cannot_be_cancelled(stub, cli):
    stub.refuse("DELETE", ONE, 400, "invalid_state", "The execution has ended")

    ended = cli("execution", "cancel", EXECUTION)

    assert (ended.code, ended.err) == (3, f"aiop: The execution has ended\n{HINT}\n")


@pytest.mark.parametrize("output", ["table", "yaml"])
def test_text_of_others_cannot_steer_the_terminal(stub, cli, output):
    stub.on("GET", ONE, execution("failed", error="\x1b]0;owned\x07"))

    assert "\x1b" not in cli("execution", "show", EXECUTION, "-o", output).out


@pytest.mark.parametrize("command", [["watch"], ["execution", "watch"]])
def test_without_a_name_the_newest_execution_under_way_is_watched(stub, cli, command):
    def listed(request):
        pending = request.url.params["status"] == "pending"
        return httpx.Response(200, json=page("executions", *([execution("pending")] if pending else [])))

    stub.on("GET", "/dagger/executions", listed)
    stub.on("GET", ONE, execution())
    stub.on("GET", f"/dagger/workflows/{WORKFLOW}", workflow())
    stub.on("GET", f"{ONE}/events", events(*RUN))

    assert cli(*command).out.startswith(f"words  {EXECUTION}\n")


def test_where_nothing_runs_there_is_nothing_to_watch(stub, cli):
    stub.on("GET", "/dagger/executions", page("executions"))

    ended = cli("watch")

    assert ended.code == 3
    assert ended.err.startswith("aiop: no execution is under way\nStart one with")

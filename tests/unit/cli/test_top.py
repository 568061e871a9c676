from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest
from rich.console import Console

from aiop.cli.top.load import Load, as_data, rates
from aiop.cli.top.view import TopView
from aiop.client import Agent, Execution, Page, ServiceStatus, StepState, Waiting
from aiop.model.state import StepStatus
from unit.cli.answers import EXECUTION, WORKFLOW, execution, page, workflow

AT = datetime(2025, 3, 1, 12, 0, 30, tzinfo=UTC)
METRICS = """# TYPE dagger_workflow_executions_total counter
dagger_workflow_executions_total{{workflow_id="a",status="completed"}} {executions}
dagger_workflow_executions_total{{workflow_id="b",status="failed"}} 1
dagger_step_executions_total{{status="completed"}} {steps}
dagger_step_executions_total{{status="skipped"}} 2
dagger_step_execution_duration_seconds_count 42
"""


def pages(items, total=None):
    return Page(items=items, total=len(items) if total is None else total, limit=20, offset=0)


def running(number):
    steps = {
        "a": StepState(id="a", name="a", status=StepStatus.COMPLETED),
        "b": StepState(id="b", name="b", status=StepStatus.RUNNING),
        "c": StepState(
            id="c", name="c", status=StepStatus.PENDING, waiting=Waiting(code="dependency", detail="waits for b")
        ),
        "d": StepState(
            id="d", name="d", status=StepStatus.PENDING, waiting=Waiting(code="image_pull", detail="pulls busybox")
        ),
    }
    started = {"started_at": AT - timedelta(seconds=12), "raw": {"started_at": "2025-03-01T12:00:18Z"}}
    return Execution(id=f"{EXECUTION[:-2]}{number:02}", status="running", workflow_id=WORKFLOW, steps=steps, **started)


def waiting(number):
    why = Waiting(code="agent_capacity", detail="every agent that could run it is full")
    created = {"created_at": AT - timedelta(minutes=3), "raw": {"waiting": {"code": why.code, "detail": why.detail}}}
    return Execution(id=f"{WORKFLOW[:-2]}{number:02}", status="pending", workflow_id=WORKFLOW, waiting=why, **created)


def load(runs=2, waits=1, **changes):
    made = Load(
        at=AT,
        status=ServiceStatus(
            status="healthy",
            version="1.0",
            active_workflows=2,
            active_steps=3,
            memory_usage_mb=120,
            cpu_usage_percent=8,
        ),
        agents=pages([Agent(id="1", name="local", status="busy", current_load=3, max_load=10)]),
        running=pages([running(number) for number in range(runs)]),
        waiting=pages([waiting(number) for number in range(waits)]),
        names={},
        steps_ended=42,
        executions_ended=3,
    )
    names = {each.id: "words" for each in (*made.running.items, *made.waiting.items)}
    return replace(made, names=names, **changes)


def drawn(shown, before=None, *, width=80, height=None, **options):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(TopView("http://here", shown, before, **options), height=height)
    return console.file.getvalue().splitlines()


def test_a_look_shows_the_figures_the_agents_what_runs_and_what_waits():
    before = load(at=AT - timedelta(seconds=2), steps_ended=30, executions_ended=2)
    first, second, *rest = drawn(load(), before, width=100)

    assert first.startswith("healthy   http://here   aiop 1.0   ")
    assert second == ("Executions 2 running, 1 waiting, 0.5/s   Steps 3 running, 6.0/s   CPU 8 %   Memory 120 MB")
    assert rest == [
        "",
        "AGENT  STATUS  LOAD              ERROR",
        "local  busy    ###.......  3/10",
        "",
        "RUNNING                               NAME   STEPS  TIME  DOING",
        f"{EXECUTION[:-2]}00  words  1/4    12s   b, d: pulls busybox",
        f"{EXECUTION[:-2]}01  words  1/4    12s   b, d: pulls busybox",
        "",
        "WAITING                               NAME   TIME    FOR",
        f"{WORKFLOW[:-2]}00  words  3m 00s  every agent that could run it is full",
    ]


@pytest.mark.parametrize(("width", "height"), [(40, 24), (50, 20), (80, 18), (80, 24), (120, 50)])
def test_it_fits_every_terminal_and_counts_what_it_leaves_out(width, height):
    lines = drawn(
        load(runs=30, waits=30, waiting=pages([waiting(n) for n in range(30)], 500)), width=width, height=height
    )

    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    text = "\n".join(lines)
    shown = [sum(line.startswith(key[:-2]) for line in lines) for key in (EXECUTION, WORKFLOW)]
    assert min(shown) > 0
    assert f"and {30 - shown[0]} more" in text
    assert f"and {500 - shown[1]} more" in text


def test_an_idle_service_is_said_to_be_idle():
    assert drawn(load(runs=0, waits=0))[-1] == "Nothing runs, and nothing waits."


def test_an_old_look_says_why_there_is_no_newer_one():
    assert drawn(load(), trouble="No news since 12:00:30")[0] == "No news since 12:00:30"


def test_a_first_look_has_no_rates():
    assert rates(None, load()) is None
    assert rates(load(), load()) is None
    assert as_data(None, load())["steps"] == {"running": 3, "per_second": None}


def test_counters_that_begin_anew_are_no_rate_below_zero():
    assert rates(load(at=AT - timedelta(seconds=1), steps_ended=100), load()).steps == 0


def test_programs_get_the_same_as_data():
    data = as_data(load(at=AT - timedelta(seconds=2), steps_ended=30), load())

    assert json.loads(json.dumps(data)) == data
    assert data["at"] == "2025-03-01T12:00:30Z"
    assert data["executions"] == {"running": 2, "waiting": 1, "per_second": 0}
    assert data["steps"] == {"running": 3, "per_second": 6}
    assert data["agents"] == [{"name": "local", "status": "busy", "current_load": 3, "max_load": 10}]
    assert data["running"][0]["steps"] == {"ended": 1, "total": 4}
    assert data["running"][0]["doing"] == ["b", "d: pulls busybox"]
    assert data["waiting"][0]["waiting"]["code"] == "agent_capacity"


@pytest.fixture
def busy(stub, monkeypatch):
    """A service in which 10 steps and an execution end between two looks, 2 s apart; no time passes."""
    monkeypatch.setattr("aiop.cli.top.keys.time.sleep", lambda _: None)
    seconds = count(step=2)
    monkeypatch.setattr("aiop.cli.top.loop.now", lambda: AT + timedelta(seconds=next(seconds)))
    steps, ended = count(40, step=10), count(2)
    found = {
        "running": execution("running", completed_at=None),
        "pending": execution("pending", id=WORKFLOW, started_at=None, created_at="2025-03-01T12:00:00Z"),
    }
    status = {"status": "healthy", "version": "1.0", "active_workflows": 1, "active_steps": 1}
    stub.on("GET", "/monitoring/dagger/status", status | {"memory_usage_mb": 1, "cpu_usage_percent": 1, "engines": []})
    stub.on(
        "GET",
        "/monitoring/dagger/metrics",
        lambda _: httpx.Response(200, text=METRICS.format(steps=next(steps), executions=next(ended))),
    )
    stub.on("GET", "/dagger/agents", page("agents"))
    stub.on(
        "GET",
        "/dagger/executions",
        lambda asked: httpx.Response(200, json=page("executions", found[asked.url.params["status"]])),
    )
    stub.on("GET", f"/dagger/workflows/{WORKFLOW}", workflow())
    return stub


def test_a_script_gets_one_object_with_the_rates_between_two_looks(busy, cli):
    ended = cli("top", "--once", "--json")

    assert ended.code == 0
    assert ended.json["at"] == "2025-03-01T12:00:32Z"
    assert ended.json["executions"] == {"running": 1, "waiting": 1, "per_second": 0.5}
    assert ended.json["steps"] == {"running": 1, "per_second": 5}
    assert [(each["id"], each["name"]) for each in ended.json["running"]] == [(EXECUTION, "words")]
    assert [(each["id"], each["name"]) for each in ended.json["waiting"]] == [(WORKFLOW, "words")]


def test_names_are_asked_for_once(busy, cli):
    cli("top", "--once")

    assert busy.asked.count(("GET", f"/dagger/workflows/{WORKFLOW}")) == 1


def test_what_is_deleted_is_called_by_its_id(busy, cli):
    busy.refuse("GET", f"/dagger/workflows/{WORKFLOW}", 404, "not_found", "Workflow not found")

    assert cli("top", "--once", "--json").json["running"][0]["name"] == WORKFLOW


def test_without_a_terminal_each_look_is_a_line_until_it_is_interrupted(busy, cli, monkeypatch):
    waits = iter([None, None])

    def sleep(_):
        if next(waits, 0) is not None:
            raise KeyboardInterrupt

    monkeypatch.setattr("aiop.cli.top.keys.time.sleep", sleep)

    ended = cli("top", "--json")

    assert ended.code == 0
    assert len([json.loads(line) for line in ended.out.splitlines()]) == 3


def test_a_service_that_is_away_at_the_start_is_an_error(stub, cli):
    stub.refuse("GET", ".*", 503, "unavailable", "Not now")

    assert cli("top", "--once").code == 5

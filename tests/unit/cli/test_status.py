"""``aiop status``."""

from __future__ import annotations

import httpx
import pytest

STATUS = {
    "status": "healthy",
    "version": "0.8.1",
    "active_workflows": 2,
    "active_steps": 3,
    "memory_usage_mb": 108.4,
    "cpu_usage_percent": 12.34,
    "engines": [
        {"agent": "local", "type": "docker", "version": "20.10.24", "status": "busy"},
        {"agent": "far", "type": "docker", "version": None, "status": "offline", "error": "no route to host"},
    ],
}
PATH = "/monitoring/dagger/status"


@pytest.mark.parametrize(("status", "code"), [("healthy", 0), ("degraded", 0), ("unhealthy", 5)])
def test_the_exit_code_tells_whether_anything_can_be_run(stub, cli, status, code):
    stub.on("GET", PATH, {**STATUS, "status": status})

    ended = cli("status", "-o", "name")

    assert (ended.code, ended.out) == (code, f"{status}\n")


def test_people_get_the_figures_and_the_engines(stub, cli):
    stub.on("GET", PATH, STATUS)

    assert cli("status").out.splitlines() == [
        "Status      healthy",
        "Version     0.8.1",
        "Executions  2 running",
        "Steps       3 running",
        "Memory      108 MB",
        "CPU         12.3 %",
        "",
        "AGENT  ENGINE  VERSION   STATUS   ERROR",
        "local  docker  20.10.24  busy",
        "far    docker            offline  no route to host",
    ]


def test_programs_get_the_answer_as_it_is(stub, cli):
    stub.on("GET", PATH, STATUS)

    assert cli("status", "-o", "json").json == STATUS


def test_the_trace_that_the_program_is_called_in_goes_on(stub, cli, monkeypatch):
    trace = {"TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "TRACESTATE": "a=b"}
    for name, value in trace.items():
        monkeypatch.setenv(name, value)
    seen = []
    stub.on("GET", PATH, lambda request: seen.append(request.headers) or httpx.Response(200, json=STATUS))

    cli("status")

    assert [(headers["traceparent"], headers["tracestate"]) for headers in seen] == [tuple(trace.values())]

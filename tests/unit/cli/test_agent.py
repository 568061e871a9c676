from __future__ import annotations

import httpx
import pytest

from unit.cli.answers import page

ID = "01234567-89ab-7def-8123-456789abcdef"
AGENT = {
    "id": ID,
    "name": "builder",
    "description": None,
    "capabilities": ["containerized_workflow", "gpu"],
    "status": "busy",
    "current_load": 2,
    "max_load": 5,
    "container_registry": None,
    "workflow_directory": "/workflows",
    "created_at": "2025-03-01T12:00:00Z",
    "updated_at": None,
}
WHOLE = {
    **AGENT,
    "timeout_seconds": 600.0,
    "engine": {"type": "docker", "endpoint": "tcp://builder:2376", "version": "20.10.24", "tls": True},
    "last_seen_at": "2025-03-01T12:00:00Z",
}


def test_an_agent_is_registered_with_what_is_said_and_nothing_else(stub, cli):
    stub.on("POST", "/dagger/agents", AGENT, status=201)

    assert cli("agent", "create", "builder").out == "Agent builder is busy.\n"
    assert cli("agent", "create", "b", "-c", "gpu", "-c", "x", "--max-executions", "5", "--timeout", "60").code == 0
    assert cli("agent", "create", "b", "--endpoint", "tcp://b:2375", "--registry", "r.example").code == 0

    assert stub.bodies == [
        {"name": "builder"},
        {"name": "b", "capabilities": ["gpu", "x"], "max_concurrent_executions": 5, "timeout_seconds": 60.0},
        {
            "name": "b",
            "container_registry": "r.example",
            "engine": {"type": "docker", "endpoint": "tcp://b:2375"},
        },
    ]


def test_an_agent_that_cannot_be_reached_is_said_so(stub, cli):
    stub.on("POST", "/dagger/agents", {**AGENT, "status": "offline", "error": "no route"}, status=201)
    assert cli("agent", "create", "builder").out == "Agent builder is offline: no route.\n"


def test_certificates_are_read_from_a_directory_as_docker_has_it(stub, cli, tmp_path):
    stub.on("POST", "/dagger/agents", AGENT, status=201)
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").write_text(f"the {name}")

    assert cli("agent", "create", "b", "--endpoint", "tcp://b:2376", "--tls", str(tmp_path)).code == 0

    tls = {"ca": "the ca", "certificate": "the cert", "key": "the key"}
    assert stub.bodies[0]["engine"] == {"type": "docker", "endpoint": "tcp://b:2376", "tls": tls}
    (tmp_path / "key.pem").unlink()
    ended = cli("agent", "create", "b", "--endpoint", "tcp://b:2376", "--tls", str(tmp_path))
    assert ended.code == 2
    assert "cannot read the certificates" in ended.err


def test_agents_are_listed_with_their_load(stub, cli):
    stub.on("GET", "/dagger/agents", page("agents", AGENT))

    ended = cli("agent", "list", "--status", "busy", "--capability", "gpu")

    assert ended.out.splitlines()[1].split() == [ID, "builder", "busy", "2/5", "containerized_workflow", "gpu"]
    assert cli("agent", "list", "-o", "name").out == f"{ID}\n"
    assert cli("agent", "list", "--status", "asleep").code == 2


@pytest.mark.parametrize("reference", [ID, "builder"])
def test_an_agent_is_found_by_id_or_name_and_shown_whole(stub, cli, reference):
    stub.on("GET", "/dagger/agents", page("agents", AGENT))
    stub.on("GET", f"/dagger/agents/{ID}", WHOLE)

    ended = cli("agent", "show", reference)

    lines = {line.split("  ")[0]: " ".join(line.split()[1:]) for line in ended.out.splitlines()}
    assert lines["Engine"] == "docker 20.10.24 at tcp://builder:2376 (TLS)"
    assert lines["Load"] == "2 of 5"
    assert lines["Timeout"] == "600 s"
    assert cli("agent", "show", reference, "-o", "json").json == WHOLE


def test_what_is_not_there_is_said_so(stub, cli):
    stub.on("GET", "/dagger/agents", page("agents"))

    ended = cli("agent", "show", "nobody")

    assert ended.code == 3
    assert "there is no agent 'nobody'" in ended.err
    assert "aiop agent list" in ended.err


def test_only_what_is_said_changes(stub, cli):
    stub.on("PATCH", f"/dagger/agents/{ID}", WHOLE)

    assert cli("agent", "update", ID).code == 2
    assert cli("agent", "update", ID, "--max-executions", "7").out == "Changed agent builder.\n"
    assert stub.bodies == [{"max_concurrent_executions": 7}]


def test_an_agent_is_deleted_by_force_only_if_that_is_said(stub, cli):
    asked = []

    def delete(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.query, "ascii"))
        return httpx.Response(204)

    stub.on("DELETE", f"/dagger/agents/{ID}", delete)

    assert cli("agent", "delete", ID, "--yes").out == f"Deleted agent {ID}.\n"
    assert cli("agent", "delete", ID, "--yes", "--force").code == 0
    assert asked == ["", "force=true"]

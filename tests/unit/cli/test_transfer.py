from __future__ import annotations

import hashlib
import io
from contextlib import contextmanager, redirect_stderr

import httpx
import pytest

from aiop.cli.transfer import transfer
from unit.cli.answers import EXECUTION, execution, page


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


def shown(what, size, *done, times):
    """Return what somebody at a terminal sees of a transfer whose clock shows these times."""
    with redirect_stderr(Terminal()) as screen, transfer(what, size, clock=iter(times).__next__) as told:
        for each in done:
            told(each)
    return screen.getvalue()


def test_what_takes_a_while_shows_how_far_it_is():
    text = shown("Uploading app", 2_000_000, 1_000_000, 2_000_000, times=[0.0, 1.0])

    assert "Uploading app" in text
    assert "1.0/2.0 MB" in text


def test_what_is_done_at_once_shows_nothing():
    assert shown("Uploading app", 10, 5, 10, times=[0.0, 0.1, 0.2]) == ""


def test_without_a_size_it_says_how_much_is_done():
    assert "1.5 MB" in shown("Packing app", None, 1_500_000, times=[0.0, 1.0])


@pytest.mark.parametrize("columns", ["40", "50"])
def test_a_narrow_terminal_keeps_the_bar_on_one_line(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)

    text = shown("Downloading report", 9_000_000, 4_000_000, times=[0.0, 1.0])

    assert "4.0/9.0 MB" in text
    assert text.count("\n") == 1


def test_nothing_is_shown_to_who_is_no_terminal(capsys):
    with transfer("Uploading app", 10, clock=iter([0.0, 5.0]).__next__) as told:
        told(5)

    assert capsys.readouterr() == ("", "")


@pytest.fixture
def told(monkeypatch):
    """What transfers are told, each with its name and its size."""
    made = {}

    @contextmanager
    def recorded(what, size):
        made[what] = size, (done := [])
        yield done.append

    monkeypatch.setattr("aiop.cli.transfer.transfer", recorded)
    return made


def test_a_download_is_a_transfer(stub, cli, told):
    content = b"x" * 100_000
    artifact = {"name": "report", "step": "count", "path": "r", "kind": "file", "size": len(content)}
    artifact["sha256"] = hashlib.sha256(content).hexdigest()
    stub.on("GET", f"/dagger/executions/{EXECUTION}", execution(artifacts=[artifact]))
    stub.on("GET", f"/dagger/executions/{EXECUTION}/outputs/report", lambda _: httpx.Response(200, content=content))

    assert cli("execution", "download", EXECUTION).code == 0
    assert told.keys() == {"Downloading report"}
    size, done = told["Downloading report"]
    assert (size, done[-1]) == (100_000, 100_000)


def test_packing_and_uploading_a_directory_are_transfers(stub, cli, told, home):
    (home / "app").mkdir()
    (home / "app" / "pipeline.yaml").write_text("steps: [{id: a, container: {image: busybox, script: 'true'}}]")
    sent = []
    pipeline = {"id": EXECUTION, "name": "app", "source_directory": "source:1", "pipeline_definition": "pipeline.yaml"}

    def upload(request):
        sent.append(len(request.content))
        return httpx.Response(201, json={"id": "1", "source_directory": "source:1", "files": 1, "size": 1})

    stub.on("POST", "/dagger/sources", upload)
    stub.on("GET", "/dagger/pipelines", page("pipelines"))
    stub.on("POST", "/dagger/pipelines", pipeline, status=201)
    accepted = {"execution_id": EXECUTION, "status": "pending", "pipeline_id": EXECUTION}
    stub.on("POST", f"/dagger/pipelines/{EXECUTION}/execute", accepted, status=202)

    assert cli("pipeline", "run", "./app", "--detach").code == 0
    assert told.keys() == {"Packing app", "Uploading app"}
    size, packed = told["Packing app"]
    assert size is None
    assert packed[-1] > 0
    size, done = told["Uploading app"]
    assert [size] == sent
    assert (done[0], done[-1]) == (0, size)

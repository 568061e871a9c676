"""How the program as a whole behaves, whatever the command."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest

from aiop import __version__
from aiop.cli.places import LocalAdmin
from aiop.config import default_data_dir
from unit.cli.answers import page, workflow

AIOP = [sys.executable, "-c", "from aiop.cli.main import main; main()"]


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (400, "invalid_request", 3),
        (401, "unauthenticated", 4),
        (403, "forbidden", 4),
        (404, "not_found", 3),
        (429, "too_many_requests", 5),
        (500, "internal_error", 3),
        (503, "unavailable", 5),
    ],
)
def test_a_refusal_has_its_exit_code_and_no_traceback(stub, cli, status, code, exit_code):
    stub.refuse("GET", "/dagger/workflows", status, code, "Because", ("name", "Too long"))

    ended = cli("workflow", "list")

    assert ended.code == exit_code
    assert "Because" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_a_program_that_cannot_be_run_is_said(cli):
    ended = cli("unshare", "no-such-program")

    assert ended.code == 2
    assert "no-such-program cannot be run: No such file or directory" in ended.err


def test_a_service_that_is_away_is_said_with_what_to_do(stub, cli):
    def away(request):
        raise httpx.ConnectError("Connection refused", request=request)

    stub.on("GET", "/dagger/workflows", away)

    ended = cli("workflow", "list", "--server", "nowhere.test:8000")

    assert ended.code == 5
    assert ended.err == (
        "aiop: cannot reach the service at http://nowhere.test:8000: Connection refused\n"
        "Start it with `aiop serve`, or name another with --server or AIOP_SERVER.\n"
    )


def test_a_stranger_on_the_port_is_said(stub, cli):
    stub.on("GET", "/dagger/workflows", lambda _: httpx.Response(200, text="<html>hello</html>"))

    assert cli("workflow", "list").code == 3


@pytest.mark.parametrize("server", ["ftp://x", "http://", "http://x:port"])
def test_an_address_that_is_none_is_a_usage_error(cli, server):
    assert cli("workflow", "list", "--server", server).code == 2


def test_the_server_is_named_by_option_then_environment_then_default(stub, cli, monkeypatch):
    seen = []

    def listed(request):
        seen.append(f"{request.url.scheme}://{request.url.netloc.decode()}")
        return httpx.Response(200, json=page("workflows"))

    stub.on("GET", "/dagger/workflows", listed)
    cli("workflow", "list")
    monkeypatch.setenv("AIOP_SERVER", "https://env.test")
    cli("workflow", "list")
    cli("workflow", "list", "--server", "https://option.test")

    assert seen == ["http://127.0.0.1:8000", "https://env.test", "https://option.test"]


@pytest.mark.parametrize(
    "arguments", [["frob"], ["workflow", "frob"], ["workflow", "list", "--frob"], ["token", "create"]]
)
def test_a_wrong_call_is_a_usage_error(cli, arguments):
    assert cli(*arguments).code == 2


def test_an_unexpected_error_shows_no_traceback_unless_asked_for(stub, cli, monkeypatch):
    def broken(_):
        raise RuntimeError("a bug")

    stub.on("GET", "/dagger/workflows", broken)

    ended = cli("workflow", "list")
    assert ended.code == 70
    assert "unexpected RuntimeError: a bug" in ended.err
    monkeypatch.setenv("AIOP_DEBUG", "1")
    with pytest.raises(RuntimeError, match="a bug"):
        cli("workflow", "list")


def test_the_version_is_printed(cli):
    assert cli("version").out == cli("--version").out == f"aiop {__version__}\n"
    assert cli("version", "-o", "json").json == {"version": __version__}


def test_the_command_line_looks_where_the_service_keeps_its_state():
    environment = {name: value for name, value in os.environ.items() if name != "AIOP_DATA_DIR"}

    assert default_data_dir() / "admin-password" in list(LocalAdmin(environment)._files())


def test_a_table_is_cut_at_the_terminal_and_never_in_a_pipe(stub, cli):
    stub.on("GET", "/dagger/workflows", page("workflows", workflow(description="x" * 500)))

    assert "x" * 500 in cli("workflow", "list").out


def test_help_starts_fast_and_loads_neither_http_nor_tables():
    code = (
        "import sys\n"
        "from aiop.cli.main import run_program\n"
        "assert run_program(['--help']) == 0\n"
        "loaded = {'httpx', 'rich', 'yaml', 'pydantic', 'fastapi', 'sqlalchemy'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("group", ["workflow", "execution", "token", "user"])
def test_a_group_alone_shows_its_help(cli, group):
    ended = cli(group)

    assert "Commands:" in ended.out + ended.err


def test_a_reader_that_leaves_is_no_error():
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}

    ended = subprocess.run([*AIOP, "version"], stdout=write, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(write)

    assert ended.returncode == 141
    assert ended.stderr == b""

from __future__ import annotations

import json
import os
import stat
from urllib.parse import parse_qs

import httpx
import pytest

from aiop.cli.logins import Logins
from aiop.cli.places import LocalAdmin
from aiop.client import Tokens

HERE = "http://127.0.0.1:8000"


def page(key):
    return {key: [], "total": 0, "limit": 20, "offset": 0}


@pytest.fixture
def guarded(stub):
    """A service that lets in who knows the password ``right``."""

    def sign_in(request):
        form = parse_qs(request.content.decode())
        if form["password"] != ["right"]:
            return httpx.Response(401, json={"status": 401, "code": "unauthenticated", "message": "Wrong password"})
        tokens = {"access_token": "good", "token_type": "bearer", "expires_in": 900, "refresh_token": "again"}
        return httpx.Response(200, json=tokens)

    def answer(body):
        def respond(request):
            if request.headers.get("authorization") in ("Bearer good", "Bearer aiop_key"):
                return httpx.Response(200, json=body)
            return httpx.Response(401, json={"status": 401, "code": "unauthenticated", "message": "Not signed in"})

        return respond

    stub.on("POST", "/auth/token", sign_in)
    stub.on("GET", "/auth/me", answer({"username": "ann", "role": "editor"}))
    stub.on("GET", "/dagger/workflows", answer(page("workflows")))
    return stub


@pytest.fixture
def left_by_service(home, monkeypatch):
    """The password file of a service on this machine."""
    file = home / "data" / "admin-password"
    file.parent.mkdir()
    file.write_text("right\n")
    monkeypatch.setattr(LocalAdmin, "_listeners", lambda *_: {os.getuid()})
    return file


def test_a_login_is_kept_for_its_owner_alone(guarded, cli, home, monkeypatch):
    monkeypatch.setenv("AIOP_PASSWORD", "right")

    assert cli("login", "-u", "ann").out == f"Signed in at {HERE} as ann (editor).\n"

    file = home / "config" / "login.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "right" not in file.read_text()
    assert cli("workflow", "list").code == 0


def test_a_login_chooses_the_server(guarded, cli, home):
    kept = Logins(home / "config" / "login.json")

    assert cli("login", "-u", "ann", "--password-stdin", "--server", "https://far.test/", stdin="right\n").code == 0
    assert kept.server == "https://far.test"
    assert cli("logout").out == "Signed out of https://far.test.\n"
    assert kept.server is None


def test_a_wrong_password_says_so(guarded, cli):
    ended = cli("login", "-u", "ann", "--password-stdin", stdin="wrong\n")

    assert ended.code == 4
    assert ended.err.startswith(f"aiop: {HERE} does not let you in: Wrong password\nCheck name and password")


def test_a_password_is_never_taken_from_an_argument(guarded, cli):
    assert cli("login", "-u", "ann", "--password", "right").code == 2


def test_without_a_terminal_no_password_is_asked_for(guarded, cli):
    ended = cli("login", "-u", "ann")

    assert ended.code == 2
    assert "--password-stdin" in ended.err


def test_who_is_not_signed_in_is_told_how(guarded, cli):
    ended = cli("workflow", "list")

    assert ended.code == 4
    assert "aiop login" in ended.err


def test_a_token_of_the_environment_is_enough(guarded, cli, monkeypatch):
    monkeypatch.setenv("AIOP_TOKEN", "aiop_key")

    assert cli("workflow", "list").code == 0


def test_a_fresh_install_needs_no_login(guarded, cli, left_by_service, home):
    assert cli("workflow", "list").code == 0
    assert cli("workflow", "list").code == 0

    assert guarded.asked.count(("POST", "/auth/token")) == 1
    assert stat.S_IMODE((home / "config" / "login.json").stat().st_mode) == 0o600


def test_who_signed_in_as_somebody_never_becomes_the_local_admin(guarded, cli, left_by_service, home):
    Logins(home / "config" / "login.json").save(HERE, Tokens("stale", None))

    assert cli("workflow", "list").code == 4
    assert ("POST", "/auth/token") not in guarded.asked


def test_a_local_sign_in_is_renewed_when_the_service_was_made_anew(guarded, cli, left_by_service, home):
    Logins(home / "config" / "login.json").save(HERE, Tokens("stale", None), found=True)

    assert cli("workflow", "list").code == 0


def test_a_home_that_cannot_be_written_to_costs_a_sign_in_and_nothing_else(
    guarded, cli, left_by_service, home, monkeypatch
):
    (home / "blocked").write_text("")
    monkeypatch.setenv("AIOP_CONFIG_DIR", str(home / "blocked"))

    assert cli("workflow", "list").code == 0


def test_the_local_password_is_for_this_machine_only(guarded, cli, left_by_service):
    assert cli("workflow", "list", "--server", "http://far.test:8000").code == 4
    assert ("POST", "/auth/token") not in guarded.asked


def test_the_local_password_is_not_given_to_another_user_who_listens_on_the_port(
    guarded, cli, left_by_service, monkeypatch
):
    monkeypatch.setattr(LocalAdmin, "_listeners", lambda *_: {os.getuid() + 1})

    assert cli("workflow", "list").code == 4
    assert ("POST", "/auth/token") not in guarded.asked


def test_the_owner_of_a_port_is_read_from_the_system(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "admin-password").write_text("secret\n")
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    row = "   0: 0100007F:1F40 00000000:0000 {} 00000000:00000000 00:00000000 00000000 {:>5}        0 1 1 0\n"
    listen, connected, mine = "0A", "01", os.getuid()
    admin = LocalAdmin({"AIOP_DATA_DIR": str(tmp_path / "data")}, sockets=tmp_path)

    def password(*rows):
        (tmp_path / "tcp").write_text(head + "".join(row.format(*values) for values in rows))
        return admin.password(8000)

    assert password((listen, mine)) == "secret"
    assert password((listen, 0)) == "secret"
    assert password((listen, mine + 1)) is None
    assert password((listen, mine), (listen, mine + 1)) is None
    assert password((connected, mine + 1), (listen, mine)) == "secret"
    assert password() is None


def test_logins_for_several_servers_do_not_touch_each_other(tmp_path):
    logins = Logins(tmp_path / "deep" / "login.json")
    logins.save("http://a", Tokens("a", "ra"), choose=True)
    logins.save("http://b", Tokens("b"))

    assert logins.forget("http://b")
    assert not logins.forget("http://b")
    assert logins.load("http://a") == Tokens("a", "ra")
    assert logins.server == "http://a"


def test_a_damaged_login_file_counts_as_none(tmp_path):
    file = tmp_path / "login.json"
    file.write_text("{")
    logins = Logins(file)

    assert logins.load("http://a") is None
    logins.save("http://a", Tokens("a"))
    assert json.loads(file.read_text())["logins"]["http://a"]["access_token"] == "a"

from __future__ import annotations

import httpx

from unit.cli.answers import page

TOKEN = {
    "id": "t1",
    "name": "ci",
    "role": "editor",
    "created_at": "2025-03-01T12:00:00Z",
    "expires_at": None,
    "last_used_at": None,
}
ANN = {"username": "ann", "role": "viewer", "created_at": "2025-03-01T12:00:00Z", "updated_at": None}


def test_a_new_token_is_alone_on_stdout(stub, cli):
    stub.on("POST", "/auth/tokens", {**TOKEN, "token": "aiop_secret"}, status=201)

    ended = cli("token", "create", "ci", "--role", "editor", "--expires-in", "2d")

    assert ended.out == "aiop_secret\n"
    assert "not shown again" in ended.err
    assert stub.bodies == [{"name": "ci", "role": "editor", "expires_in": 172800}]


def test_a_lifetime_that_is_none_is_a_usage_error(stub, cli):
    ended = cli("token", "create", "ci", "--expires-in", "soon")

    assert ended.code == 2
    assert "is not a duration" in ended.err


def test_tokens_are_listed_and_revoked(stub, cli):
    stub.on("GET", "/auth/tokens", page("tokens", TOKEN))
    stub.on("DELETE", "/auth/tokens/t1", lambda _: httpx.Response(204))

    assert cli("token", "list").out.splitlines()[1].split() == ["t1", "ci", "editor", "-", "-"]
    assert cli("token", "list", "-o", "name").out == "t1\n"
    assert cli("token", "revoke", "t1").out == "Revoked t1.\n"


def test_the_password_of_a_user_comes_from_stdin_or_the_environment(stub, cli, monkeypatch):
    stub.on("POST", "/auth/users", ANN, status=201)

    assert cli("user", "create", "ann", "--password-stdin", stdin="from stdin\n").code == 0
    monkeypatch.setenv("AIOP_NEW_PASSWORD", "from the environment")
    assert cli("user", "create", "ann").out == "Created user ann (viewer).\n"
    assert [body["password"] for body in stub.bodies] == ["from stdin", "from the environment"]


def test_only_what_is_said_changes(stub, cli):
    stub.on("PATCH", "/auth/users/ann", ANN)

    assert cli("user", "update", "ann").code == 2
    assert cli("user", "update", "ann", "--role", "viewer").code == 0
    assert stub.bodies == [{"role": "viewer"}]


def test_users_are_listed_and_deleted(stub, cli):
    stub.on("GET", "/auth/users", page("users", ANN))
    stub.on("DELETE", "/auth/users/ann", lambda _: httpx.Response(204))

    assert cli("user", "list").out.splitlines()[1].split()[:2] == ["ann", "viewer"]
    assert cli("user", "delete", "ann").code == 2
    assert cli("user", "delete", "ann", "-y").out == "Deleted user ann.\n"


SECRET = {
    "name": "API_KEY",
    "description": None,
    "created_at": "2025-03-01T12:00:00Z",
    "updated_at": None,
    "created_by": "admin",
}


def test_a_secret_comes_from_stdin_and_shows_nowhere(stub, cli):
    stub.on("PUT", "/secrets/API_KEY", SECRET, status=201)

    ended = cli("secret", "set", "API_KEY", "--description", "of the shop", stdin="hunter2\n")

    assert (ended.out, ended.err) == ("Stored secret API_KEY.\n", "")
    assert stub.bodies == [{"value": "hunter2", "description": "of the shop"}]


def test_a_secret_of_several_lines_is_kept_as_it_is(stub, cli):
    stub.on("PUT", "/secrets/API_KEY", {**SECRET, "updated_at": "2025-03-02T12:00:00Z"})

    assert cli("secret", "set", "API_KEY", stdin="one\ntwo\n").out == "Replaced secret API_KEY.\n"
    assert stub.bodies == [{"value": "one\ntwo\n"}]


def test_a_value_that_is_empty_or_no_text_is_a_usage_error(stub, cli):
    assert cli("secret", "set", "API_KEY", stdin="\n").code == 2
    assert "not text" in cli("secret", "set", "API_KEY", stdin="\udcff").err
    assert cli("secret", "set", "API_KEY", "hunter2").code == 2  # never as an argument
    assert stub.asked == []


def test_secrets_are_listed_and_deleted(stub, cli):
    stub.on("GET", "/secrets", page("secrets", SECRET))
    stub.on("DELETE", "/secrets/API_KEY", lambda _: httpx.Response(204))

    assert cli("secret", "list").out.splitlines()[1].split() == ["API_KEY", "2025-03-01", "12:00:00", "admin"]
    assert cli("secret", "list", "--name", "api", "-o", "name").out == "API_KEY\n"
    assert stub.asked[-1][1].startswith("/secrets?name=api")
    assert cli("secret", "delete", "API_KEY").code == 2
    assert cli("secret", "delete", "API_KEY", "-y").out == "Deleted secret API_KEY.\n"


ENTRY = {
    "id": "a1",
    "at": "2025-03-01T12:00:00Z",
    "actor": "ann",
    "token": "ci",
    "token_id": "t1",
    "action": "ExecutionSubmitted",
    "target_type": "execution",
    "target": "e1",
    "request_id": "r1",
    "address": "192.0.2.1",
    "detail": {"workflow_id": "w1"},
}


def test_the_audit_log_is_shown(stub, cli):
    failed = {**ENTRY, "actor": None, "token": None, "action": "UserSignInFailed", "target": None, "detail": {}}
    stub.on("GET", "/audit", page("entries", ENTRY, failed))

    lines = cli("audit").out.splitlines()

    assert lines[1] == "2025-03-01 12:00:00  ann (token ci)  ExecutionSubmitted  e1      192.0.2.1  workflow_id w1"
    assert lines[2] == "2025-03-01 12:00:00  -               UserSignInFailed    -       192.0.2.1"
    assert cli("audit", "-o", "json").json["entries"] == [ENTRY, failed]


def test_the_audit_log_is_filtered(stub, cli):
    stub.on("GET", "/audit", page("entries"))

    cli("audit", "--actor", "ann", "--action", "secretreplaced", "--target", "KEY", "--since", "2025-03-01", "-n", "5")

    assert stub.asked[-1][1] == (
        "/audit?actor=ann&action=SecretReplaced&target=KEY&since=2025-03-01T00%3A00%3A00%2B00%3A00&limit=5"
    )
    assert cli("audit", "--since", "2h", "--until", "2025-03-01T12:30").code == 0
    assert cli("audit", "--since", "soon").code == 2
    assert cli("audit", "--action", "SecretRead").code == 2

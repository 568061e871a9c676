"""Credentials and secret values appear nowhere: in no answer, stream, log or file of the service, in no form.

All that a step can do to a value it is given is done to it here; then everything that the service says and keeps is
searched for it, in forms that this module makes by itself.
"""

import base64
import json
import sqlite3
from contextlib import asynccontextmanager, closing
from urllib.parse import quote, quote_plus

import httpx
import pytest

from contract.engine.registry import PASSWORD, USER, DockerRegistry, RegistryMissing
from docker_lab import missing
from service_process import PASSWORD as ADMIN_PASSWORD

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300)]

WRONG_PASSWORD = "wr0ng-pässword/+of=the&registry"
ODD = 'a "quoted" \\ sécret/with+all&sorts=of%characters €'
TAG = "plain5ecrettagof0letters"
NUMBER = 8812345677
LINES = "-----BEGIN THIS-----\nfirst0line1of2the3secret\nsecond4line5of6it\n-----END THIS-----"
NESTED = {"user": "nested-user-1f9c", "keys": ["nested-key-77aa", NUMBER], "note": "ünder/neath"}
INPUTS = {"odd": ODD, "tag": TAG, "number": NUMBER, "lines": LINES, "nested": NESTED}
NAMED = "a-named-secret-0af3 with a space"
MADE = "made-in-a-step-7f3a/äö"
FILED = "left-in-a-file-99d1"

SECRETS = [
    WRONG_PASSWORD, PASSWORD, ODD, TAG, str(NUMBER), "first0line1of2the3secret", "second4line5of6it", LINES,
    "nested-user-1f9c", "nested-key-77aa", "ünder/neath", NAMED, MADE, FILED,
]  # fmt: skip

# What a step does with a value in $V: as it stands, in two writes, in base64 inside of more, alone and in lines, as it
# is written in a URL, on both streams, without an end of the line.
SHOW = r"""
show() {
  printf 'plain %s plain\n' "$V"; printf 'plain %s plain\n' "$V" >&2
  half=$(( ${#V} / 2 )); head=$(printf %s "$V" | cut -c1-$half); tail=${V#"$head"}
  printf 'split %s' "$head"; sleep 0.1; printf '%s\n' "$tail"
  printf 'split %s' "$head" >&2; sleep 0.1; printf '%s\n' "$tail" >&2
  for before in '' x xy; do printf '%s%s and more' "$before" "$V" | base64 -w 0; echo; done
  printf '%s' "$V" | base64 >&2; echo "$V" | base64 -w 64
  printf '%s' "$V" | od -An -v -tu1 | awk '{
    for (i = 1; i <= NF; i++)
      if (($i >= 48 && $i <= 57) || ($i >= 65 && $i <= 90) || ($i >= 97 && $i <= 122) || $i == 45 || $i == 46)
        printf "%c", $i
      else if ($i == 95 || $i == 126) printf "%c", $i
      else printf "%%%02X", $i
  } END { print "" }'
  printf '%s' "$V" >&2; printf '\n' >&2; printf '%s' "$V"
}
"""


def forms(secret):
    """Write a secret in every way in which it may show."""
    yield secret.encode()
    yield json.dumps(secret)[1:-1].encode()
    yield json.dumps(secret, ensure_ascii=False)[1:-1].encode()
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    yield quote_plus(secret).encode()
    for before in (b"", b"x", b"xy"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            coded = encode(before + secret.encode())
            # The ends may be mixed with what stands next to them.
            yield coded[4:-4]


def traces(data, where):
    """Say which secrets are in some bytes."""
    return [f"{secret!r} as {form!r} in {where}" for secret in SECRETS for form in forms(secret) if form in data]


def document(image, registry):
    environment = {"ODD": "${inputs.odd}", "NESTED": "${inputs.nested}", "LINES": "${inputs.lines}"}
    show_all = f'{SHOW}\nfor V in "$ODD" "$NESTED" "$LINES" "$INPUT_NUMBER"; do show; done\n'
    inputs = {name: f"${{inputs.{name}}}" for name in ("odd", "nested", "lines", "number")}
    return {
        "name": "secrets",
        "inputs": {
            "odd": {"type": "string", "sensitive": True},
            "tag": {"type": "string", "sensitive": True},
            "number": {"type": "integer", "sensitive": True},
            "lines": {"type": "string", "sensitive": True},
            "nested": {"type": "object", "sensitive": True},
        },
        "container_config": {"image": image, "network": "none"},
        "steps": [
            {
                "id": "shows",
                "inputs": inputs,
                "container": {
                    "environment": {**environment, "NAMED": "${secrets.NAMED}"},
                    "files": {"/etc/secret.json": '{"odd": "${inputs.odd}"}', "/etc/named": "${secrets.NAMED}"},
                    "script": f"{show_all}cat /etc/secret.json /etc/named; echo; V=$NAMED; show; env; env >&2\n"
                    'echo "$AIOP_INPUTS"',
                },
            },
            {
                "id": "makes",
                "outputs": {
                    "token": {"sensitive": True},
                    "filed": {"path": "/tmp/filed", "sensitive": True},
                    "open": {},
                },
                "container": {
                    "environment": {"ODD": "${inputs.odd}"},
                    # The values are put together here, so that the definition does not hold them.
                    "script": f"{SHOW}\nt=made-in-a; V=$t-step-7f3a/äö; show\n"
                    'echo "token=$V" >> $AIOP_OUTPUT; echo "open=before $V after $ODD" >> $AIOP_OUTPUT\n'
                    'V=left-in-a; V=$V-file-99d1; show; printf %s "$V" > /tmp/filed',
                },
            },
            {
                "id": "gets",
                "depends_on": ["makes"],
                "inputs": {"token": "${steps.makes.outputs.token}", "open": "${steps.makes.outputs.open}"},
                "container": {
                    "environment": {"T": "${steps.makes.outputs.token}", "F": "${steps.makes.outputs.filed}"},
                    "script": f'{SHOW}\nfor V in "$T" "$F" "$INPUT_OPEN"; do show; done\n'
                    'echo "again=$T" > $AIOP_OUTPUT',
                },
            },
            {
                "id": "fails",
                "depends_on": ["makes"],
                "continue_on_error": True,
                "retries": 1,
                "outputs": {"never": {"sensitive": True, "default": "none"}},
                "container": {
                    "environment": {"ODD": "${inputs.odd}", "T": "${steps.makes.outputs.token}"},
                    "script": 'echo "cannot use $ODD and $T" >&2; exit 3',
                },
            },
            {
                "id": "pulls",
                "continue_on_error": True,
                "container": {"image": f"{registry}/nothing:${{inputs.tag}}", "command": ["true"], "pull": "always"},
            },
            {
                "id": "cannot",
                "continue_on_error": True,
                "container": {"command": ["/no/such/${inputs.tag}/${inputs.odd}"]},
            },
        ],
        "outputs": {"open": "${steps.makes.outputs.open}", "again": "${steps.gets.outputs.again}"},
    }


@pytest.fixture
def registry(docker_lab, tmp_path):
    directory = tmp_path / "registry"
    directory.mkdir()
    try:
        made = DockerRegistry(docker_lab, directory)
    except RegistryMissing as why:
        missing("registry", str(why))
    yield made
    made.close()


@asynccontextmanager
async def signed_in(service):
    """A plain HTTP client, so that answers are seen as they come."""
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
        form = {"grant_type": "password", "username": "admin", "password": ADMIN_PASSWORD}
        token = (await http.post("/auth/token", data=form)).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


async def everything_said(http, workflow, executions):
    """Ask for every answer and stream about the executions, whole; yields where and what."""
    paths = [
        "/dagger/workflows", f"/dagger/workflows/{workflow}", f"/dagger/workflows/{workflow}/executions",
        "/dagger/executions", "/dagger/agents", "/secrets", "/audit", "/monitoring/dagger/status",
        "/monitoring/dagger/metrics", "/readyz",
    ]  # fmt: skip
    for execution in executions:
        own = f"/dagger/executions/{execution}"
        paths += [own, f"{own}/events", f"{own}/logs", f"{own}/logs?follow=true"]
        paths += [f"{own}/logs?stream={stream}" for stream in ("stdout", "stderr", "system")]
        events = await http.get(f"{own}/logs", headers={"Accept": "text/event-stream"})
        assert events.headers["content-type"].startswith("text/event-stream")
        yield f"{own}/logs as events", events.content
    for path in paths:
        answer = await http.get(path)
        assert answer.status_code == 200, (path, answer.text)
        yield path, answer.content


def everything_kept(service):
    """Read every file of the service; yields where and what."""
    for path in sorted(service.data_dir.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(service.data_dir)), path.read_bytes()
    yield "the log of the service", service.log.read_bytes()


def sealed_by(service):
    """Read what is sealed of executions and steps."""
    with closing(sqlite3.connect(service.data_dir / "aiop.db")) as connection:
        return {
            row[0]
            for table in ("executions", "steps")
            for row in connection.execute(f"SELECT sealed FROM {table} WHERE sealed IS NOT NULL")
        }


async def show_all(client, workflow, registry, password, look):
    """Run the workflow that shows all it is given; ``look`` is called while it runs. Returns the execution's id."""
    credentials = {"username": USER, "password": password}
    submission = await client.workflows.execute(
        workflow, INPUTS, container_registry=registry.host, container_credentials=credentials
    )
    async for event in client.executions.events(submission.execution_id):
        if event.type == "StepFinished" and event.data["step"] == "makes":
            break
    look()
    ended = await client.executions.wait(submission.execution_id, timeout=120)
    assert ended.status == "completed", ended
    assert {name for name, step in ended.steps.items() if step.status == "failed"} == {"fails", "pulls", "cannot"}
    assert ended.outputs == {"open": "before *** after ***", "again": "***"}
    assert "cannot use *** and ***" in (ended.steps["fails"].error or "")
    assert "***" in (await client.executions.logs(ended.id))
    return ended.id


async def pull(client, image, registry, password):
    """Run a workflow whose image has to be pulled; returns the ended execution."""
    steps = [{"id": "a", "container": {"image": image, "command": ["true"]}}]
    workflow = await client.workflows.create({"name": "pull", "steps": steps})
    submission = await client.workflows.execute(
        workflow.id,
        container_registry=registry.host,
        container_credentials={"username": USER, "password": password},
    )
    return await client.executions.wait(submission.execution_id, timeout=60)


async def refusals(http, workflow):
    """Execute with values that do not fit; yields the answers."""
    for body in (
        {"inputs": {**INPUTS, "number": ODD}},
        {"inputs": {**INPUTS, "nested": LINES, "tag": NESTED}},
        {"inputs": INPUTS, "container_credentials": {"username": USER, "password": NESTED}},
        {"inputs": INPUTS, "container_credentials": {"username": USER, "password": PASSWORD, "more": ODD}},
    ):
        refused = await http.post(f"/dagger/workflows/{workflow}/execute", json=body)
        assert refused.status_code == 400
        yield refused.content


async def test_secrets_appear_nowhere(service_on, docker_lab, registry):
    first, second = await registry.push("secret:1"), await registry.push("secret:2")
    service = service_on(docker_lab.endpoint)
    await service.start()
    found, sealed = [], set()

    def look_while_it_runs():
        sealed.update(sealed_by(service))
        for name, data in everything_kept(service):
            if not name.startswith("handover"):  # what a step writes lies there until its end is stored
                found.extend(traces(data, f"{name} (running)"))

    async with service.client() as client:
        await client.secrets.put("NAMED", NAMED)
        workflow = (await client.workflows.create(document(first, registry.host))).id
        executions = [
            await show_all(client, workflow, registry, password, look_while_it_runs)
            for password in (PASSWORD, WRONG_PASSWORD)
        ]
        refused = await pull(client, second, registry, WRONG_PASSWORD)
        assert refused.steps["a"].reason == "image_pull"
        let_in = await pull(client, second, registry, PASSWORD)
        assert let_in.status == "completed"
    async with signed_in(service) as http:
        async for answer in refusals(http, workflow):
            found += traces(answer, "a refusal")
        async for name, data in everything_said(http, workflow, [*executions, refused.id, let_in.id]):
            found += traces(data, name)
    assert await service.stop() == 0
    assert len(sealed) >= 2
    assert sealed_by(service) == set()
    for name, data in everything_kept(service):
        found += traces(data, name)
        found += [f"what was sealed in {name}" for cipher in sealed if cipher in data]
    for image in (first, second):
        await registry.forget(image)
    assert not found, "\n".join(sorted(set(found)))

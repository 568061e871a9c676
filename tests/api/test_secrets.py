"""Secrets: who may do what with them, that no value comes out again, and that ``execute`` knows which there are."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.owner import Owner
from api.world import HandClock, Service

VALUE = "correct horse battery"


async def put(client: httpx.AsyncClient, name: str = "TOKEN", **body: Any) -> httpx.Response:
    return await client.put(f"/secrets/{name}", json={"value": VALUE, **body})


def faults(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 400, answer.text
    return {fault["field"]: fault["message"] for fault in answer.json()["details"]["errors"]}


async def test_a_secret_is_created_replaced_and_deleted(admin: httpx.AsyncClient, clock: HandClock) -> None:
    made = await put(admin, description="for the registry")
    assert (made.status_code, made.headers["location"]) == (201, "/secrets/TOKEN")
    assert made.json() == {
        "name": "TOKEN",
        "description": "for the registry",
        "created_at": "2025-03-01T12:00:00Z",
        "updated_at": None,
        "created_by": "admin",
    }

    clock.advance(hours=1)
    replaced = await put(admin, value="another")
    assert (replaced.status_code, "location" in replaced.headers) == (200, False)
    assert replaced.json() == made.json() | {"updated_at": "2025-03-01T13:00:00Z"}
    assert (await admin.get("/secrets/TOKEN")).json() == replaced.json()
    assert (await put(admin, description=None)).json()["description"] is None

    assert (await admin.delete("/secrets/TOKEN")).status_code == 204
    for answer in (await admin.get("/secrets/TOKEN"), await admin.delete("/secrets/TOKEN")):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_no_answer_holds_a_value_and_none_is_readable_at_rest(admin: httpx.AsyncClient, service: Service) -> None:
    answers = [await put(admin), await put(admin), await admin.get("/secrets"), await admin.get("/secrets/TOKEN")]
    answers.append(await put(admin, VALUE))  # as the name
    answers.append(await put(admin, other=VALUE))

    assert not any("horse" in answer.text for answer in answers[:4] + answers[5:])
    files = b"".join(path.read_bytes() for path in service.database.parent.rglob("*") if path.is_file())
    assert b"TOKEN" in files
    assert b"horse" not in files


async def test_admins_write_editors_see_names_and_viewers_nothing(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, viewer: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    await put(admin)
    for caller, reading, writing in ((client, 200, 403), (viewer, 403, 403), (anonymous, 401, 401)):
        assert (await caller.get("/secrets")).status_code == reading
        assert (await caller.get("/secrets/TOKEN")).status_code == reading
        assert (await put(caller)).status_code == writing
        assert (await caller.delete("/secrets/TOKEN")).status_code == writing


async def test_secrets_are_listed(admin: httpx.AsyncClient, clock: HandClock) -> None:
    for name in ("DB_PASSWORD", "API_KEY", "OTHER"):
        await put(admin, name)
        clock.advance(seconds=1)

    async def listed(query: str) -> tuple[list[str], int]:
        body = (await admin.get(f"/secrets{query}")).json()
        return [item["name"] for item in body["secrets"]], body["total"]

    assert await listed("") == (["OTHER", "API_KEY", "DB_PASSWORD"], 3)
    assert await listed("?sort=name&limit=2") == (["API_KEY", "DB_PASSWORD"], 3)
    assert await listed("?name=pass") == (["DB_PASSWORD"], 1)
    assert faults(await admin.get("/secrets?sort=value")).keys() == {"sort"}
    assert faults(await admin.get("/secrets?value=x")) == {"value": "Unknown parameter"}


@pytest.mark.parametrize("name", ["1st", "a b", "a.b", "-a", "x" * 129, "näme"])
async def test_a_secret_is_called_what_a_reference_can_name(admin: httpx.AsyncClient, name: str) -> None:
    assert faults(await put(admin, name)).keys() == {"name"}


@pytest.mark.parametrize("name", ["_", "a-b", "x" * 128])
async def test_whatever_a_reference_can_name_is_a_name(admin: httpx.AsyncClient, name: str) -> None:
    assert (await put(admin, name)).status_code == 201


@pytest.mark.parametrize("value", ["", " \n", 5, None])
async def test_a_value_is_text_that_is_not_blank(admin: httpx.AsyncClient, value: Any) -> None:
    assert faults(await put(admin, value=value)).keys() == {"value"}
    assert (await admin.get("/secrets/TOKEN")).status_code == 404


@pytest.mark.parametrize("character", ["x", "ä"])
async def test_a_value_has_at_most_64_kib(admin: httpx.AsyncClient, service: Service, character: str) -> None:
    object.__setattr__(service.services, "max_body_bytes", 1 << 20)
    most = 64 * 1024 // len(character.encode())

    assert (await put(admin, value=character * most)).status_code == 201
    assert faults(await put(admin, value=character * (most + 1))).keys() == {"value"}


# --- execute ------------------------------------------------------------------------------------------------------


def workflow(**container: Any) -> dict[str, Any]:
    return {"name": "w", "steps": [{"id": "a", "container": {"image": "i", **container}}]}


async def execute(client: httpx.AsyncClient, document: dict[str, Any], **body: Any) -> httpx.Response:
    made = await client.post("/dagger/workflows", json=document)
    assert made.status_code == 201, made.text
    return await client.post(f"/dagger/workflows/{made.json()['id']}/execute", json=body)


async def test_an_execution_needs_the_secrets_that_it_refers_to(
    client: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    document = workflow(
        environment={"A": "x ${secrets.A}", "B": "${secrets.B:-none}", "C": "${secrets.C:?ask the admins}"},
        files={"/etc/key": "${secrets.A}"},
    )

    found = faults(await execute(client, document, container_registry="a b"))
    assert found.pop("container_registry")  # everything that is wrong is said at once
    assert found == {
        "steps[0].container.environment.A": "There is no secret `A`",
        "steps[0].container.environment.C": "There is no secret `C`: ask the admins",
        'steps[0].container.files["/etc/key"]': "There is no secret `A`",
    }
    await put(admin, "A")
    assert faults(await execute(client, document)).keys() == {"steps[0].container.environment.C"}
    await put(admin, "C")
    assert (await execute(client, document)).status_code == 201
    await admin.delete("/secrets/A")
    assert len(faults(await execute(client, document))) == 2


async def test_what_every_step_replaces_is_not_asked_for(client: httpx.AsyncClient) -> None:
    document = workflow(environment={"A": "own"})
    document["container_config"] = {"environment": {"A": "${secrets.A}", "B": "${secrets.B}"}}

    assert faults(await execute(client, document)).keys() == {"container_config.environment.B"}


async def test_credentials_may_refer_to_secrets(
    client: httpx.AsyncClient, admin: httpx.AsyncClient, owner: Owner, service: Service
) -> None:
    credentials = {"username": "${secrets.USER}", "password": "${secrets.PASSWORD}"}

    assert faults(await execute(client, workflow(), container_credentials=credentials)) == {
        "container_credentials.username": "There is no secret `USER`",
        "container_credentials.password": "There is no secret `PASSWORD`",
    }
    await put(admin, "USER")
    await put(admin, "PASSWORD")
    assert (await execute(client, workflow(), container_credentials=credentials)).status_code == 201


@pytest.mark.parametrize(
    "password", ["${secrets.}", "${secrets.A.B}", "${secrets.A} ${inputs.x}", "${secrets.A} ${steps.a.status}"]
)
async def test_credentials_refer_to_nothing_but_secrets(client: httpx.AsyncClient, password: str) -> None:
    credentials = {"username": "u", "password": password}

    assert "container_credentials.password" in faults(
        await execute(client, workflow(), container_credentials=credentials)
    )


@pytest.mark.parametrize("password", ["${inputs.x}", "a$${b}", "${secrets", "$${secrets.A}"])
async def test_a_password_that_mentions_no_secret_is_taken_as_it_is(client: httpx.AsyncClient, password: str) -> None:
    credentials = {"username": "u", "password": password}

    assert (await execute(client, workflow(), container_credentials=credentials)).status_code == 201

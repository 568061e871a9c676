"""``Idempotency-Key``: whoever did not get the answer may simply ask again."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from api.conftest import SignIn
from api.documents import created
from api.errors import error, faults
from api.world import HandClock, Service


async def execute(client: httpx.AsyncClient, workflow: str, key: str, **body: Any) -> httpx.Response:
    path = f"/dagger/workflows/{workflow}/execute"
    return await client.post(path, json=body, headers={"Idempotency-Key": key})


async def executions(client: httpx.AsyncClient) -> int:
    return int((await client.get("/dagger/executions")).json()["total"])


async def test_a_repeat_gets_the_first_answer_whatever_became_of_it(
    client: httpx.AsyncClient, workflow: str, clock: HandClock
) -> None:
    first = await execute(client, workflow, "k", inputs={"a": 1})
    clock.advance(hours=1)
    await client.delete(first.headers["location"])
    again = await execute(client, workflow, "k", inputs={"a": 1})
    assert (again.status_code, again.text) == (201, first.text)
    assert again.headers["location"] == first.headers["location"]
    assert await executions(client) == 1


async def test_the_order_of_fields_makes_no_other_request(client: httpx.AsyncClient, workflow: str) -> None:
    first = await execute(client, workflow, "k", inputs={"a": 1, "b": {"c": 2, "d": 3}}, container_registry="r.example")
    again = await execute(client, workflow, "k", container_registry="r.example", inputs={"b": {"d": 3, "c": 2}, "a": 1})
    assert again.json() == first.json()


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"inputs": {"a": 2}},
        {"inputs": {"a": 1.0}},
        {"inputs": {"a": "1"}},
        {"inputs": {"a": 1, "b": None}},
        {"inputs": {"a": 1}, "container_registry": "registry.example"},
        {"inputs": {"a": 1}, "workflow_defaults": {"inputs": {"default_timeout": 1}}},
        {"inputs": {"a": 1}, "container_credentials": {"username": "u", "password": "hunter22"}},
    ],
)
async def test_another_body_is_a_conflict(client: httpx.AsyncClient, workflow: str, other: dict[str, Any]) -> None:
    first = await execute(client, workflow, "k", inputs={"a": 1})
    answer = await execute(client, workflow, "k", **other)
    assert error(answer) == (409, "idempotency_conflict")
    assert "hunter" not in answer.text
    assert (await execute(client, workflow, "k", inputs={"a": 1})).json() == first.json()
    assert await executions(client) == 1


async def test_of_many_at_once_one_starts_an_execution(client: httpx.AsyncClient, workflow: str) -> None:
    answers = await asyncio.gather(*(execute(client, workflow, "k", inputs={"a": 1}) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await executions(client) == 1


async def test_of_many_bodies_at_once_one_wins(client: httpx.AsyncClient, workflow: str) -> None:
    answers = await asyncio.gather(*(execute(client, workflow, "k", inputs={"a": number}) for number in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert await executions(client) == 1


async def test_a_key_is_of_one_user_and_one_workflow(client: httpx.AsyncClient, sign_in: SignIn, workflow: str) -> None:
    other = await created(client)
    admin = await sign_in("admin")
    answers = [
        await execute(client, workflow, "k"),
        await execute(admin, workflow, "k", inputs={"a": 1}),
        await execute(client, other, "k", inputs={"a": 2}),
        await execute(client, workflow, "K", inputs={"a": 3}),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["execution_id"] for answer in answers}) == 4


async def test_a_key_belongs_to_the_user_and_not_to_his_token(
    client: httpx.AsyncClient, service: Service, workflow: str
) -> None:
    token = (await client.post("/auth/tokens", json={"name": "t"})).json()["token"]
    first = await execute(client, workflow, "k")
    async with service.client(token) as same_user:
        assert (await execute(same_user, workflow, "k")).json() == first.json()


async def test_what_was_refused_leaves_the_key_free(client: httpx.AsyncClient) -> None:
    workflow = await created(client, inputs={"a": {"type": "integer"}})
    assert faults(await execute(client, workflow, "k", inputs={"a": "x"})) == ["inputs.a"]
    assert (await execute(client, workflow, "k", inputs={"a": 1})).status_code == 201


async def test_a_repeat_is_answered_though_the_workflow_would_refuse_it_by_now(client: httpx.AsyncClient) -> None:
    workflow = await created(client)
    first = await execute(client, workflow, "k", inputs={"a": 1})
    change = {"inputs": {"b": {"required": True}}}
    assert (await client.patch(f"/dagger/workflows/{workflow}", json=change)).status_code == 200
    again = await execute(client, workflow, "k", inputs={"a": 1})
    assert (again.status_code, again.text) == (201, first.text)
    assert error(await execute(client, workflow, "k", inputs={"a": 2})) == (409, "idempotency_conflict")
    assert sorted(faults(await execute(client, workflow, "new", inputs={"a": 1}))) == ["inputs.a", "inputs.b"]


async def test_without_a_key_each_request_starts_an_execution(client: httpx.AsyncClient, workflow: str) -> None:
    for _ in range(3):
        assert (await client.post(f"/dagger/workflows/{workflow}/execute", json={})).status_code == 201
    assert await executions(client) == 3


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_a_length(client: httpx.AsyncClient, workflow: str, key: str) -> None:
    assert faults(await execute(client, workflow, key)) == ["Idempotency-Key"]
    assert await executions(client) == 0


@pytest.mark.parametrize("key", ["x" * 255, "a b", "é", '"quoted"', "%00"])
async def test_a_key_may_be_any_text(client: httpx.AsyncClient, workflow: str, key: str) -> None:
    path = f"/dagger/workflows/{workflow}/execute"
    headers = {"Idempotency-Key": key.encode()}
    answers = [await client.post(path, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].text == answers[1].text

"""Lists of many items: pages, filters, order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from aiop.model.state import ExecutionStatus
from api.documents import created, executed
from api.errors import faults
from api.owner import Owner
from api.world import PASSWORD, HandClock

NAMES = ["beta", "Alpha", "beta", "gamma_1", "ÄPFEL", "100%", "alpha", "äpfel", "Straße", "gamma-1", "beta"]


@pytest.fixture
async def many(client: httpx.AsyncClient, clock: HandClock) -> list[dict[str, Any]]:
    """Store workflows, several at the same moment, and return them as a list shows them, oldest first."""
    for number, name in enumerate(NAMES):
        await created(client, name, description=None if number % 2 else f"number {number}")
        if number % 3 == 2:
            clock.advance(seconds=1)
    listed = (await client.get("/dagger/workflows?sort=created_at")).json()
    assert listed["total"] == len(listed["workflows"]) == len(NAMES)
    return listed["workflows"]


async def pages(client: httpx.AsyncClient, path: str, name: str, limit: int, **query: Any) -> list[dict[str, Any]]:
    """Read a list page by page."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await client.get(path, params={"limit": limit, "offset": len(found), **query})
        page = answer.json()
        assert (page["limit"], page["offset"]) == (limit, len(found))
        found += page[name]
        if len(page[name]) < limit:
            assert page["total"] == len(found)
            return found
        assert page["total"] >= len(found)


@pytest.mark.parametrize("sort", [None, "id", "name", "name:desc", "status", "created_at:desc", "updated_at:desc"])
async def test_pages_neither_overlap_nor_skip(
    client: httpx.AsyncClient, many: list[dict[str, Any]], sort: str | None
) -> None:
    query = {} if sort is None else {"sort": sort}
    whole = (await client.get("/dagger/workflows", params=query)).json()["workflows"]
    for limit in (1, 2, 3, 5, 10, 11, 12):
        assert await pages(client, "/dagger/workflows", "workflows", limit, **query) == whole
    assert sorted(item["id"] for item in whole) == sorted(item["id"] for item in many)


async def test_the_order_is_that_of_the_field_and_ties_break_by_id(
    client: httpx.AsyncClient, many: list[dict[str, Any]]
) -> None:
    for field in ("id", "name", "status", "created_at"):
        expected = sorted(many, key=lambda item: (item[field], item["id"]))
        for sort in (field, f"{field}:asc"):
            assert (await client.get(f"/dagger/workflows?sort={sort}")).json()["workflows"] == expected
        backwards = (await client.get(f"/dagger/workflows?sort={field}:desc")).json()["workflows"]
        assert backwards == expected[::-1]
    assert (await client.get("/dagger/workflows")).json()["workflows"] == backwards


async def test_what_was_never_updated_sorts_before_what_was(
    client: httpx.AsyncClient, many: list[dict[str, Any]], clock: HandClock
) -> None:
    changed = many[3]["id"], many[1]["id"]
    for workflow in changed:
        clock.advance(seconds=1)
        await client.patch(f"/dagger/workflows/{workflow}", json={"description": "changed"})
    ids = [item["id"] for item in (await client.get("/dagger/workflows?sort=updated_at")).json()["workflows"]]
    assert ids[-2:] == list(changed)
    assert ids[:-2] == sorted(item["id"] for item in many if item["id"] not in changed)


async def test_without_limit_twenty_are_shown(client: httpx.AsyncClient) -> None:
    made = [await created(client, f"w{number}") for number in range(21)]
    page = (await client.get("/dagger/workflows")).json()
    assert (page["total"], page["limit"], page["offset"]) == (21, 20, 0)
    assert [item["id"] for item in page["workflows"]] == made[:0:-1]


async def test_a_page_beyond_the_end_is_empty_and_knows_the_total(
    client: httpx.AsyncClient, many: list[dict[str, Any]]
) -> None:
    for offset in (len(many), len(many) + 1, 10**6, 2**63 - 1):
        page = (await client.get(f"/dagger/workflows?offset={offset}")).json()
        assert page == {"workflows": [], "total": len(many), "limit": 20, "offset": offset}


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("alpha", ["Alpha", "alpha"]),
        ("ALPHA", ["Alpha", "alpha"]),
        ("a_1", ["gamma_1"]),
        ("%", ["100%"]),
        ("äpf", ["ÄPFEL", "äpfel"]),
        ("strasse", ["Straße"]),
        ("", NAMES),
        ("nothing", []),
        ("*", []),
        ("/", []),
        ("\\", []),
        ("' OR 1=1 --", []),
        ("\0", []),
    ],
)
async def test_a_name_is_found_by_any_part_of_it_in_any_case(
    client: httpx.AsyncClient, many: list[dict[str, Any]], part: str, found: list[str]
) -> None:
    page = (await client.get("/dagger/workflows", params={"name": part, "sort": "created_at"})).json()
    assert Counter(item["name"] for item in page["workflows"]) == Counter(found)
    assert page["total"] == len(found)


async def test_filters_hold_together_and_total_counts_what_they_let_through(
    client: httpx.AsyncClient, many: list[dict[str, Any]], owner: Owner
) -> None:
    betas = [item["id"] for item in many if item["name"] == "beta"]
    execution = await executed(client, betas[0])
    await owner.claim(execution)
    await owner.start()
    await executed(client, many[1]["id"])
    query = "name=beta&status=running&limit=1"
    page = (await client.get(f"/dagger/workflows?{query}")).json()
    assert ([item["id"] for item in page["workflows"]], page["total"]) == ([betas[0]], 1)
    page = (await client.get("/dagger/workflows?name=beta&status=pending&limit=1")).json()
    assert (len(page["workflows"]), page["total"]) == (1, 2)


async def test_executions_are_filtered_by_status_and_workflow(
    client: httpx.AsyncClient, clock: HandClock, owner: Owner
) -> None:
    workflows = [await created(client), await created(client)]
    made: dict[str, list[str]] = {workflow: [] for workflow in workflows}
    for number in range(9):
        workflow = workflows[number % 2]
        made[workflow].append(await executed(client, workflow))
        if number % 2:
            clock.advance(seconds=1)
    first, other = workflows
    await client.delete(f"/dagger/executions/{made[other][0]}")
    await owner.claim(made[first][0])
    await owner.start()
    await owner.finish()
    await owner.claim(made[first][1])
    await owner.start()
    for query, expected in (
        ("", [*made[first], *made[other]]),
        (f"workflow_id={first}", made[first]),
        (f"workflow_id={first}&status=completed", made[first][:1]),
        (f"workflow_id={first}&status=running", made[first][1:2]),
        (f"workflow_id={first}&status=pending", made[first][2:]),
        (f"workflow_id={other}&status=cancelled", made[other][:1]),
        ("status=cancelled", made[other][:1]),
        ("status=failed", []),
        ("workflow_id=nonsense", []),
    ):
        page = (await client.get(f"/dagger/executions?sort=id&{query}")).json()
        assert [item["id"] for item in page["executions"]] == sorted(expected), query
        assert page["total"] == len(expected)
    assert faults(await client.get("/dagger/executions?workflow_id=")) == ["workflow_id"]
    for status in ExecutionStatus:
        path = f"/dagger/workflows/{first}/executions?sort=id&status={status}"
        answer = await client.get(f"/dagger/executions?sort=id&workflow_id={first}&status={status}")
        assert (await client.get(path)).json() == answer.json()


@pytest.mark.parametrize("sort", ["created_at", "started_at:desc", "completed_at", "status", "id:desc"])
async def test_pages_of_executions_neither_overlap_nor_skip(
    client: httpx.AsyncClient, workflow: str, owner: Owner, sort: str
) -> None:
    made = [await executed(client, workflow) for _ in range(7)]
    for execution in made[::3]:
        await owner.claim(execution)
        await owner.start()
    await owner.finish()
    path = f"/dagger/workflows/{workflow}/executions"
    whole = (await client.get(path, params={"sort": sort})).json()["executions"]
    assert sorted(item["id"] for item in whole) == made
    for limit in (1, 2, 3, 7, 8):
        assert await pages(client, path, "executions", limit, sort=sort) == whole


async def test_users_and_tokens_are_paged_too(admin: httpx.AsyncClient) -> None:
    for number in range(5):
        body = {"username": f"u{number}", "password": PASSWORD, "role": "viewer"}
        assert (await admin.post("/auth/users", json=body)).status_code == 201
        await admin.post("/auth/tokens", json={"name": f"t{number % 2}"})
    users = await pages(admin, "/auth/users", "users", 3, sort="role:desc")
    assert sorted(user["username"] for user in users) == ["admin", "editor", *(f"u{n}" for n in range(5)), "viewer"]
    assert [user["role"] for user in users] == sorted((user["role"] for user in users), reverse=True)
    tokens = await pages(admin, "/auth/tokens", "tokens", 2, sort="name")
    assert [token["name"] for token in tokens] == ["t0", "t0", "t0", "t1", "t1"]
    assert [token["id"] for token in tokens[:3]] == sorted(token["id"] for token in tokens[:3])

"""What a definition asks for, and what engines can do, over the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.documents import created
from api.errors import messages

STEPS = [
    {"id": "plain", "container": {"image": "busybox"}},
    {
        "id": "limited",
        "container": {
            "image": "busybox",
            "network": "none",
            "resources": {"cpu": 0.5, "memory": "64Mi", "gpus": 1},
            "volumes": [
                {"source": "cache", "target": "/a"},
                {"source": "cache", "target": "/b", "read_only": True},
                {"source": "/tmp", "target": "/c", "read_only": True},
            ],
        },
    },
]
FIELDS = [
    f"steps[1].container.{field}"
    for field in ("resources.cpu", "resources.memory", "resources.gpus", "network", "volumes[1].read_only")
]
DOCUMENT = {"name": "limits", "steps": STEPS}
DAGGER = {"type": "dagger", "endpoint": "unix:///run/dagger/engine.sock"}


async def execute(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    workflow = await created(client, steps=STEPS)
    return await client.post(f"/dagger/workflows/{workflow}/execute", json=body)


@pytest.fixture
async def on_dagger(admin: httpx.AsyncClient) -> None:
    agent = {"name": "dagger", "capabilities": ["containerized_workflow", "dagger"], "engine": DAGGER}
    assert (await admin.post("/dagger/agents", json=agent)).status_code == 201


@pytest.mark.usefixtures("on_dagger")
async def test_limits_that_no_engine_can_give_are_refused_with_their_fields(client: httpx.AsyncClient) -> None:
    answer = await execute(client, requires=["dagger"])
    assert answer.status_code == 400
    told = messages(answer)
    assert list(told) == FIELDS
    assert "memory_limit" in told[FIELDS[1]]
    assert "ignore_unsupported" in told[FIELDS[1]]


@pytest.mark.usefixtures("on_dagger")
async def test_they_are_left_out_where_that_is_asked_for(client: httpx.AsyncClient) -> None:
    assert (await execute(client, requires=["dagger"], ignore_unsupported=True)).status_code == 201


@pytest.mark.usefixtures("on_dagger")
async def test_nothing_is_refused_where_another_agent_can_give_them(client: httpx.AsyncClient) -> None:
    assert (await execute(client)).status_code == 201


async def test_validation_tells_what_a_type_of_engine_cannot_do(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.post("/dagger/workflows/validate?engine=dagger", json=DOCUMENT)
    assert answer.status_code == 200
    fit = answer.json()["engine"]
    assert fit["type"] == "dagger"
    assert fit["abilities"]["memory_limit"] is False
    assert [entry["field"] for entry in fit["unsupported"]] == FIELDS


async def test_validation_finds_nothing_wrong_with_what_an_engine_can_do(viewer: httpx.AsyncClient) -> None:
    fit = (await viewer.post("/dagger/workflows/validate?engine=docker", json=DOCUMENT)).json()["engine"]
    assert fit["unsupported"] == []
    assert all(fit["abilities"].values())


async def test_validation_without_an_engine_tells_of_none(viewer: httpx.AsyncClient) -> None:
    assert "engine" not in (await viewer.post("/dagger/workflows/validate", json=DOCUMENT)).json()


@pytest.mark.parametrize("query", ["engine=podman", "motor=dagger", "engine=dagger&engine=docker"])
async def test_validation_knows_its_query(viewer: httpx.AsyncClient, query: str) -> None:
    assert (await viewer.post(f"/dagger/workflows/validate?{query}", json=DOCUMENT)).status_code == 400


@pytest.mark.parametrize(
    ("engine", "status"),
    [
        (DAGGER, 201),
        ({"type": "dagger"}, 201),
        ({"type": "dagger", "endpoint": "kube-pod://engine?namespace=dagger"}, 201),
        ({"type": "dagger", "endpoint": "container://engine"}, 201),
        ({"type": "dagger", "endpoint": "https://engine"}, 400),
        ({"type": "docker", "endpoint": "container://engine"}, 400),
        ({"type": "dagger", "endpoint": "tcp://e:1", "tls": {"ca": "x", "certificate": "x", "key": "x"}}, 400),
    ],
)
async def test_an_endpoint_is_in_the_words_of_its_type(
    admin: httpx.AsyncClient, engine: dict[str, Any], status: int
) -> None:
    answer = await admin.post("/dagger/agents", json={"name": "one", "engine": engine})
    assert answer.status_code == status, answer.text

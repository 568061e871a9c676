"""``/monitoring/dagger``."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import httpx
import pytest

from aiop import __version__
from aiop.api import create_app
from aiop.errors import StorageUnavailable
from aiop.model.agent import AgentHealth, AgentRecord, EngineCheck
from aiop.model.ids import AgentId, new_id
from aiop.model.state import StepStatus
from api.owner import Owner
from api.world import HandClock, Service, reference

STATUS = "/monitoring/dagger/status"
METRICS = "/monitoring/dagger/metrics"


def lines(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text.splitlines()


async def test_the_status_has_the_fields_of_the_reference_in_their_order(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.get(STATUS)
    assert answer.status_code == 200
    body, example = answer.json(), reference("monitoring_status.answer")
    assert list(body) == [*example, "engines"]
    assert (body["status"], body["version"]) == ("healthy", __version__)
    assert (body["active_workflows"], body["active_steps"]) == (0, 0)
    assert 10 < body["memory_usage_mb"] < 10_000
    assert body["cpu_usage_percent"] >= 0
    assert body["engines"] == [{"agent": "local", "type": "docker", "version": None, "status": "idle"}]


async def test_the_status_counts_what_runs(
    viewer: httpx.AsyncClient, execution: str, owner: Owner, clock: HandClock
) -> None:
    await owner.claim(execution)
    await owner.start()
    await owner.step("step1", status=StepStatus.RUNNING, attempt=1, started_at=clock.now())
    body = (await viewer.get(STATUS)).json()
    assert (body["active_workflows"], body["active_steps"]) == (1, 1)


async def test_an_engine_that_is_away_is_told_with_the_reason(
    service: Service, viewer: httpx.AsyncClient, clock: HandClock
) -> None:
    store = service.store
    await store.add_agent(AgentRecord(AgentId(new_id()), "remote", clock.now(), error="no route to host"))
    body = (await viewer.get(STATUS)).json()
    assert body["status"] == "degraded"
    assert body["engines"][1] == {
        "agent": "remote",
        "type": "docker",
        "version": None,
        "status": "offline",
        "error": "no route to host",
    }
    for agent in await store.all_agents():
        await store.note_check([agent.id], EngineCheck(AgentHealth.ERROR, clock.now(), "19.03", "too old"))
    body = (await viewer.get(STATUS)).json()
    assert body["status"] == "unhealthy"
    assert [(engine["version"], engine["status"], engine["error"]) for engine in body["engines"]] == [
        ("19.03", "error", "too old")
    ] * 2
    assert 'dagger_agents{status="error"} 2' in lines(await viewer.get(METRICS))


async def test_a_database_that_takes_nothing_makes_it_unhealthy(
    service: Service, viewer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(service.store), "health", StorageUnavailable("disk full"))
    assert (await viewer.get(STATUS)).json()["status"] == "unhealthy"
    assert "dagger_storage_writable 0" in lines(await viewer.get(METRICS))


async def test_the_metrics_count_what_has_ended(
    viewer: httpx.AsyncClient, execution: str, workflow: str, owner: Owner, clock: HandClock
) -> None:
    await owner.claim(execution)
    await owner.start()
    began = clock.now()
    clock.advance(seconds=3)
    await owner.step("step1", status=StepStatus.COMPLETED, attempt=1, started_at=began, completed_at=clock.now())
    await owner.finish(started_at=began)

    found = lines(await viewer.get(METRICS))

    assert f'dagger_workflow_executions_total{{workflow_id="{workflow}",status="completed"}} 1' in found
    assert 'dagger_workflow_execution_duration_seconds_sum{status="completed"} 3' in found
    assert 'dagger_step_executions_total{status="completed"} 1' in found
    assert 'dagger_agents{status="idle"} 1' in found
    assert f'dagger_build_info{{version="{__version__}"}} 1' in found


async def test_requests_are_counted_by_the_template_of_their_route(
    viewer: httpx.AsyncClient, workflow: str, anonymous: httpx.AsyncClient
) -> None:
    await viewer.get(f"/dagger/workflows/{workflow}")
    await viewer.head(f"/dagger/workflows/{workflow}")
    await anonymous.get(f"/dagger/workflows/{workflow}")
    await anonymous.get("/no/such/path")
    await viewer.request("BREW", "/coffee")
    found = lines(await viewer.get(METRICS))
    counted = [line for line in found if line.startswith("dagger_http_request_duration_seconds_count")]
    route = "/dagger/workflows/{workflow_id}"
    name = "dagger_http_request_duration_seconds_count"
    for line in (
        f'{name}{{route="{route}",method="GET",status_class="2xx"}} 2',
        f'{name}{{route="{route}",method="GET",status_class="4xx"}} 1',
        f'{name}{{route="none",method="GET",status_class="4xx"}} 1',
        f'{name}{{route="none",method="other",status_class="4xx"}} 1',
    ):
        assert line in counted
    assert not [line for line in found if workflow in line and "http" in line]


async def test_a_defect_is_counted_as_the_500_that_is_answered(
    service: Service, viewer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(type(service.store), "workflows", broken)
    assert (await viewer.get("/dagger/workflows")).status_code == 500
    assert [line for line in lines(await viewer.get(METRICS)) if 'status_class="5xx"} 1' in line]


@pytest.mark.parametrize("path", [STATUS, METRICS])
async def test_it_needs_a_token_and_knows_no_parameters(
    path: str, anonymous: httpx.AsyncClient, viewer: httpx.AsyncClient
) -> None:
    refused = await anonymous.get(path)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert (await viewer.get(f"{path}?verbose=1")).status_code == 400


async def test_metrics_that_are_open_need_no_token_and_everything_else_does(service: Service) -> None:
    services = dataclasses.replace(service.services, open_metrics=True)
    opened = dataclasses.replace(service, app=create_app(services))
    async with opened.client() as anyone:
        assert lines(await anyone.get(METRICS))
        assert (await anyone.get(STATUS)).status_code == 401


async def test_an_execution_remembers_the_trace_of_its_caller(
    service: Service, client: httpx.AsyncClient, workflow: str
) -> None:
    path = f"/dagger/workflows/{workflow}/execute"
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    key = {"Idempotency-Key": "once"}
    first = await client.post(path, headers={**key, "traceparent": trace, "tracestate": "a=b"})
    # Whoever asks again does so from another span: it is the same request all the same.
    again = await client.post(path, headers={**key, "traceparent": trace.replace("00f0", "11f0")})
    assert first.json() == again.json()
    odd = await client.post(path, headers={"traceparent": "nonsense", "tracestate": "a=b"})
    assert odd.status_code == 201

    leases = await service.store.claim("owner", ttl=timedelta(hours=1), limit=10)
    options = {lease.execution: (await service.store.load(lease)).options for lease in leases}
    assert options == {
        first.json()["execution_id"]: {"traceparent": trace, "tracestate": "a=b"},
        odd.json()["execution_id"]: {},
    }

"""The real service tells of executions to a collector: one trace each, also when it is killed in the middle."""

import asyncio
from collections import Counter

import httpx
import pytest

from otlp_receiver import Receiver, otlp_receiver
from service_process import PASSWORD, ServiceProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
WORKFLOW = {
    "name": "traced",
    "steps": [
        {"id": "first", "container": {"image": "fake", "script": "echo $TRACEPARENT $TRACESTATE"}},
        {
            "id": "second",
            "depends_on": ["first"],
            "retries": 1,
            "container": {"image": "fake", "script": 'sleep 0.5; test "$AIOP_ATTEMPT" -ge 2'},
        },
        {"id": "third", "depends_on": ["second"], "container": {"image": "fake", "script": "true"}},
    ],
}


@pytest.fixture
def collector():
    with otlp_receiver() as receiver:
        yield receiver


@pytest.fixture
async def service_with(tmp_path, monkeypatch):
    """Make a service that is told of a collector by the variables that OpenTelemetry defines."""
    made = []

    def make(receiver: Receiver | None, **settings: str) -> ServiceProcess:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        if receiver is not None:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        made.append(ServiceProcess(tmp_path / f"data{len(made)}", engine="fake", **settings))
        return made[-1]

    yield make
    for service in made:
        await service.kill()


async def execute(service: ServiceProcess, headers: dict[str, str]) -> str:
    """Store the workflow and execute it as a caller who is part of a trace."""
    async with httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
        session = await http.post("/auth/token", data={"username": "admin", "password": PASSWORD})
        http.headers["Authorization"] = f"Bearer {session.json()['access_token']}"
        workflow = (await http.post("/dagger/workflows", json=WORKFLOW)).json()["id"]
        answer = await http.post(f"/dagger/workflows/{workflow}/execute", headers=headers)
        assert answer.status_code == 201, answer.text
        execution: str = answer.json()["execution_id"]
        return execution


async def ended(service: ServiceProcess, execution: str):
    async with service.client() as client:
        return await client.executions.wait(execution, timeout=60)


async def test_an_execution_is_one_trace_also_over_a_crash(collector, service_with):
    service = service_with(collector)
    await service.start()
    execution = await execute(service, {"traceparent": CALLER, "tracestate": "vendor=1"})
    async with service.client() as client:
        async for event in client.executions.events(execution):
            if event.type == "StepStarted" and event.data["step"] == "second":
                break
    await service.kill()
    await service.start()
    result = await ended(service, execution)
    assert result.succeeded, result
    attempts = result.steps["second"].attempt
    # An execution and each attempt have two parts, as each of these has been started.
    spans = await asyncio.to_thread(collector.wait, 2 + 3 + 3 * (2 + attempts))

    assert {span.trace for span in spans} == {CALLER.split("-")[1]}
    assert {span.state for span in spans} == {"vendor=1"}
    ids = {span.id: span for span in spans}
    assert len(ids) == len(spans)
    [root] = [span for span in spans if span.parent == CALLER.split("-")[2]]
    assert (root.name, root.kind, root.attributes["cicd.pipeline.run.id"]) == ("RUN traced", 2, execution)
    assert all(span.parent in ids for span in spans if span is not root)
    assert all(span.start <= span.end for span in spans)
    assert all(root.start <= span.start and span.end <= root.end for span in spans)
    names = Counter(span.name for span in spans)
    assert (names["first"], names["second"], names["third"], names["run"]) == (1, 1, 1, 2 + attempts)

    said = result.steps["first"].outputs["result"].split()
    [own] = [span for span in spans if span.name == "attempt 1" and ids[span.parent].name == "first"]
    assert said == [f"00-{own.trace}-{own.id}-01", "vendor=1"]
    assert collector.resources[0]["service.name"] == "aiop"
    assert collector.resources[0]["deployment.environment.name"] == "test"
    assert collector.headers[0]["x-key"] == "secret"


async def test_a_trace_that_nobody_took_is_sent_after_a_restart(collector, service_with):
    collector.status = 503
    service = service_with(collector)
    await service.start()
    execution = await execute(service, {})
    assert (await ended(service, execution)).succeeded
    await asyncio.to_thread(collector.wait_for_requests, 1)
    await service.kill()
    collector.status = 200
    await service.start()

    spans = await asyncio.to_thread(collector.wait, 2 + 3 + 3 * 4)

    assert {span.trace for span in spans} == {execution.replace("-", "")}
    assert [span.name for span in spans if not span.parent] == ["RUN traced"]


async def test_a_collector_that_hangs_holds_up_neither_executions_nor_the_end_of_the_service(service_with):
    taken = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        service = service_with(Receiver(url=f"http://127.0.0.1:{port}"))
        await service.start()
        assert (await ended(service, await execute(service, {}))).succeeded
        await asyncio.wait_for(taken.wait(), 30)
        assert (await ended(service, await execute(service, {}))).succeeded
        async with asyncio.timeout(15):
            assert await service.stop() == 0


async def test_without_an_endpoint_nothing_is_sent_and_the_context_of_the_caller_is_passed_on(service_with):
    service = service_with(None)
    await service.start()
    with_caller = await ended(service, await execute(service, {"traceparent": CALLER, "tracestate": "vendor=1"}))
    alone = await ended(service, await execute(service, {"traceparent": "nonsense"}))
    assert with_caller.steps["first"].outputs == {"result": f"{CALLER} vendor=1"}
    assert alone.steps["first"].outputs == {"result": ""}


async def test_it_can_be_switched_off_where_an_endpoint_is_named(collector, service_with):
    service = service_with(collector, tracing="false")
    await service.start()
    result = await ended(service, await execute(service, {}))
    assert result.steps["first"].outputs == {"result": ""}

"""A real Prometheus scrapes the real service, and every expression that is shipped means something there."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from aiop.client import AsyncClient
from prometheus_lab import DEPLOY, Prometheus, promtool
from service_process import ServiceProcess

pytestmark = [pytest.mark.prometheus, pytest.mark.slow]

RULES = DEPLOY / "prometheus" / "aiop.rules.yml"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
VARIABLES = {
    "$__rate_interval": "1m",
    "$__range": "5m",
    "$job": "aiop",
    "$instance": ".*",
    "$workflow": ".*",
}
SELECTOR = re.compile(r"\b((?:dagger_|up\b)\w*)(\{[^}]*\})?")
GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
UNLIKELY = 'status_class="5xx"'
"""There is none as long as the service is well."""


def dashboard_expressions() -> Iterator[tuple[str, str]]:
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                expression = target["expr"]
                for name, value in VARIABLES.items():
                    expression = expression.replace(name, value)
                assert "$" not in expression, expression
                yield f"{path.stem}: {panel['title']} {target['refId']}", expression


def alert_expressions() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


WORKFLOW = {
    "name": "watched",
    "steps": [
        {"id": "a", "container": {"image": "fake", "script": "sleep 0.02"}},
        {"id": "b", "container": {"image": "fake", "script": "exit ${inputs.code}"}, "depends_on": ["a"]},
        {"id": "c", "container": {"image": "fake", "script": "true"}, "depends_on": ["b"]},
    ],
    "inputs": {"code": {"type": "integer", "default": 0}},
}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[ServiceProcess]:
    process = ServiceProcess(tmp_path / "data", engine="fake")
    await process.start()
    yield process
    await process.kill()


@pytest.fixture
async def client(service: ServiceProcess) -> AsyncIterator[AsyncClient]:
    async with service.client() as client:
        yield client


@pytest.fixture
async def prometheus(tmp_path: Path, service: ServiceProcess, client: AsyncClient) -> AsyncIterator[Prometheus]:
    token = await client.auth.tokens.create("prometheus", role="viewer")
    directory = tmp_path / "prometheus"
    directory.mkdir()
    running = Prometheus(directory, f"127.0.0.1:{service.port}", token.token)
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


async def run_some(client: AsyncClient) -> str:
    workflow = (await client.workflows.create(WORKFLOW)).id
    for code in (0, 0, 1):
        await client.run_and_wait(workflow, {"code": code}, timeout=60)
    return workflow


async def test_the_metrics_are_well_formed(client: AsyncClient) -> None:
    await run_some(client)
    assert promtool("check", "metrics", stdin=await client.monitoring.metrics()) == ""


async def test_everything_that_is_shipped_means_something_there(
    service: ServiceProcess, client: AsyncClient, prometheus: Prometheus
) -> None:
    await prometheus.until('up{job="aiop"} == 1')
    await prometheus.until("dagger_workflow_executions_total")
    workflow = await run_some(client)
    # Two scrapes that differ, so that there are rates.
    await prometheus.until("increase(dagger_workflow_execution_duration_seconds_count[1m]) > 0")
    await prometheus.until('dagger_workflow_executions_total{status="completed",workflow_id!="other"} == 2')
    await client.run_and_wait(workflow, {"code": 1}, timeout=60)
    await prometheus.until('increase(dagger_workflow_executions_total{status="failed",workflow_id!="other"}[1m]) > 0')

    [completed] = await prometheus.query(
        f'dagger_workflow_executions_total{{workflow_id="{workflow}",status="completed"}}'
    )
    assert completed["value"][1] == "2"
    assert completed["metric"]["instance"] == f"127.0.0.1:{service.port}"

    served = await _labels(prometheus)
    for where, expression in [*dashboard_expressions(), *alert_expressions()]:
        selectors = SELECTOR.findall(expression)
        assert selectors, where
        for name, matchers in selectors:
            assert name in served, f"{where}: no metric {name} is served"
            if UNLIKELY not in matchers:
                assert await prometheus.query(f"{name}{matchers}"), f"{where}: {name}{matchers} is empty"
        known = {"le"} | set.union(*(served[name] for name, _ in selectors))
        for labels in GROUPING.findall(expression):
            assert {label.strip() for label in labels.split(",")} <= known, f"{where}: unknown label in ({labels})"
        found = await prometheus.query(expression)
        if where not in dict(alert_expressions()):
            assert found, f"{where}: {expression} is empty after a run"

    rules = {rule["name"]: rule for rule in await prometheus.rules()}
    assert rules.keys() == dict(alert_expressions()).keys()
    assert {rule["health"] for rule in rules.values()} <= {"ok", "unknown"}


async def _labels(prometheus: Prometheus) -> dict[str, set[str]]:
    """Return the labels of each metric that Prometheus has of the service."""
    labels: dict[str, set[str]] = {}
    for series in await prometheus.query('{job="aiop"}'):
        labels.setdefault(series["metric"]["__name__"], set()).update(series["metric"])
    return labels


async def test_without_its_token_it_gets_nothing_unless_the_metrics_are_open(tmp_path: Path) -> None:
    for opened, status in (("false", 401), ("true", 200)):
        process = ServiceProcess(tmp_path / opened, engine="fake", metrics_open=opened)
        try:
            await process.start()
            async with httpx.AsyncClient(base_url=process.url, trust_env=False) as anyone:
                assert (await anyone.get("/monitoring/dagger/metrics")).status_code == status
        finally:
            await process.kill()


def test_the_alerts_fire_when_they_should_and_not_else() -> None:
    directory = DEPLOY / "prometheus"
    assert "10 rules found" in promtool("check", "rules", RULES.name, cwd=directory)
    promtool("test", "rules", "aiop.rules.test.yml", cwd=directory)


def test_each_alert_is_tested_to_fire() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus" / "aiop.rules.test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert fired == dict(alert_expressions()).keys()


def test_the_example_configuration_is_valid(tmp_path: Path) -> None:
    for file in (DEPLOY / "prometheus").iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "aiop.token").write_text("aiop_x")
    promtool("check", "config", "prometheus.yml", cwd=tmp_path)


def test_dashboards_have_what_grafana_needs() -> None:
    assert DASHBOARDS
    uids = set()
    for path in DASHBOARDS:
        dashboard: dict[str, Any] = json.loads(path.read_text())
        uids.add(dashboard["uid"])
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))
        variables = {variable["name"] for variable in dashboard["templating"]["list"]}
        used = set(re.findall(r"\$\{?(\w+)\}?", path.read_text()))
        assert used <= variables | {"__rate_interval", "__range", "__all"}
        places = [panel["gridPos"] for panel in dashboard["panels"]]
        assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len(uids) == len(DASHBOARDS)
    for file in (DEPLOY / "grafana" / "provisioning").rglob("*.yml"):
        assert yaml.safe_load(file.read_text())["apiVersion"] == 1

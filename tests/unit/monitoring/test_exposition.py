"""Figures as Prometheus text."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aiop.interfaces import Counted, EngineLoad, Figures, Tally
from aiop.interfaces.figures import DURATION_BOUNDS, NO_DURATION, UNBOUNDED
from aiop.model.agent import AgentStatus, EngineType
from aiop.monitoring import CATALOGUE, EngineState, Health
from aiop.monitoring.catalogue import BUILD
from aiop.monitoring.exposition import agent_family, families_of, gauge, load_families, text_of
from aiop.monitoring.requests import RequestFigures
from aiop.monitoring.status import judge

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


def text(*tallies: Tally, **activity) -> str:
    values = {"running_executions": 0, "pending_executions": 0, "oldest_pending": None, "running_steps": 0, **activity}
    return text_of(families_of(Figures(**values, tallies=tallies), NOW))


def values(written: str, name: str) -> dict[tuple[str, ...], float]:
    """Read a metric's samples back, by the values of their labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(written)
        for sample in family.samples
        if sample.name == name
    }


def test_the_line_of_the_reference():
    written = text(
        Tally(Counted.WORKFLOW, "123e4567-e89b-12d3-a456-426614174000", "completed", NO_DURATION, 1, 60_000_000)
    )
    line = 'dagger_workflow_executions_total{workflow_id="123e4567-e89b-12d3-a456-426614174000",status="completed"} 1'
    assert line in written.splitlines()
    assert "# TYPE dagger_workflow_executions_total counter" in written.splitlines()


def test_what_has_not_happened_yet_is_zero():
    written = text()
    assert values(written, "dagger_workflow_executions_total") == {
        ("other", status): 0 for status in ("completed", "failed", "cancelled")
    }
    assert values(written, "dagger_step_executions_total") == {
        (status,): 0 for status in ("completed", "failed", "cancelled", "skipped")
    }
    errors = values(written, "dagger_errors_total")
    assert errors["oom_killed",] == 0
    assert ("when_false",) not in errors, "it is no failure"
    assert values(written, "dagger_step_scheduling_delay_seconds_count") == {(): 0}


def test_a_histogram_adds_up_its_buckets_and_leaves_out_what_took_no_time():
    first, second = DURATION_BOUNDS[:2]
    written = text(
        Tally(Counted.STEP, "", "failed", first, 2, 150_000),
        Tally(Counted.STEP, "", "failed", second, 3, 600_000),
        Tally(Counted.STEP, "", "failed", UNBOUNDED, 1, 90_000_000_000),
        Tally(Counted.STEP, "", "failed", NO_DURATION, 7, 0),
    )
    buckets = values(written, "dagger_step_execution_duration_seconds_bucket")
    assert (buckets["failed", "0.1"], buckets["failed", "0.25"], buckets["failed", "+Inf"]) == (2, 5, 6)
    assert values(written, "dagger_step_execution_duration_seconds_sum")["failed",] == 90_000.75
    assert values(written, "dagger_step_execution_duration_seconds_count")["failed",] == 6
    assert values(written, "dagger_step_executions_total")["failed",] == 13


def test_a_bound_of_another_release_counts_for_the_next_above():
    odd = DURATION_BOUNDS[3] - 1
    written = text(Tally(Counted.EXECUTION, "", "completed", odd, 1, odd))
    buckets = values(written, "dagger_workflow_execution_duration_seconds_bucket")
    assert (buckets["completed", "0.5"], buckets["completed", "1.0"]) == (0, 1)


def test_the_queue():
    written = text(pending_executions=2, oldest_pending=NOW - timedelta(seconds=1.5))
    assert values(written, "dagger_queue_length") == {(): 2}
    assert values(written, "dagger_queue_oldest_wait_seconds") == {(): 1.5}
    assert values(text(oldest_pending=NOW + timedelta(1)), "dagger_queue_oldest_wait_seconds") == {(): 0}


def test_labels_are_escaped():
    assert text_of([gauge(BUILD, 1, 'a"b\\c\nd')]).splitlines()[-1] == r'dagger_build_info{version="a\"b\\c\nd"} 1'


def test_requests_are_counted_by_route_and_not_by_path():
    figures = RequestFigures()
    figures.answered(route="/x/{id}", method="GET", status=204, seconds=0.003)
    figures.answered(route="/x/{id}", method="GET", status=200, seconds=7)
    figures.answered(route=None, method="BREW", status=404, seconds=0)
    written = text_of([figures.family()])
    assert values(written, "dagger_http_request_duration_seconds_count") == {
        ("/x/{id}", "GET", "2xx"): 2,
        ("none", "other", "4xx"): 1,
    }
    assert "_created" not in written


def test_every_metric_is_in_the_catalogue_as_it_is_served():
    families = [
        *families_of(Figures(0, 0, None, 0), NOW),
        agent_family([]),
        *load_families([]),
        RequestFigures().family(),
    ]
    served = {family.name: (family.type, family.documentation) for family in families}
    catalogue = {metric.name.removesuffix("_total"): (metric.kind, metric.help) for metric in CATALOGUE}
    assert served.items() <= catalogue.items()
    assert catalogue.keys() - served.keys() == {
        "dagger_storage_writable",
        "dagger_memory_usage_bytes",
        "dagger_cpu_usage_percent",
        "dagger_build_info",
    }


def test_the_load_of_engines_that_tell_it():
    engines = [
        EngineState("docker", EngineType.DOCKER, "1", AgentStatus.IDLE),
        EngineState("dagger", EngineType.DAGGER, "1", AgentStatus.BUSY, load=EngineLoad(sessions=1, executions=3)),
    ]
    lines = text_of(load_families(engines)).splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        'dagger_engine_sessions{agent="dagger"} 1',
        'dagger_engine_executions{agent="dagger"} 3',
    ]


@pytest.mark.parametrize(
    ("statuses", "storage_well", "health"),
    [
        (["idle"], True, Health.HEALTHY),
        (["busy", "idle"], True, Health.HEALTHY),
        (["busy", "offline"], True, Health.DEGRADED),
        (["idle", "error"], True, Health.DEGRADED),
        (["offline"], True, Health.UNHEALTHY),
        ([], True, Health.UNHEALTHY),
        (["idle"], False, Health.UNHEALTHY),
    ],
)
def test_the_health_of_the_service(statuses, storage_well, health):
    engines = [EngineState(str(n), EngineType.DOCKER, None, AgentStatus(status)) for n, status in enumerate(statuses)]
    assert judge(engines, storage_well=storage_well) is health

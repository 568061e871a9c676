"""Every metric: its name, its labels, what it means. The page ``metrics.md`` of the reference is written from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["CATALOGUE", "Metric"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``stored``: its values come from the database, so they are the same after a restart."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    stored: bool = True


EXECUTIONS = Metric(
    "dagger_workflow_executions_total",
    "counter",
    "Total number of Dagger workflow executions that have ended",
    ("workflow_id", "status"),
)
EXECUTION_DURATION = Metric(
    "dagger_workflow_execution_duration_seconds",
    "histogram",
    "Time from the start of an execution to its end",
    ("status",),
)
STEPS = Metric(
    "dagger_step_executions_total", "counter", "Total number of steps that have ended or were skipped", ("status",)
)
STEP_DURATION = Metric(
    "dagger_step_execution_duration_seconds",
    "histogram",
    "Time from the first start of a step's container to the end of the step, retries included",
    ("status",),
)
ERRORS = Metric(
    "dagger_errors_total",
    "counter",
    "Failed attempts of steps, retried ones too, and executions that failed by themselves, by reason",
    ("code",),
)
CONCURRENT_WORKFLOWS = Metric("dagger_concurrent_workflows", "gauge", "Executions that are running")
CONCURRENT_STEPS = Metric("dagger_concurrent_steps", "gauge", "Steps whose container is running")
QUEUE_LENGTH = Metric("dagger_queue_length", "gauge", "Executions that wait for their turn")
QUEUE_WAIT = Metric(
    "dagger_queue_oldest_wait_seconds", "gauge", "How long the execution that waits longest has waited; 0 if none does"
)
DELAY = Metric(
    "dagger_step_scheduling_delay_seconds",
    "histogram",
    "Time from the moment when an attempt could begin to the start of its container: place, image and engine",
)
AGENTS = Metric("dagger_agents", "gauge", "Agents by status: idle, busy, offline, error", ("status",), stored=False)
ENGINE_SESSIONS = Metric(
    "dagger_engine_sessions",
    "gauge",
    "Sessions of this process with the Dagger Engine of an agent; agents on one engine share them",
    ("agent",),
    stored=False,
)
ENGINE_EXECUTIONS = Metric(
    "dagger_engine_executions",
    "gauge",
    "Commands that run in these sessions",
    ("agent",),
    stored=False,
)
STORAGE = Metric(
    "dagger_storage_writable", "gauge", "1 if the database took the last write, 0 if it did not", stored=False
)
MEMORY = Metric("dagger_memory_usage_bytes", "gauge", "Resident memory of the service", stored=False)
CPU = Metric(
    "dagger_cpu_usage_percent",
    "gauge",
    "CPU use of the service over the last 30 seconds; 100 is one core",
    stored=False,
)
HTTP = Metric(
    "dagger_http_request_duration_seconds",
    "histogram",
    "Time from a request to the beginning of its answer, since the service started",
    ("route", "method", "status_class"),
    stored=False,
)
BUILD = Metric("dagger_build_info", "gauge", "Always 1; its label is the version of the service", ("version",))

CATALOGUE = (
    EXECUTIONS,
    EXECUTION_DURATION,
    STEPS,
    STEP_DURATION,
    ERRORS,
    CONCURRENT_WORKFLOWS,
    CONCURRENT_STEPS,
    QUEUE_LENGTH,
    QUEUE_WAIT,
    DELAY,
    AGENTS,
    ENGINE_SESSIONS,
    ENGINE_EXECUTIONS,
    STORAGE,
    MEMORY,
    CPU,
    HTTP,
    BUILD,
)

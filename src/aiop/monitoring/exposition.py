"""Figures as Prometheus text, version 0.0.4.

The text is written here and not by the library, which sorts labels and writes ``1.0``: the API reference shows
``{workflow_id="...",status="completed"} 1``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client.metrics_core import Metric as Family

from aiop.interfaces import Counted, Figures, Tally
from aiop.interfaces.figures import DELAY_BOUNDS, DURATION_BOUNDS, NO_DURATION, OTHER_WORKFLOWS, UNBOUNDED
from aiop.model.agent import AgentStatus
from aiop.model.state import ExecutionStatus, Reason, StepStatus
from aiop.monitoring import catalogue
from aiop.monitoring.catalogue import Metric
from aiop.monitoring.status import EngineState

__all__ = ["CONTENT_TYPE", "agent_family", "families_of", "gauge", "load_families", "text_of", "without_creation_times"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
EXECUTION_ENDS = tuple(status for status in ExecutionStatus if status.ended)
_CONSEQUENCES = frozenset(
    {Reason.UPSTREAM_FAILED, Reason.WHEN_FALSE, Reason.FAIL_FAST, Reason.STEP_FAILED, Reason.CANCELLED}
)
FAILURES = tuple(reason for reason in Reason if reason not in _CONSEQUENCES)
STEP_ENDS = tuple(status for status in StepStatus if status.ended)
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})
_MICROSECONDS = 1_000_000


def text_of(families: Iterable[Family]) -> str:
    """Write families, each sample's labels in their own order."""
    return "".join(line for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    yield f"# HELP {name} {family.documentation.translate(_HELP_ESCAPES)}\n# TYPE {name} {family.type}\n"
    for sample in family.samples:
        labels = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in sample.labels.items())
        shown = f"{{{labels}}}" if labels else ""
        yield f"{sample.name}{shown} {_number(sample.value)}\n"


def _number(value: float) -> str:
    return str(int(value)) if value == value // 1 and abs(value) < 2**53 else repr(float(value))


def families_of(figures: Figures, now: datetime) -> Iterator[Family]:
    """Make the families of what is stored."""
    by_kind: defaultdict[Counted, list[Tally]] = defaultdict(list)
    for tally in figures.tallies:
        by_kind[tally.counted].append(tally)
    yield _counter(catalogue.EXECUTIONS, by_kind[Counted.WORKFLOW], EXECUTION_ENDS)
    yield _histogram(catalogue.EXECUTION_DURATION, by_kind[Counted.EXECUTION], DURATION_BOUNDS, EXECUTION_ENDS)
    yield _counter(catalogue.STEPS, by_kind[Counted.STEP], STEP_ENDS, ("",))
    yield _histogram(catalogue.STEP_DURATION, by_kind[Counted.STEP], DURATION_BOUNDS, STEP_ENDS)
    yield _counter(catalogue.ERRORS, by_kind[Counted.FAILURE], FAILURES, ("",))
    yield gauge(catalogue.CONCURRENT_WORKFLOWS, figures.running_executions)
    yield gauge(catalogue.CONCURRENT_STEPS, figures.running_steps)
    yield gauge(catalogue.QUEUE_LENGTH, figures.pending_executions)
    oldest = figures.oldest_pending
    yield gauge(catalogue.QUEUE_WAIT, 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds()))
    yield _histogram(catalogue.DELAY, by_kind[Counted.DELAY], DELAY_BOUNDS, ("",))


def agent_family(engines: Sequence[EngineState]) -> Family:
    """Count the agents of each status; one that no agent has is 0."""
    family = _family(catalogue.AGENTS)
    for status in AgentStatus:
        found = sum(engine.status == status for engine in engines)
        family.add_sample(catalogue.AGENTS.name, {"status": status.value}, found)
    return family


def load_families(engines: Sequence[EngineState]) -> Iterator[Family]:
    """Make the families of what is open at engines that are spoken to in sessions."""
    sessions, executions = _family(catalogue.ENGINE_SESSIONS), _family(catalogue.ENGINE_EXECUTIONS)
    for engine in engines:
        if engine.load is not None:
            sessions.add_sample(sessions.name, {"agent": engine.agent}, engine.load.sessions)
            executions.add_sample(executions.name, {"agent": engine.agent}, engine.load.executions)
    yield sessions
    yield executions


def gauge(metric: Metric, value: float, *labels: str) -> Family:
    """Make a family of one value."""
    family = _family(metric)
    family.add_sample(metric.name, dict(zip(metric.labels, labels, strict=True)), value)
    return family


def without_creation_times(family: Family) -> Family:
    """Drop the samples that this format has no place for."""
    family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    return family


def _family(metric: Metric) -> Family:
    return Family(metric.name.removesuffix("_total"), metric.help, metric.kind)


def _counter(
    metric: Metric, tallies: Sequence[Tally], labels: Sequence[str], workflows: Sequence[str] = (OTHER_WORKFLOWS,)
) -> Family:
    """Add up the buckets. What has not happened yet is 0: the rate of a series that begins with 1 misses the first."""
    counts: defaultdict[tuple[str, str], int] = defaultdict(int)
    for tally in tallies:
        counts[tally.workflow, tally.label] += tally.count
    family = _family(metric)
    for workflow in sorted({*workflows, *(tally.workflow for tally in tallies)}):
        for label in dict.fromkeys((*labels, *sorted(tally.label for tally in tallies))):
            values = (workflow, label) if workflow else (label,)
            family.add_sample(metric.name, dict(zip(metric.labels, values, strict=True)), counts[workflow, label])
    return family


def _histogram(metric: Metric, tallies: Sequence[Tally], bounds: Sequence[int], labels: Sequence[str]) -> Family:
    """Add up from bucket to bucket. One that was stored with a bound of another release counts for the next above."""
    family = _family(metric)
    by_label: defaultdict[str, list[Tally]] = defaultdict(list)
    for tally in tallies:
        if tally.bucket != NO_DURATION:
            by_label[tally.label].append(tally)
    for value in dict.fromkeys((*labels, *sorted(by_label))):
        own = dict.fromkeys(metric.labels, value)
        found = by_label[value]
        for bound in (*bounds, UNBOUNDED):
            shown = "+Inf" if bound == UNBOUNDED else repr(bound / _MICROSECONDS)
            below = sum(tally.count for tally in found if tally.bucket <= bound)
            family.add_sample(f"{metric.name}_bucket", {**own, "le": shown}, below)
        family.add_sample(f"{metric.name}_sum", own, sum(tally.micros for tally in found) / _MICROSECONDS)
        family.add_sample(f"{metric.name}_count", own, sum(tally.count for tally in found))
    return family
